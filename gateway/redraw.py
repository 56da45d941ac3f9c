"""Drawing again what is shown already: the same slot, from what is so now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from channels.model import ImId
from gateway import dialog
from gateway.handlers import alerts, assigned, conflicts, explain, homes, losses
from gateway.handlers.cards import personal_card, room_card
from gateway.handlers.told import holds
from gateway.services import Services
from gateway.store.slots import Shown
from gateway.turn import Act, Hide, Show, Trail
from reconcile.model import Json

Redraw = Callable[[Services, Shown, Trail], Awaitable["Show | None"]]


async def redraw(s: Services, shown: Shown, trail: Trail) -> Act | None:
    """What its slot should show now: a card, nothing any more, or (None) what it shows already."""
    if shown.state.get("kind") in _STILL:
        return None if await _still(s, shown) else Hide(shown.slot)
    if shown.state.get("kind") == "asked":
        return None if await dialog.stands(s, shown) else Hide(shown.slot)
    if (again := _AGAIN.get(str(shown.state.get("kind", "")))) is not None:
        return await again(s, shown) or Hide(shown.slot)
    made = await _PURPOSES[shown.slot.purpose](s, shown, trail)
    return made if made is not None else Hide(shown.slot)


_AGAIN = {losses.KIND: losses.again, assigned.KIND: assigned.again, explain.KIND: explain.again}
_STILL = ("withheld", "picker", "notice", "link", "why")
"""Whispers that say what was so when they were said; gone when their reader may not know it any more."""


async def _still(s: Services, shown: Shown) -> bool:
    if "tells" not in shown.state:
        return True
    sender = await s.rooms.listed(shown.slot.place, ImId.parse(shown.slot.to))
    return await holds(s, shown, s.people.linked("im", shown.slot.to), sender)


async def _card(s: Services, shown: Shown, trail: Trail) -> Show | None:
    if shown.state.get("kind") == "home":
        who = ImId.parse(str(shown.state["who"]))
        sender, locale = await s.rooms.listed(shown.slot.place, who), str(shown.state.get("locale") or "")
        return await homes.page(s, shown.slot, sender, s.people.linked("im", who.key), locale)
    refs = shown.state.get("refs")
    wanted = [str(each) for each in refs] if isinstance(refs, list) else list(shown.records)
    return await room_card(s, shown.slot, wanted, dict(shown.state), trail)


async def _conflict(s: Services, shown: Shown, trail: Trail) -> Show | None:
    ref, field = shown.records[0] if shown.records else "", str(shown.state.get("field", ""))
    return await conflicts.room_conflict(s, shown.slot, ref, field, dict(shown.state), trail) if ref else None


async def _alert(s: Services, shown: Shown, trail: Trail) -> Show | None:
    alert = await s.alerts.get(str(shown.state.get("alert", "")))
    manager = s.people.person(str(shown.state.get("person", "")))
    if alert is None or manager is None or not await alerts.concerns(s, alert, manager):
        return None
    return await alerts.draw(s, shown.slot, alert, manager)


async def _whisper(s: Services, shown: Shown, trail: Trail) -> Show | None:
    person = s.people.linked("im", shown.slot.to)
    if person is None or not shown.records:
        return None
    sender = await s.rooms.listed(shown.slot.place, ImId.parse(shown.slot.to))
    state: dict[str, Json] = dict(shown.state)
    locale = str(state.get("locale") or person.locale or s.config.locale)
    made = await personal_card(s, shown.records[0], person, sender, locale)
    return Show(shown.slot, made[0], shown.records, valid_until=made[1], state=state) if made is not None else None


_PURPOSES: dict[str, Redraw] = {"card": _card, "conflict": _conflict, "alert": _alert, "whisper": _whisper}
