"""What of the trail one reader may be told: nothing that says there is a customer, or a field, they may not see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.handlers.hearing import Heard, heard
from gateway.services import Services
from gateway.store.trail import StoredStep
from gateway.turn import Step
from identity.model import Audience
from reconcile.model import Json

MENTIONS = frozenset(("matched", "asked", "unsure", "aside", "by_contact", "suggested", "cooled", "taught"))
ADMINS = frozenset(("staged", "ruled"))
"""Why a card is short, and by which policy something is hidden, is told to admins only."""
OWNERSHIP = ("the author's account", "a member belongs to this customer")
Known = Mapping[str, Heard | None]


async def retold(s: Services, steps: Sequence[StoredStep], reader: Audience) -> list[StoredStep]:
    """Whole turns in, whole turns out. A message about what is hidden reads as one that names nobody."""
    steps = [each for each in steps if each.step.step not in ADMINS or administers(reader)]
    known = {ref: await heard(s, ref, reader) for ref in sorted({ref for each in steps for ref in records(each.step)})}
    turns: dict[str, list[StoredStep]] = {}
    for each in steps:
        turns.setdefault(each.turn, []).append(each)
    told = [each for turn in turns.values() for each in _turn(turn, known)]
    return sorted(told, key=lambda each: each.id)


def administers(reader: Audience) -> bool:
    return any("admin" in who.roles and not who.external for who in reader.counts)


def _turn(steps: Sequence[StoredStep], known: Known) -> list[StoredStep]:
    kept = [replace(each, step=fit) for each in steps if (fit := _fit(each.step, known)) is not None]
    if len(kept) == len(steps) or any(records(each.step) for each in kept):
        return kept
    # What is left speaks of nothing but the hidden: how many would have read it, that something was shown.
    if any(each.step.step == "nothing" for each in kept):
        return [each for each in kept if each.step.step == "nothing"]
    named = [each for each in steps if each.step.step in MENTIONS]
    pressed = any(each.step.step in ("pressed", "command") for each in steps)
    return [replace(named[0], step=replace(named[0].step, step="nothing", facts={}))] if named and not pressed else []


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
