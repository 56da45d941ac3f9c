"""What it takes to tell a step of the trail in words."""

from __future__ import annotations

from dataclasses import dataclass

from cards.tree import Tone
from cards.words import say
from gateway.config import Config
from gateway.handlers import view
from gateway.records import Records
from gateway.store.people import PeopleStore
from reconcile.model import Json


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    text: str
    tone: Tone = "neutral"
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Teller:
    """What wording a step needs: ids become titles and names only here, for a reader who may see them."""

    records: Records
    people: PeopleStore
    config: Config
    locale: str

    def say(self, msgid: str, **facts: object) -> str:
        return say(self.locale, msgid, **facts)

    async def title(self, facts: dict[str, Json]) -> str:
        key = str(facts.get("record", ""))
        record = await self.records.mirrored(key)
        return record.title if record is not None else self.say("a customer that is gone")

    def person(self, facts: dict[str, Json], key: str = "person") -> str:
        found = self.people.person(str(facts.get(key, "")))
        return found.name if found is not None else self.say("somebody")

    def field(self, name: Json) -> str:
        if str(name) in view.LISTS:
            return self.say(view.LISTS[str(name)])
        return view.label(self.config.fields.get(str(name)), str(name), self.locale)
