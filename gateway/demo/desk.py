"""The CRM's own screen in the demo, and the trail for its panel: both are what a stranger to the gateway would use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cards.words import N_, match, say, supported
from crm.local.crm import LocalCrm
from crm.model import FieldInfo, RecordRef
from gateway.chat.ports import UNTOLD, DeskField, DeskHit, DeskRecord, DeskRisk, TrailLine
from gateway.config.model import FieldSpec
from gateway.errors import Refused
from gateway.handlers.retold import retold
from gateway.services import Services
from gateway.store.trail import StoredStep
from gateway.story import Teller, worded
from identity.audience import direct
from identity.model import Person

OVERDUE = " · ".join(say(locale, N_("Payment is overdue")) for locale in reversed(supported))
"""What is in a CRM is one text for all its readers, and the sample company has readers of both languages."""


class Desk:
    """Edits the CRM behind the gateway's back: what changes here comes in by the feed."""

    def __init__(self, crm: LocalCrm, specs: Mapping[str, FieldSpec]) -> None:
        self._crm = crm
        self._specs = specs

    async def search(self, query: str) -> Sequence[DeskHit]:
        found = await self._crm.list(query, 30)
        return [DeskHit(each.ref.key, each.title, str(_value(each.fields, "city"))) for each in found]

    async def read(self, id: str) -> DeskRecord:
        record = await self._crm.get(_ref(id))
        infos = await self._crm.describe("account")
        fields = tuple(
            self._field(info, str(_value(record.fields, info.name))) for info in infos if info.name != "name"
        )
        risks = tuple(DeskRisk(risk.text, risk.level or "low") for risk in record.related.get("risk", ()))
        return DeskRecord(record.ref.key, record.title, record.version, fields, risks)

    async def write(self, id: str, field: str, value: str, by: str) -> None:
        await self._crm.set_native(_ref(id), field, value or None, by)

    async def raise_risk(self, id: str, by: str) -> None:
        """The first risk that is not high becomes high; without one, a new high one."""
        ref = _ref(id)
        record = await self._crm.get(ref)
        lower = [risk for risk in record.related.get("risk", ()) if risk.level != "high"]
        if lower:
            await self._crm.set_risk_level(ref, lower[0].id, "high", by)
        else:
            await self._crm.add_risk(ref, OVERDUE, "high", by)

    def _field(self, info: FieldInfo, value: str) -> DeskField:
        kind, spec = "text" if info.type == "other" else info.type, self._specs.get(info.name)
        labels, options = (spec.label, spec.options) if spec is not None else ({}, {})
        return DeskField(
            info.name,
            value,
            info.label,
            kind,
            info.options,
            info.writable,
            labels=labels,
            option_labels=options,
        )


def _ref(id: str) -> RecordRef:
    try:
        return RecordRef.parse(id)
    except ValueError:
        raise Refused("There is no such customer.") from None


def _value(fields: object, name: str) -> object:
    assert hasattr(fields, "get")
    found = fields.get(name)
    return "" if found is None or found.value is None else found.value


def _untold(each: StoredStep) -> TrailLine:
    return TrailLine(each.id, each.turn, each.step.at, UNTOLD, "", "")


class Panel:
    """`TrailSource` of the demo page: the stored steps, worded for its reader."""

    def __init__(self, services: Services) -> None:
        self._s = services

    async def since(self, after: int, locale: str, limit: int, reader: str = "") -> Sequence[TrailLine]:
        teller = Teller(self._s.records, self._s.people, self._s.config, match(locale))
        new = await self._s.trail.since(after, limit)
        lines = {each.id: await self._line(teller, each) for each in await self._told(new, reader)}
        # A window must move past what it is not told.
        gone = (_untold(each) for each in new[-1:])
        return sorted({**{line.id: line for line in gone}, **lines}.values(), key=lambda line: line.id)

    async def _told(self, new: Sequence[StoredStep], reader: str) -> list[StoredStep]:
        """Turns are judged whole, also one that `new` has only a part of."""
        ids, ends = {each.id for each in new}, {each.turn for each in (*new[:1], *new[-1:])}
        whole = [each for turn in ends for each in await self._s.trail.turn(turn)]
        whole += [each for each in new if each.turn not in ends]
        turns: dict[str, list[StoredStep]] = {}
        for each in whole:
            turns.setdefault(each.turn, []).append(each)
        rooms: dict[str, list[StoredStep]] = {}
        for steps in turns.values():
            rooms.setdefault(next((each.step.room for each in steps if each.step.room), ""), []).extend(steps)
        told = [each for room, steps in rooms.items() for each in await self._told_in(room, steps, reader)]
        return [each for each in told if each.id in ids]

    async def _told_in(self, room: str, steps: Sequence[StoredStep], reader: str) -> list[StoredStep]:
        """A member of the room is told what anybody of that standing may know, as /why tells it there."""
        roster = await self._s.rooms.store.roster(room) if room and reader else None
        members = roster.members if roster is not None else ()
        member = next((each for each in members if each.id.key.endswith(f"/user/{reader}")), None)
        there = (room,) if member is not None else ()
        return await retold(self._s, steps, direct(self._person(reader), member), there)

    def _person(self, reader: str) -> Person | None:
        """Whoever is linked to the chat's own id of a person; nobody has no right."""
        ids = (link for link in self._s.people.links() if link.kind == "im" and link.key.endswith(f"/user/{reader}"))
        return next((self._s.people.linked("im", link.key) for link in ids if reader), None)

    async def _line(self, teller: Teller, stored: StoredStep) -> TrailLine:
        line, step = await worded(teller, stored), stored.step
        return TrailLine(stored.id, stored.turn, step.at, step.room, line.label, line.text, line.tone, line.trace)

    async def wait(self, after: int, timeout: float) -> None:  # noqa: ASYNC109 -- the port's own word
        await self._s.trail.wait(timeout, after)
