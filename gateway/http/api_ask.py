"""One request to the API, verified and validated, and what the parts of the API share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from crm.model import Record
from gateway.handlers.hearing import Heard, heard, owners
from gateway.http.api_problem import forbidden, not_found
from gateway.http.auth import Caller
from gateway.services import Services
from identity.disclosure import may
from identity.model import Action, Audience

M = TypeVar("M", bound=BaseModel)

NO_CUSTOMER = "There is no such customer, or you may not see it."


@dataclass(frozen=True, slots=True)
class Ask:
    caller: Caller
    path: dict[str, str]
    query: BaseModel
    body: BaseModel
    locale: str

    def asked(self, model: type[M]) -> M:
        """The query, as the endpoint's table says it is."""
        assert isinstance(self.query, model)
        return self.query

    def sent(self, model: type[M]) -> M:
        assert isinstance(self.body, model)
        return self.body


@dataclass(frozen=True, slots=True)
class Done:
    answer: BaseModel | None
    headers: dict[str, str] = field(default_factory=dict)


async def seen(s: Services, ref: str, audience: Audience) -> Heard:
    """Raises `Problem` 404: a customer one may not see is not there."""
    each = await heard(s, ref, audience) if ref.count(":") >= 2 else None
    if each is None or each.standing.record.deleted:
        raise not_found(NO_CUSTOMER)
    return each


async def permitted(s: Services, action: Action, ref: str, name: str, audience: Audience) -> Heard:
    """The one reader of `audience` may do that with the field, whether or not the record has a value of it.

    Raises `Problem` 404 for a customer, 403 for a field.
    """
    each = await seen(s, ref, audience)
    record = await s.records.get(ref)
    assert record is not None
    if name not in s.config.fields:
        raise not_found("There is no field of that name in the configuration.")
    granted(s, action, name, audience)
    if not _may(s, action, record, name, audience):
        verb = "edit" if action == "edit" else "see"
        raise forbidden("not_permitted", f"You may not {verb} this field of this customer.", "field")
    return each


def granted(s: Services, action: Action, name: str, audience: Audience) -> None:
    """Whatever its person may do: the application itself has to have been granted the field. Raises `Problem` 403."""
    application, edits = audience.application, action == "edit"
    if not (s.governance.writes if edits else s.governance.reads)(application, name):
        s.tally.read(application, (name,), "denied")
        verb = "write" if edits else "read"
        raise forbidden("not_granted", f"This application may not {verb} the field {name!r}.", "field")


def _may(s: Services, action: Action, record: Record, name: str, audience: Audience) -> bool:
    (who,) = audience.counts
    owner = bool(owners(s, record) & audience.persons.keys())
    now, zone = s.clock.now(), s.config.zone
    return may(
        who,
        action,
        record,
        name,
        audience.scene,
        at=now,
        access=s.access,
        classes=s.classes,
        owner=owner,
        zone=zone,
    ).allowed


def name_of(s: Services, person: str) -> str:
    found = s.people.person(person)
    return found.name if found is not None else ""
