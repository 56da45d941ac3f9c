"""Mixed traffic on a real Synapse, at random from a printed seed: a quarter of a minute, two with FLOATCARD_SOAK=1, or
as many as FLOATCARD_SOAK_MINUTES says (`python -m benchmarks.rooms.traffic` keeps the table of such a run)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.matrix.server import Synapse, running
from tests.channels.matrix.traffic import NAMES, begun

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
MINUTES = float(os.environ.get("FLOATCARD_SOAK_MINUTES", "2" if SOAK else "0.25"))
SEED = int(os.environ.get("FLOATCARD_SEED", "11"))
ROUND_S = 45.0

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600 + int(MINUTES * 600))]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    yield from running(tmp_path_factory.mktemp("soak") / "synapse", NAMES)


async def test_after_whatever_people_did_every_card_stands_as_it_should(tmp_path: Path, server: Synapse) -> None:
    print(f"seed {SEED}, {MINUTES} minutes")
    async with begun(tmp_path, server, SEED) as traffic:
        left = MINUTES * 60
        while left > 0:
            await traffic.round(min(left, ROUND_S))
            left -= ROUND_S
            await traffic.at_rest()
        assert traffic.done["say"] and await traffic.rows("edit") >= traffic.done["typed_edit"] // 2
        assert await traffic.house.ledger.verify() is None
    assert not traffic.house.logged("ERROR"), traffic.house.logged("ERROR")[:5]
