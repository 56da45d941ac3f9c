"""A write that went through, and a record that may not be read after it: nobody says that it was refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crm.model import Absent, Change
from crm.once import UNREAD_S, taken
from gateway.errors import Refused, Retry, Unsure
from tests.crm.contract import opener

Wrote = Callable[[Any], bool]


def patched(fake: Any) -> bool:
    return any(method == "PATCH" for method, _ in fake.asked)


def called(fake: Any) -> bool:
    return any(call[1] == "write" for call in fake.calls)


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize(
    ("name", "wrote"), [("salesforce", patched), ("dataverse", patched), ("hubspot", patched), ("odoo", called)]
)
async def test_what_may_not_be_read_after_it_was_written_is_in_doubt(
    tmp_path: Path, name: str, wrote: Wrote, status: int
) -> None:
    async with opener(name)(tmp_path) as harness:
        (ref,), client, fake = await harness.seed(1), harness.client(), harness.fake  # type: ignore[attr-defined]
        before = await client.get(ref)
        if name == "dataverse":
            fake.represents = False  # else the record comes with the answer, and nothing is read

        def another_owns_it(request: web.Request) -> web.Response | None:
            return web.json_response({}, status=status) if request.method != "PATCH" and wrote(fake) else None

        fake.answer = another_owns_it
        with pytest.raises(Unsure):
            await client.apply(Change(ref, harness.field, harness.values[0], before.version), once="w1")
        with pytest.raises(Refused):  # what is in doubt is read, and ends as what a person has to look at
            await client.get(ref)
        fake.answer = None
        assert (await client.get(ref)).fields[harness.field].value == harness.values[0]


async def test_a_row_that_was_written_and_whose_version_is_not_known_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a table tells none, a version is what our own memory of it says, and that may be busy."""
    async with opener("sql")(tmp_path) as harness:
        (ref,), client = await harness.seed(1), harness.client()
        before, known = await client.get(ref), client._record  # type: ignore[attr-defined]
        asked: list[Any] = []

        async def busy_then(raw: Any) -> Any:
            asked.append(raw)
            if len(asked) == 2:
                raise Retry(1.0, "busy")
            return await known(raw)

        monkeypatch.setattr(client, "_record", busy_then)
        with pytest.raises(Unsure):
            await client.apply(Change(ref, harness.field, harness.values[0], before.version), once="w1")
        assert (await client.get(ref)).fields[harness.field].value == harness.values[0]


@pytest.mark.parametrize(
    ("why", "after"), [(Retry(7.0, "tired"), 7.0), (Refused("no"), UNREAD_S), (Absent("gone"), UNREAD_S)]
)
def test_whatever_keeps_it_from_being_read_is_a_doubt(why: Exception, after: float) -> None:
    with pytest.raises(Unsure) as caught, taken():
        raise why
    assert caught.value.after == after and caught.value.__cause__ is why
