"""Two gateways whose token is over at the same moment: a refresh token is good once, for whoever is first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from channels.slack import Config
from channels.slack.installs import Install, Installs
from gateway.errors import Refused

TEAM = "T0SECOND1"
OLD = Install("xoxe-old", "refresh-1", 1, 1, "U0BOT")


class Kept:
    """A store that another gateway reads too, and that takes its time to keep something."""

    def __init__(self) -> None:
        self.held = {f"team/{TEAM}": json.dumps(asdict(OLD))}

    async def get(self, key: str) -> str | None:
        return self.held.get(key)

    async def put(self, key: str, text: str, *, until: int | None = None) -> None:
        await asyncio.sleep(0.3)
        self.held[key] = text

    async def drop(self, key: str) -> None:
        self.held.pop(key, None)

    async def keys(self, prefix: str = "") -> tuple[str, ...]:
        return tuple(key for key in self.held if key.startswith(prefix))


def gateway(kept: Kept, good: set[str]) -> Installs:
    async def ask(fields: Mapping[str, str]) -> dict[str, Any]:
        if fields["refresh_token"] not in good:
            raise Refused("invalid_refresh_token")
        good.discard(fields["refresh_token"])
        return {"access_token": "xoxe-new", "refresh_token": "refresh-2", "expires_in": 43_200}

    config = Config.model_validate(
        {"signing_secret": "s" * 10, "client_id": "1.2", "client_secret": "c" * 10, "teams": [TEAM]}
    )
    made = Installs(config, lambda: 1_000_000, ask)
    made.keeper = kept
    return made


async def test_the_second_of_two_gateways_takes_the_token_the_first_was_given() -> None:
    kept, good = Kept(), {"refresh-1"}
    told = await asyncio.gather(*(gateway(kept, good).of(TEAM) for _ in range(2)))
    assert [each.token for each in told] == ["xoxe-new", "xoxe-new"]


async def test_a_refresh_token_that_is_no_good_is_told() -> None:
    with pytest.raises(Refused):
        await gateway(Kept(), set()).of(TEAM)


async def test_an_app_that_goes_meanwhile_is_told() -> None:
    kept = Kept()

    async def gone() -> None:
        await asyncio.sleep(0.05)
        await kept.drop(f"team/{TEAM}")

    task = asyncio.create_task(gone())
    with pytest.raises(Refused):
        await gateway(kept, set()).of(TEAM)
    await task
