"""Whether each network and CRM takes us, as it says itself, and what mends it: as `floatcard doctor` tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cards.words import N_, Reader
from channels.doctor import Doctor, Finding
from gateway import doctor
from gateway.services import Services

EVERY_MS: Final = 60_000
LOOK_S: Final = 0.05
"""For so long a page waits for answers; what comes later is on the next one."""
ASK_S: Final = 8.0
"""For so long one is asked."""
SILENT: Final = (Finding("connect", "unknown", N_("It was asked and did not answer.")),)
"""What nobody says anything of is not wrong; what was asked and is silent is."""

log = logging.getLogger("floatcard.console")
Able = Literal["yes", "partly", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """`fix`: what mends it, in words; empty where nothing is known to."""

    name: str
    able: Able
    so: str
    fix: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`at`: when they were asked last, 0 for never. `well`: how many answered and take us."""

    at: int
    well: int
    wrong: tuple[Check, ...]
    asking: bool


class Checks:
    """Asked at most once a minute, beside whoever looks."""

    def __init__(self, s: Services) -> None:
        self._s = s
        self._known: dict[str, tuple[Finding, ...]] = {}
        self._at = 0
        self._asking: asyncio.Task[None] | None = None

    async def look(self, reader: Reader) -> Checked:
        if (self._asking is None or self._asking.done()) and self._s.clock.now() - self._at >= EVERY_MS:
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=LOOK_S)
        told = [self._told(name, each, reader) for name, found in self._known.items() for each in found]
        wrong = tuple(each for each in told if each.able != "yes" and (each.able != "unknown" or each.fix))
        asking = self._asking is not None and not self._asking.done()
        return Checked(self._at, len({each.name for each in told} - {each.name for each in wrong}), wrong, asking)

    def _told(self, name: str, each: Finding, reader: Reader) -> Check:
        if each.what != "connect":  # what holds for every room of a network
            return Check(name, each.able, doctor.worded(each, reader.locale)[2:], "")
        fix = reader.say(each.fix, **each.facts) if each.fix else ""
        return Check(name, each.able, reader.say(SAYS[each.able]), fix)

    async def _ask(self) -> None:
        asked: dict[str, Awaitable[tuple[Finding, ...]]] = {
            name: _surely(doctor.connected(each)) for name, each in self._s.channels.items() if isinstance(each, Doctor)
        }
        asked |= {name: _surely(_readable(self._s, name)) for name in self._s.crms}
        found = await asyncio.gather(*asked.values())
        self._known, self._at = dict(zip(asked, found, strict=True)), self._s.clock.now()


async def _readable(s: Services, name: str) -> tuple[Finding, ...]:
    return (await doctor.readable(s.crms[name]),)


async def _surely(asking: Awaitable[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """What breaks in asking is no reason to have no overview."""
    try:
        return await asyncio.wait_for(asking, ASK_S)
    except TimeoutError:
        return SILENT
    except Exception:
        log.exception("a network or CRM could not be asked")
        return SILENT


SAYS: Final[Mapping[Able, str]] = {
    "yes": N_("answers and takes us"),
    "partly": N_("takes us, but not for everything"),
    "no": N_("does not take us"),
    "unknown": N_("is not known to take us"),
}
