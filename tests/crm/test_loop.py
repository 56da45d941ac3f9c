"""The whole way with a CRM far away: read first, a change there, an edit here, a conflict, then quiet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio

from crm.model import RecordRef
from gateway.app import open_house
from gateway.clock import ShiftedClock
from gateway.config.model import Plugged
from gateway.demo.run import prepare
from gateway.house import House
from gateway.store.ledger import Incoming
from reconcile.model import Actor, Source
from tests.crm.contract import opener

SLACK = Source("slack", "Slack card", "1.0", "slack")


class Far(Protocol):
    """What the three harnesses have in common."""

    fake: Any

    async def seed(self, count: int) -> list[RecordRef]: ...
    async def native(self, ref: RecordRef, value: Any) -> None: ...
    def client(self) -> Any: ...


@pytest.fixture(params=["odoo", "hubspot", "salesforce", "dataverse"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def far(name: str, tmp_path: Path) -> AsyncIterator[Far]:
    async with opener(name)(tmp_path) as harness:
        yield harness  # type: ignore[misc]


def settings(far: Far) -> dict[str, Any]:
    """As the harness configures its own connectors; secrets as a file would give them."""
    told: dict[str, Any] = far.client()._config.model_dump()
    return {key: getattr(value, "get_secret_value", lambda v=value: v)() for key, value in told.items()}


@asynccontextmanager
async def opened(far: Far, name: str, folder: Path) -> AsyncIterator[House]:
    config = prepare(folder, 8300)
    plugged = Plugged.model_validate({"type": name, **settings(far)})
    house = await open_house(config.model_copy(update={"crms": {name: plugged}}), ShiftedClock())
    try:
        yield house
    finally:
        await house.close()


async def settle(house: House, name: str, times: int = 6) -> None:
    for _ in range(times):
        await house.sweeps[name].once()
        await house.writebacks[name].once()


async def edit(house: House, ref: RecordRef, value: str, once: str, parents: frozenset[str] = frozenset()) -> None:
    actor = Actor("person", "li")
    await house.services.ledger.ingest(
        Incoming(ref.key, "phone", "set", value, SLACK, actor, once, parents=parents, role_ok=True)
    )


async def standing(house: House, ref: RecordRef) -> Any:
    state = await house.services.ledger.state(ref.key, "phone")
    return state.value if state is not None else None


async def there(far: Far, ref: RecordRef) -> Any:
    return (await far.client().get(ref)).fields["phone"].value


async def test_the_loop_with_a_crm_far_away(far: Far, name: str, tmp_path: Path) -> None:
    refs = await far.seed(5)
    await far.native(refs[0], "+86 512 6288 0000")
    async with opened(far, name, tmp_path / "house") as house:
        assert await house.sweeps[name].once(first=True) == 5
        assert await standing(house, refs[0]) == "+86 512 6288 0000"

        await far.native(refs[0], "+86 512 6288 0001")
        await settle(house, name)
        assert await standing(house, refs[0]) == "+86 512 6288 0001"

        heads = frozenset((await house.services.ledger.state(refs[0].key, "phone")).heads)  # type: ignore[union-attr]
        await edit(house, refs[0], "+86 512 6288 0002", "e1", heads)
        await settle(house, name)
        assert await there(far, refs[0]) == await standing(house, refs[0]) == "+86 512 6288 0002"

        state = await house.services.ledger.state(refs[0].key, "phone")
        assert state is not None and state.write == "in_crm" and state.conflict is None
        before = (await far.client().get(refs[0])).version
        await settle(house, name)
        assert (await far.client().get(refs[0])).version == before, "it is quiet: nothing is written again"


async def test_two_who_change_the_same_are_known_as_two(far: Far, name: str, tmp_path: Path) -> None:
    """Theirs arrives between our decision and our write: nothing is lost, and both ends come to one value."""
    (ref,) = await far.seed(1)
    await far.native(ref, "+86 512 6288 0000")
    async with opened(far, name, tmp_path / "house") as house:
        await house.sweeps[name].once(first=True)
        state = await house.services.ledger.state(ref.key, "phone")
        assert state is not None
        await edit(house, ref, "+86 512 6288 0001", "e1", frozenset(state.heads))
        await far.native(ref, "+86 512 6288 0002")
        await settle(house, name)
        history = {row.edit.value for row in await house.services.ledger.history(ref.key, "phone")}
        assert {"+86 512 6288 0001", "+86 512 6288 0002"} <= history
        state = await house.services.ledger.state(ref.key, "phone")
        assert state is not None
        assert state.conflict is not None or await there(far, ref) == state.value


async def test_what_the_crm_offers_fits_the_mapping(far: Far) -> None:
    client = far.client()
    offered = await client.describe("account")
    assert client._config.mapping.unfit(offered) == []
    wrong = type(client._config).model_validate({**settings(far), "fields": {"phone": {"theirs": "nosuch"}}})
    assert [key for key, _ in wrong.mapping.unfit(offered)] == ["fields.phone.theirs"]
