"""What of the trail one reader may be told: nothing that says there is a customer, or a field, they may not see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.handlers.hearing import Heard, heard
from gateway.services import Services
from gateway.store.slots import Shown
from gateway.store.trail import StoredStep
from gateway.turn import Step
from identity.model import Audience
from reconcile.model import Json

MENTIONS = frozenset(("matched", "asked", "unsure", "aside", "by_contact", "suggested", "cooled", "taught"))
ADMINS = frozenset(("staged", "ruled"))
"""Why a card is short, and by which policy something is hidden, is told to admins only."""
OWNERSHIP = ("the author's account", "a member belongs to this customer")
Known = Mapping[str, Heard | None]


async def retold(
    s: Services, steps: Sequence[StoredStep], reader: Audience, rooms: Collection[str] = ()
) -> list[StoredStep]:
    """Whole turns in, whole turns out. A message about what is hidden reads as one that names nobody.

    `rooms`: keys of those the reader is in now. What is up there is before their eyes: they are told that a card
    floats, and nothing of whom it is about.
    """
    steps = [each for each in steps if each.step.step not in ADMINS or administers(reader)]
    known = {ref: await heard(s, ref, reader) for ref in sorted({ref for each in steps for ref in records(each.step)})}
    turns: dict[str, list[StoredStep]] = {}
    for each in steps:
        turns.setdefault(each.turn, []).append(each)
    hidden = [each for each in steps if each.step.room in rooms and not _wholly(turns[each.turn], known)]
    up = {each.id for each in hidden if await _up(s, each.step)}
    told = [each for turn in turns.values() for each in _turn(turn, known, up)]
    return sorted(told, key=lambda each: each.id)


def administers(reader: Audience) -> bool:
    return any("admin" in who.roles and not who.external for who in reader.counts)


def _wholly(steps: Sequence[StoredStep], known: Known) -> bool:
    return all(known[ref] is not None for each in steps for ref in records(each.step))


async def _up(s: Services, step: Step) -> bool:
    """Whether the card it speaks of, for all in the room, is there now."""
    if step.step == "shown" and step.facts.get("purpose") == "card":
        shown = await s.slots.by_id(str(step.facts.get("slot")))
        return shown is not None and _seen_in(shown, step.room)
    if step.step == "cooled":
        return any(_seen_in(each, step.room) for each in await s.slots.about(str(step.facts.get("record")), step.room))
    return False


def _seen_in(shown: Shown, room: str) -> bool:
    up = shown.message is not None and shown.slot.place.room_key == room
    return up and shown.slot.purpose == "card" and not shown.slot.to


def _turn(steps: Sequence[StoredStep], known: Known, up: Collection[int]) -> list[StoredStep]:
    kept = [replace(each, step=fit) for each in steps if (fit := _fit(each.step, known)) is not None]
    if len(kept) == len(steps) or any(records(each.step) for each in kept):
        return kept
    # What is left speaks of nothing but the hidden: how many would have read it, that something was shown.
    if any(each.step.step == "nothing" for each in kept):
        return [each for each in kept if each.step.step == "nothing"]
    named = [each for each in steps if each.step.step in MENTIONS]
    pressed = any(each.step.step in ("pressed", "command") for each in steps)
    if not named or pressed:
        return []
    floats = [replace(each, step=_nameless(each.step)) for each in steps if each.id in up]
    return floats or [replace(named[0], step=replace(named[0].step, step="nothing", facts={}))]


def _nameless(step: Step) -> Step:
    return replace(step, facts={name: step.facts[name] for name in ("purpose", "did") if name in step.facts})


def _fit(step: Step, known: Known) -> Step | None:
    """The step as it may be told; None when it may not."""
    listed = step.facts.get("records")
    named = records(replace(step, facts={name: each for name, each in step.facts.items() if name != "records"}))
    if any(_hidden(step, known[ref]) for ref in named):
        return None
    if not isinstance(listed, list):
        return None if step.step == "asked" else _reasoned(step, named, known)
    seen = [ref for ref in _texts(listed) if known[ref] is not None]
    if len(seen) < (2 if step.step == "asked" else bool(listed)):
        return None
    facts: dict[str, Json] = {**step.facts, "records": [*seen]}
    if step.step == "asked":
        facts["candidates"] = len(seen)
        if len(seen) < len(listed):  # how sure that was speaks of the others too
            facts = {name: each for name, each in facts.items() if name not in ("score", "why", "learned")}
    return _reasoned(replace(step, facts=facts), seen, known)


def _hidden(step: Step, each: Heard | None) -> bool:
    """A step that a contact's name led to would tell whose contact that is."""
    if each is None or (step.facts.get("contact") and not each.contacts):
        return True
    fields = [step.facts["field"]] if "field" in step.facts else step.facts.get("fields")
    names = _texts(fields)
    return bool(names) and not any(_seen(each, name) for name in names)


def _seen(each: Heard, field: str) -> bool:
    return field in each.record.fields or field in each.record.related


def _reasoned(step: Step, refs: Iterable[str], known: Known) -> Step:
    """Without the reasons that tell who owns it, and without fields, for a reader who may not know those."""
    facts, told = dict(step.facts), [each for ref in refs if (each := known[ref]) is not None]
    if "fields" in facts and told:
        facts["fields"] = [name for name in _texts(facts["fields"]) if all(_seen(each, name) for each in told)]
    why = _texts(facts.get("why"))
    if any(not _seen(each, "owner") for each in told):
        facts = {**facts, "why": [each for each in why if not each.startswith(OWNERSHIP)]} if why else facts
        if any(each.startswith(OWNERSHIP) for each in why):
            facts.pop("score", None)
    return replace(step, facts=facts)


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def records(step: Step) -> set[str]:
    """Every customer a step names, wherever in its facts: a customer's key is written `crm:kind:id`."""
    found: set[str] = set()
    waiting: list[Json] = [each for name, each in step.facts.items() if name not in ("why", "groups", "source")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str) and node.count(":") >= 2:
            found.add(node)
        elif isinstance(node, dict):
            waiting += [*node, *node.values()]
        elif isinstance(node, list):
            waiting += node
    return found
