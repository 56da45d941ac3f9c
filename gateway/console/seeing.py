"""What one reader of the console may know, through the same gate as every card, in the scene `console`."""

from __future__ import annotations

from typing import Final

from cards.words import N_, Reader, local
from gateway.handlers import desk, view
from gateway.handlers.hearing import Heard
from gateway.services import Services
from identity.model import Person
from reconcile.model import Json

SECRET: Final = N_("a customer that is gone, or that you may not see")


class Eyes:
    """Of one request: each record is looked up once."""

    def __init__(self, s: Services, me: Person, reader: Reader) -> None:
        self.s, self.me, self.reader = s, me, reader
        self._known: dict[str, Heard | None] = {}

    async def heard(self, key: str) -> Heard | None:
        if key not in self._known:
            self._known[key] = await desk.seen(self.s, key, self.me) if key else None
        return self._known[key]

    async def title(self, key: str) -> str:
        found = await self.heard(key)
        return found.record.title if found is not None else self.reader.say(SECRET)

    async def sees(self, key: str, field: str) -> bool:
        found = await self.heard(key)
        return found is not None and field in found.record.fields

    def who(self, id_: str) -> str:
        found = self.s.people.person(id_)
        return found.name if found is not None else id_

    def label(self, field: str) -> str:
        if field in view.LISTS:
            return self.reader.say(view.LISTS[field])
        return view.label(self.s.config.fields.get(field), field, self.reader.locale)

    def value(self, field: str, value: Json) -> str:
        return view.worded(self.s.config.fields.get(field), value, self.reader.locale, self.reader.now)

    def precise(self, at: int) -> str:
        """`2026-02-14T15:22:03.441`, in the reader's zone."""
        return local(at, self.reader.zone).replace(tzinfo=None).isoformat("T", "milliseconds")
