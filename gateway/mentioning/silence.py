"""When a room gets less than a card: too many in an hour, or what only some may know. The reason is always noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from channels.model import Place
from gateway.config.model import seconds
from gateway.handlers.hearing import heard
from gateway.store.slots import Shown
from gateway.turn import Slot, Turn
from identity.audience import audience_hash, direct
from identity.model import Audience
from reconcile.model import Json

if TYPE_CHECKING:
    from gateway.services import Services

HOUR_MS = 3_600_000
MOST_DIGESTED = 100
MANY = 6
"""From so many customers on a message gets a line instead of a card."""


async def warm(s: Services, turn: Turn, refs: Sequence[str], own: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Customers that floated no card in this room lately; the others' cards are there, and follow by themselves.

    A long list is told whole once any of it is: how many are named does not depend on what was said before.
    """
    news = [ref for ref in refs if ref in own or not await cool(s, turn, ref)]
    return tuple(refs if news and len(refs) >= MANY else news)


async def cool(s: Services, turn: Turn, ref: str) -> bool:
    """Whether it has a card in this room already: then another is too many."""
    window = seconds(s.config.mentions.cool_down) * 1000
    last = await s.rooms.store.floated(turn.place.room_key, ref)
    if last is None or turn.now - last[0] >= window or not await _still_up(s, turn, last[1], ref):
        return False
    turn.trail.note("cooled", turn.now, record=ref)
    return True


async def _still_up(s: Services, turn: Turn, slot: str, ref: str) -> bool:
    """With this customer on it still, and drawn for those who are here now: a card that shrank for a guest does not
    widen when the guest has left."""
    shown = await s.slots.by_id(slot)
    if shown is None or shown.message is None or ref not in refs_on(shown):
        return False
    return not shown.audience or shown.audience == audience_hash(await s.rooms.audience(turn.place))


def refs_on(shown: Shown) -> list[str]:
    refs = shown.state.get("refs")
    return [str(ref) for ref in refs] if isinstance(refs, list) else list(shown.records)


async def in_the_open(s: Services, turn: Turn, refs: Sequence[str], through: Iterable[str]) -> tuple[str, ...]:
    """Without those named by a contact alone, where somebody may not see contacts: a card would tell whose it is."""
    secret = [ref for ref in refs if ref in through]
    if not secret:
        return tuple(refs)
    room = await s.rooms.audience(turn.place)
    hidden = {ref for ref in secret if not await _sees_contacts(s, ref, room)}
    for ref in hidden:
        turn.trail.note("by_contact", turn.now, record=ref, contact=True)
    return tuple(ref for ref in refs if ref not in hidden)


async def for_author(s: Services, turn: Turn, refs: Iterable[str]) -> tuple[str, ...]:
    """Those of whose contacts the author may know."""
    if turn.person is None:
        return ()
    mine = direct(turn.person, turn.event.who)
    return tuple([ref for ref in refs if await _sees_contacts(s, ref, mine)])


async def _sees_contacts(s: Services, ref: str, audience: Audience) -> bool:
    each = await heard(s, ref, audience)
    return each is not None and each.contacts


async def within_budget(s: Services, turn: Turn, message: str) -> bool:
    """Whether this room may have another card this hour."""
    room = turn.place.room_key
    own = (await s.mentioning.binding(room)).budget
    budget = s.config.mentions.budget if own is None else own
    floated = await s.mentioning.floated(room, turn.now - HOUR_MS, message)
    if floated < budget:
        return True
    turn.trail.note("digested", turn.now, cards=floated, budget=budget)
    return False


async def digest(
    s: Services, turn: Turn, refs: Sequence[str], through: frozenset[str]
) -> tuple[Slot, list[str], dict[str, Json]]:
    """The one line of this hour, with who was named added: its slot, its customers, its state."""
    subject = f"digest:{turn.now // HOUR_MS}"
    slot = Slot(Place(turn.place.channel, turn.place.room), "card", subject)
    before = await s.slots.get(slot)
    up = before.state if before is not None and before.message is not None else {}
    known = _texts(up.get("refs"))
    by_contact = ({*_texts(up.get("through"))} | (through - set(known))) - (set(refs) - through)
    all_ = list(dict.fromkeys((*known, *refs)))[:MOST_DIGESTED]
    state: dict[str, Json] = {
        "kind": "digest",
        "message": subject,
        "locale": str(up.get("locale") or turn.locale or s.config.locale),
        "turn": turn.id,
        "names": {},
        "through": [ref for ref in all_ if ref in by_contact],
    }
    return slot, all_, state


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
