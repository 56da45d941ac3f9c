"""Which application may read and write which field, whoever its readers are. It only ever takes away.

An application is a channel or the bearer of a token, by its name. What the configuration says of a field, what it
says of an application, and what a token brings along all have to allow it. Our own console is none, nor is a CRM.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from crm.model import Record
from gateway.config import Config
from gateway.selectors import picks, strange
from identity.disclosure import KINDS as LISTS
from identity.disclosure import NAME, URL, Classes
from identity.explain import NOT_GRANTED
from identity.model import Application, Disclosed, Withheld

KINDS: Final = (
    "group/group",
    "group/public",
    "external_group/group",
    "external_group/public",
    "direct/direct",
    "external_group/direct",
)
"""Scene and kind of every room there can be."""


class Governance:
    def __init__(self, config: Config, classes: Classes) -> None:
        self._config = config
        self._classes = classes

    def reads(self, application: Application | None, field: str) -> bool:
        if application is None:
            return True
        spec = self._config.applications.get(application.name)
        asked = (spec.read if spec is not None else None, application.reads)
        return self._among(application, field) and all(self._picked(each, field) for each in asked)

    def writes(self, application: Application | None, field: str) -> bool:
        """What may not be read may not be written either."""
        if application is None:
            return True
        spec = self._config.applications.get(application.name)
        asked = (spec.write if spec is not None else None, application.writes)
        return self.reads(application, field) and all(self._picked(each, field) for each in asked)

    def _among(self, application: Application, field: str) -> bool:
        only = self._config.granted.get(field)
        return only is None or application.name in only

    def _picked(self, selectors: Iterable[str] | None, field: str) -> bool:
        return selectors is None or picks(selectors, field, self._classes)

    def cut(self, disclosed: Disclosed, application: Application | None) -> Disclosed:
        """Without what the application may not read; that is listed as withheld. The name as well: then nothing is
        there."""
        if application is None or not disclosed.name:
            return disclosed
        denied = frozenset(
            field
            for field in (*self._classes.named(), *disclosed.record.fields, URL)
            if not self.reads(application, field)
        )
        editable = frozenset(each for each in disclosed.editable if self.writes(application, each))
        details = frozenset(each for each in self._config.granted if "." in each and not self._among(application, each))
        if not denied and not details:
            return disclosed if editable == disclosed.editable else replace(disclosed, editable=editable)
        withheld = {each: Withheld(self._classes.of(each), (), (NOT_GRANTED,)) for each in denied if each != URL}
        return replace(
            disclosed,
            record=_bare(without(disclosed.record, denied), details),
            withheld={**withheld, **disclosed.withheld},
            name=NAME not in denied,
            editable=editable,
        )


def without(record: Record, denied: frozenset[str]) -> Record:
    """As if those fields and lists were not there; without the name, nothing is."""
    if NAME in denied:
        return Record(record.ref, "", "", 0, {}, {})
    return replace(
        record,
        url="" if URL in denied else record.url,
        fields={name: value for name, value in record.fields.items() if name not in denied},
        related={kind: items for kind, items in record.related.items() if kind not in denied},
    )


def _bare(record: Record, details: frozenset[str]) -> Record:
    """Without those details, `contact.phone`, of the items of its lists."""
    if not details:
        return record
    related = {
        kind: tuple(
            replace(item, detail={key: text for key, text in item.detail.items() if f"{kind}.{key}" not in details})
            for item in items
        )
        for kind, items in record.related.items()
    }
    return replace(record, related=related)


def granted(it: Governance, classes: Classes, application: Application) -> tuple[frozenset[str], frozenset[str]]:
    """Of all fields and lists those it may read, and those it may write."""
    named = classes.named()
    reads = frozenset(field for field in named if it.reads(application, field))
    return reads, frozenset(field for field in reads if it.writes(application, field))


def faults(config: Config) -> list[tuple[str, str]]:
    """(key, what to change) of every selector that means nothing here."""
    said = {f"applications.{name}.read": spec.read for name, spec in config.applications.items()}
    said |= {f"applications.{name}.write": spec.write for name, spec in config.applications.items()}
    said |= {"stages.minimal": config.stages.minimal, "stages.standard": config.stages.standard}
    found = [(key, why) for key, each in said.items() for why in strange(each, (*config.fields, "owner"))]
    plain = [each for each in config.granted if each.partition(".")[0] not in LISTS or "." not in each]
    found += [("granted", why) for why in strange(plain, (*config.fields, "owner"))]
    kinds = [each for each in config.stages.rooms if each not in KINDS]
    return found + [(f"stages.rooms.{each}", f"is none of {', '.join(KINDS)}") for each in kinds]
