"""When every card is drawn again, and by whom: once for however many gateways start, follow a policy or find Redis
emptied; at a start only when something may have changed or been swallowed since the last one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from gateway.config import Config
from gateway.errors import Retry
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.counters import counts
from gateway.store.due import REDRAW, Due
from gateway.store.kept import Kept
from gateway.store.user_lists import COUNTER as USER_LISTS

log = logging.getLogger("floatcard.afresh")

BEAT_S: Final = 10.0
GONE_MS: Final = 35_000
"""Who did not say for so long that it runs was killed: what it swallowed is drawn by another."""
STARTED_MS: Final = 15_000
"""So long after the last start of several: they mostly start one after the other."""
FOLLOWED_MS: Final = 1_500
"""So long after the last gateway followed a policy; each looks every second."""
EMPTIED_MS: Final = 3_000
MIXED_MS: Final = 600_000
"""So long a redraw waits while gateways of two releases run side by side, each of which would draw its own way."""
AT_ONCE: Final = 100
"""Rooms whose repaint is queued in one go."""
ROOM_S: Final = 0.05
HOME: Final = ""
"""Beside the channels' own; none of them has an empty name."""
_ROOMS: Final = ("cards", "channels", "crm", "gateway", "identity", "mentions", "reconcile")
_KINDS: Final = (".py", ".j2", ".mo")
_ELSE: Final = {"store", "bus", "master_key", "server", "logs", "telemetry", "retention", "console", "directory"}
_ELSE_TOO: Final = {"devices"}


@dataclass(frozen=True, slots=True)
class Beat:
    """What a running gateway says of itself. `until`: ms."""

    look: str
    until: int


class Afresh:
    """`kept`: this gateway's own things in the store, of no channel."""

    def __init__(self, services: Services, spine: Spine, kept: Kept) -> None:
        self._s = services
        self._spine = spine
        self._kept = kept
        self._name = f"gateway {secrets.token_hex(8)}"
        self._look = ""

    async def begin(self) -> bool:
        """At the start: whether a redraw is asked for. Everybody else's word counts: who draws otherwise, who was
        killed, and, when nobody runs, what commands changed meanwhile."""
        self._look = await asyncio.to_thread(look_of, self._s.config, self._s.keys.logs)
        others = await self._others()
        buried = await self._buried(others)
        again = buried > 0 or await self._kept.get("drawn") != self._drawn
        if len(others) == buried:  # nobody runs
            again = again or await self._kept.get("left") != await self.changes()
        if again:
            await self._ask("redraw", STARTED_MS if self._s.bus.shared else 0)
        await self._beat()
        return again

    async def run(self) -> None:
        """Says again and again that this gateway runs, and looks who stopped saying so."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._beat()
                await self._buried(await self._others())
            except Retry:
                continue
            except Exception:
                log.exception("who else runs could not be read")

    async def end(self, left: str) -> None:
        """An orderly stop: of what had changed by `left` nothing was swallowed."""
        await self._kept.put("left", left)
        await self._kept.drop(self._name)

    async def followed(self) -> None:
        """Other policies are in force here. Of several that follow, the last one's word puts the drawing off."""
        if self._s.bus.shared:
            await self._ask("redraw followed", FOLLOWED_MS)
        else:
            await self.all()

    async def emptied(self) -> None:
        self._spine.painted.forget()
        await self._ask("redraw emptied", EMPTIED_MS)

    async def draw(self, item: Due) -> None:
        """Every card; a start's redraw waits until all who run draw alike, for ten minutes at most."""
        alike = all(each.look == self._look for each in (await self._others()).values())
        if not alike and item.key == "redraw" and self._s.clock.now() - _asked(item) < MIXED_MS:
            await self._s.due.put(replace(item, at=self._s.clock.now() + STARTED_MS))
            return
        drawn = self._drawn
        await self.all()
        if alike:
            await self._kept.put("drawn", drawn)

    async def all(self) -> None:
        """Of very many rooms no more are queued than leave room for messages; equal cards cost nothing outside."""
        self._spine.painted.forget()
        rooms = await self._s.slots.rooms()
        for start in range(0, len(rooms), AT_ONCE):
            while self._s.pressure.near("card"):  # noqa: ASYNC110 -- what waits may be another process's
                await asyncio.sleep(ROOM_S)
            await self._spine.refresh_room(*rooms[start : start + AT_ONCE])

    @property
    def _drawn(self) -> str:
        return f"{self._look}:{self._s.access.hash}"

    async def _ask(self, key: str, wait: int) -> None:
        now = self._s.clock.now()
        await self._s.due.put(Due(key, REDRAW, now + wait, {"asked": now}))

    async def _beat(self) -> None:
        told = {"look": self._look, "until": self._s.clock.now() + GONE_MS}
        await self._kept.put(self._name, json.dumps(told))

    async def _others(self) -> dict[str, Beat]:
        found = {name: await self._kept.get(name) for name in await self._kept.keys("gateway ") if name != self._name}
        return {name: Beat(**json.loads(said)) for name, said in found.items() if said is not None}

    async def _buried(self, others: Mapping[str, Beat]) -> int:
        """How many did not end in order. One that works alone knows it of whoever is there."""
        now = self._s.clock.now()
        gone = [name for name, each in others.items() if not self._s.bus.shared or each.until < now]
        if gone:
            await self._ask("redraw", STARTED_MS if self._s.bus.shared else 0)  # first: this too may be killed
        for name in gone:
            await self._kept.drop(name)
        return len(gone)

    async def changes(self) -> str:
        """How often what everybody keeps in memory was changed. Without the lists of users, which every start asks for
        anew: who left by them is a change of the people."""
        told = await counts(self._s.store)
        return json.dumps({name: n for name, n in told.items() if name != USER_LISTS}, sort_keys=True)


def look_of(config: Config, key: bytes) -> str:
    """Of whatever a card's look depends on besides the store and the access policies: the program, the templates, the
    configuration, with what each application may have. Gateways of one look draw alike. Keyed, because a configuration
    has secrets in it."""
    digest = hashlib.blake2b(key=key, digest_size=16)
    for part in (_program(), *_files(Path(config.cards_dir) if config.cards_dir else None)):
        digest.update(part)
    said = config.model_dump(mode="json", exclude=_ELSE | _ELSE_TOO)
    digest.update(json.dumps(said, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@cache
def _program() -> bytes:
    here, digest = Path(__file__).parent.parent, hashlib.blake2b(digest_size=16)
    for room in _ROOMS:
        for part in _files(here / room):
            digest.update(part)
    return digest.digest()


def _files(folder: Path | None) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")) if folder is not None else ():
        if path.suffix in _KINDS and path.is_file():
            yield hashlib.blake2b(path.name.encode() + b"\0" + path.read_bytes(), digest_size=16).digest()


def _asked(item: Due) -> int:
    asked = item.payload.get("asked", 0)
    return asked if isinstance(asked, int) else 0
