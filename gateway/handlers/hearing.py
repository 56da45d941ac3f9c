"""One record, as one audience may see it."""

from __future__ import annotations

from dataclasses import dataclass

from crm.model import Record
from gateway.handlers.posted import lasting
from gateway.recall import recalled
from gateway.records import Standing
from gateway.services import Services
from gateway.telemetry import span
from identity.disclosure import disclose
from identity.model import Audience, Disclosed


@dataclass(frozen=True, slots=True)
class Heard:
    """One record as one audience may see it."""

    disclosed: Disclosed
    editable: frozenset[str]
    standing: Standing
    left: tuple[str, ...] = ()
    """What the room may see, and its stage leaves out."""

    @property
    def record(self) -> Record:
        return self.disclosed.record

    @property
    def contacts(self) -> bool:
        """Whether they may know whose contacts are whose: else no contact's name may lead to a customer."""
        return "contact" not in self.disclosed.withheld


def owners(s: Services, record: Record) -> frozenset[str]:
    """The persons who own it: CRM accounts by their links, never by a name."""
    linked = (s.people.linked("crm", f"{record.ref.crm}:{user}") for user in record.owners)
    return frozenset(person.id for person in linked if person is not None)


async def heard(s: Services, ref: str, audience: Audience) -> Heard | None:
    """None when the record is not known, or not even its name may be shown. What its CRM deleted nobody may edit."""
    return await recalled(s, ("heard", ref, id(audience)), lambda: _heard(s, ref, audience), audience)


async def _heard(s: Services, ref: str, audience: Audience) -> Heard | None:
    found = await recalled(s, ("standing", ref), lambda: s.records.standing(ref))
    if found is None:
        return None
    record = found.record
    with span("disclose"):
        disclosed = disclose(
            record,
            audience,
            s.clock.now(),
            s.access,
            s.classes,
            owners=owners(s, record),
            zone=s.config.zone,
        )
    await s.stages.follow()
    disclosed = lasting(s, disclosed, audience)
    cut, left = s.stages.cut(s.governance.cut(disclosed, audience.application), audience)
    editable = frozenset[str]() if record.deleted else cut.editable
    return Heard(cut, editable, found, left) if cut.name else None
