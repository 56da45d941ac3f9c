"""What a whisper that stays told its reader, so that it goes when that may not be known, or is not so, any more."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from channels.model import Sender
from crm.model import Record
from gateway.handlers.hearing import heard
from gateway.services import Services
from gateway.store.slots import Shown
from identity.audience import direct
from identity.model import Audience, Person
from reconcile.model import Json


@dataclass(frozen=True, slots=True)
class Told:
    """For the whisper's slot. `state` has `tells`: fields by record, and `mark`: what they came to."""

    records: tuple[str, ...]
    until: int | None
    state: dict[str, Json]


async def tells(
    s: Services, person: Person | None, sender: Sender, told: Mapping[str, Iterable[str]], **state: Json
) -> Told:
    """`told`: by record the fields and lists whose values are shown; its name always counts as shown."""
    named = {ref: sorted(fields) for ref, fields in told.items()}
    mark, until = await _mark(s, direct(person, sender), named)
    fields: dict[str, Json] = {ref: [*each] for ref, each in named.items()}
    who = person.id if person is not None else ""
    return Told(tuple(named), until, {**state, "tells": fields, "mark": mark, "who": who} if named else state)


async def _mark(s: Services, reader: Audience, named: Mapping[str, list[str]]) -> tuple[str, int | None]:
    """A MAC, since a hash of so few values could be guessed; and when it may change by itself."""
    seen: list[Json] = []
    ends: list[int] = []
    for ref, fields in sorted(named.items()):
        each = await heard(s, ref, reader)
        seen.append([ref, each.record.title, [_value(each.record, name) for name in fields]] if each else [ref])
        if each is not None and each.disclosed.valid_until is not None:
            ends.append(each.disclosed.valid_until)
    body = json.dumps(seen, default=str).encode()
    return hmac.digest(s.keys.buttons, b"told\0" + body, "sha256").hex(), min(ends, default=None)


def _value(record: Record, name: str) -> Json:
    if name in record.related:
        return [[each.id, each.text, each.at] for each in record.related[name]]  # type: ignore[index]
    return [record.fields[name].value] if name in record.fields else None


async def holds(s: Services, shown: Shown, person: Person | None, sender: Sender) -> bool:
    """Whether its reader may still know all that it told, and all of it is so."""
    told = shown.state.get("tells")
    if not isinstance(told, dict):
        return True
    if shown.state.get("who") != (person.id if person is not None else ""):
        return False  # deactivated or unlinked since: less than a colleague whom nobody has mapped
    if shown.valid_until is not None and s.clock.now() >= shown.valid_until:
        return False
    named = {ref: [str(each) for each in fields] for ref, fields in told.items() if isinstance(fields, list)}
    mark, _ = await _mark(s, direct(person, sender), named)
    return mark == shown.state.get("mark")
