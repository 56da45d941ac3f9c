"""Every line of a whole gateway spoilt in every way while people write and edit: nothing acknowledged is lost,
nothing is done twice, and all of it heals by itself."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.engines.postgresql import Postgresql
from tests.engines.redis import Redis
from tests.faults.house import SOAK, Faulty, faulty
from tests.faults.proxy import (
    AWAY,
    BROKEN,
    CUT,
    CUT_ANSWER,
    DRIP,
    GARBAGE,
    HALF_OPEN,
    MUTE,
    PASS,
    REFUSE,
    SLOW,
    TIRED,
    Fault,
    Proxy,
    storm,
)
from tests.gateway.fake_chat import text

pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure

FAULT_S = 3.0 if SOAK else 0.6
TCP = (SLOW, CUT, CUT_ANSWER, HALF_OPEN, MUTE, DRIP, GARBAGE, REFUSE)
HTTP = (TIRED, BROKEN, AWAY)
NOT_YET = "saved here, not yet in the CRM"
UNKNOWN = "saved here; sent to the CRM, and whether it took it is not known yet"
TOLD = {
    **dict.fromkeys((REFUSE, TIRED, BROKEN, AWAY), (NOT_YET,)),
    **dict.fromkeys((CUT_ANSWER, HALF_OPEN, MUTE, GARBAGE), (UNKNOWN,)),
    CUT: (NOT_YET, UNKNOWN),
}
"""After a write was tried. Where nothing was sent, or the CRM said no, it is not there; where it was sent and no answer
understood, it may be. A line that is cut once it was made is met before the request is out, or after. Through one that
is only slow the answer comes, now and then too late."""
TRIED = {NOT_YET: "state = 'waiting' AND tries > 0", UNKNOWN: "state = 'sent' AND lease = 0"}
"""How its row is when a card says that."""
GUSTS, LONGEST_S = (20, 3.0) if SOAK else (2, 0.5)


async def through(live: Faulty, line: str, fault: Fault, number: int) -> None:
    """People work while the line is spoilt; some time after, everything they were told is so."""
    where = f"{line}: {fault}"
    print(where)
    form, spoilt = await live.ready_form(), live.lines[line]
    struck = spoilt.struck
    spoilt.set(fault)
    async with asyncio.TaskGroup() as working:
        working.create_task(live.talk(4))
        working.create_task(live.save(form, f"{line} street {number}"))
        await asyncio.sleep(FAULT_S)
        if line == "crm" and fault in TOLD:
            await live.until(partial(told, live, fault), f"{where}: {TOLD[fault]} on the card")
        if fault is not REFUSE:  # nobody gets as far as being counted
            await live.until(partial(met, spoilt, struck), f"{where} meets somebody")
        spoilt.set(PASS)
    await live.healed()
    await live.shows("deal", f"{line} street {number}")


async def told(live: Faulty, fault: Fault) -> bool:
    """Whether the write was tried and the card says what came of it. Fails where that cannot be so."""
    for sentence, row in TRIED.items():
        if await live.rows("outbox", row):
            assert sentence in TOLD[fault], f"{fault}: {sentence}"
            card = text(live.card("deal").card)
            return [each for each in TRIED if each in card] == [sentence]
    return False


async def met(line: Proxy, before: int) -> bool:
    return line.struck > before


async def both(*some: Coroutine[Any, Any, object]) -> None:
    """Where one fails the other is ended in good order too, and what it has open is closed."""
    async with asyncio.TaskGroup() as group:
        for work in some:
            group.create_task(work)


async def each(live: Faulty, line: str) -> None:
    for number, fault in enumerate(TCP + (HTTP if line in ("chat", "crm") else ())):
        await through(live, line, fault, number)
    await live.shows("deal", "in the CRM")


async def test_the_lines_to_the_network_and_to_the_crm(tmp_path: Path) -> None:
    """Two gateways at once, each with one line that is spoilt: mostly they wait."""

    async def one(line: str) -> None:
        (tmp_path / line).mkdir()
        async with faulty(tmp_path / line) as live:
            await each(live, line)

    await both(one("chat"), one("crm"))


async def test_the_lines_to_postgresql_and_to_redis(
    tmp_path: Path, postgresql: Postgresql, _migrated: str, redis_server: Redis
) -> None:
    async def one(line: str) -> None:
        (tmp_path / line).mkdir()
        async with faulty(tmp_path / line, postgresql.copy(_migrated), postgresql, redis_server) as live:
            await each(live, line)

    await both(one("store"), one("bus"))


@pytest.mark.timeout(1800)
async def test_a_storm_over_every_line(
    tmp_path: Path, postgresql: Postgresql, postgresql_url: str, redis_server: Redis
) -> None:
    seed = int(os.environ.get("FLOATCARD_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FLOATCARD_SEED={seed}")
    async with faulty(tmp_path, postgresql_url, postgresql, redis_server) as live:
        forms = [await live.ready_form() for _ in range(GUSTS)]
        scripts = {
            name: storm(seed + n, TCP + (HTTP if name in ("chat", "crm") else ()), GUSTS, LONGEST_S)
            for n, name in enumerate(live.lines)
        }
        async with asyncio.TaskGroup() as storms:
            for name, line in live.lines.items():
                storms.create_task(line.play(scripts[name]))
            for number, form in enumerate(forms):
                await both(live.talk(10), live.save(form, f"storm street {number}"))
        await live.healed()
