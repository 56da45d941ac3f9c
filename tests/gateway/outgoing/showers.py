"""Gateways that paint one wall from one store, and facts that move under their hands."""

from __future__ import annotations

from dataclasses import dataclass, field

from channels.model import Place
from gateway.outgoing.breaker import Breakers
from gateway.outgoing.gate import Gate
from gateway.outgoing.memory import MemoryBuckets
from gateway.outgoing.model import Buckets
from gateway.show import Shower
from gateway.showing import Look
from gateway.store.due import DueStore
from gateway.store.engine import Store
from gateway.store.slots import Shown, SlotStore
from gateway.turn import Act, Hide, Show, Slot, Trail
from tests.gateway.outgoing.keepers import Seconds
from tests.gateway.outgoing.networks import Wall, card

PLACE = Place("wall", "r1")


@dataclass
class Facts:
    """What a card should say: a number that grows, or that nothing should be there."""

    version: int = 0
    gone: bool = False

    def act(self, subject: str = "m1") -> Show:
        return Show(Slot(PLACE, "card", subject), card(f"v{self.version}"), ("local:account:a",), state={"refs": []})

    def look(self) -> Look:
        """As the spine's: asked again only when something changed since the act was drawn."""
        drawn = (self.version, self.gone)

        async def look(shown: Shown, *, surely: bool = False) -> Act | None:
            if not surely and drawn == (self.version, self.gone):
                return None
            return Hide(shown.slot) if self.gone else self.act(shown.slot.subject)

        return look


@dataclass
class Painted:
    store: Store
    wall: Wall
    facts: Facts
    clock: Seconds
    keeper: Buckets | None = None
    showers: list[Shower] = field(default_factory=list)

    def another(self, *, shared: bool = True) -> Shower:
        channels = {"wall": self.wall}
        gate = Gate(channels, self.keeper or MemoryBuckets(), Breakers(self.clock))
        made = Shower(SlotStore(self.store), channels, DueStore(self.store), self.clock, gate, shared=shared)
        self.showers.append(made)
        return made

    async def paint(self, shower: Shower, subject: str = "m1", *, repaint: bool = True, **how: bool) -> str | None:
        """From what is so now, as a repaint or a handler would."""
        facts = self.facts
        if facts.gone:
            await shower.hide(Hide(facts.act(subject).slot), Trail("t", ""))
            return None
        return await shower.show(facts.act(subject), Trail("t", ""), facts.look(), repaint=repaint, **how)

    @property
    def sends(self) -> int:
        return sum(method == "send" for method, _ in self.wall.calls)
