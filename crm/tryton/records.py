"""What a party or an opportunity is as a record. A party's version is the newest time of it and of what is on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from crm.http import GARBLED
from crm.mapping import FieldMapping, Heard
from crm.model import GATEWAY, Item, Record, RecordRef
from crm.tryton.config import Config
from crm.tryton.wire import micros
from crm.values import scrub
from gateway.errors import Retry

ACCOUNT = "account"
DEAL = "opportunity"
PARTS = ("contact_mechanisms", "addresses")
"""What a party consists of besides itself."""
OPEN = ("lead", "opportunity")
_OF_PART = ("_timestamp", "write_uid", "write_uid.rec_name", "create_uid", "create_uid.rec_name")
_KNOWN = {"rec_name", "active", "replaced_by", *_OF_PART}
NOTE_FIELDS = ("message", "resource", "last_modified_at", "create_date", "create_uid.rec_name")
DEAL_FIELDS = ("rec_name", "party", "description", "state", "end_date", "last_modified_at")


def party_fields(mapping: FieldMapping) -> set[str]:
    """What has to be asked of a party for its record."""
    asked = _KNOWN | {f"{part}.{name}" for part in PARTS for name in _OF_PART}
    for theirs in mapping.asked:
        first, _, _ = theirs.partition(".")
        asked |= {f"{first}.type", f"{first}.value"} if first == "contact_mechanisms" else {theirs}
    return asked


def deal_fields(mapping: FieldMapping) -> set[str]:
    return {*_KNOWN - {"active", "replaced_by"}, *mapping.asked}


@dataclass(frozen=True, slots=True)
class Stamp:
    """One time at which something of the party was written, and by whom."""

    at: int
    model: str
    id: int
    by: int
    who: str


def stamps(raw: Mapping[str, Any]) -> list[Stamp]:
    """Oldest first; ends with the one that is the record's version."""
    found = [_stamp("party.party", raw)]
    for part, model in zip(PARTS, ("party.contact_mechanism", "party.address"), strict=True):
        found += [_stamp(model, each) for each in listed(raw, part)]
    return sorted(found, key=lambda each: each.at)


def _stamp(model: str, raw: Mapping[str, Any]) -> Stamp:
    if "_timestamp" not in raw or not isinstance(raw.get("id"), int):
        raise Retry(GARBLED, "answered a record without its id or time")
    by = "create_uid" if raw.get("write_uid") is None else "write_uid"  # a new row has no writer yet
    who = raw.get(f"{by}.")
    name = str(who.get("rec_name") or "") if isinstance(who, dict) else ""
    return Stamp(micros(raw["_timestamp"]), model, raw["id"], raw.get(by) or 0, name)


def listed(raw: Mapping[str, Any], part: str) -> list[dict[str, Any]]:
    found = raw.get(f"{part}.")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def flat(raw: Mapping[str, Any], mapping: FieldMapping) -> dict[str, object]:
    """Their values by the names a mapping gives them; what is not in the answer at all is not here either."""
    return dict(_flat(raw, mapping))


def _flat(raw: Mapping[str, Any], mapping: FieldMapping) -> Iterator[tuple[str, object]]:
    for theirs in mapping.asked:
        first, dot, rest = theirs.partition(".")
        if not dot:
            if theirs in raw:
                yield theirs, raw[theirs]
            continue
        if f"{first}." not in raw:
            continue
        held = part_of(raw, theirs) if first in PARTS else raw[f"{first}."]
        if not isinstance(held, dict):
            yield theirs, None
        elif first == "contact_mechanisms":
            yield theirs, held.get("value")
        elif rest in held:
            yield theirs, held[rest]


def part_of(raw: Mapping[str, Any], theirs: str) -> dict[str, Any] | None:
    """The contact mechanism or address a dotted name stands for: the first of its type."""
    first, _, rest = theirs.partition(".")
    found = listed(raw, first)
    if first == "contact_mechanisms":
        found = [each for each in found if each.get("type") == rest]
    return found[0] if found else None


def heard(raw: Mapping[str, Any], mapping: FieldMapping, as_of: int) -> Heard:
    return mapping.hear(flat(raw, mapping), as_of=as_of // 1000)


def party(
    name: str, config: Config, raw: Mapping[str, Any], us: int, notes: Sequence[Item] = (), deals: Sequence[Item] = ()
) -> Record:
    newest = stamps(raw)[-1]
    id_ = str(raw["id"])
    return Record(
        ref=RecordRef(name, ACCOUNT, id_),
        title=scrub(str(raw.get("rec_name") or "")) or id_,
        url=config.link.replace("{id}", quote(id_, safe="")),
        version=newest.at,
        fields=heard(raw, config.mapping, newest.at).fields,
        related={"note": tuple(notes), "open_item": tuple(deals)},
        modified=newest.at // 1000,
        modified_by=GATEWAY if newest.by == us else newest.who,
        deleted=raw.get("active") is False,
        merged_into=str(raw.get("replaced_by") or "") if raw.get("active") is False else "",
    )


def deal(name: str, config: Config, raw: Mapping[str, Any], us: int) -> Record:
    stamp = _stamp("sale.opportunity", raw)
    return Record(
        ref=RecordRef(name, DEAL, str(raw["id"])),
        title=scrub(str(raw.get("rec_name") or "")) or str(raw["id"]),
        url="",
        version=stamp.at,
        fields=heard(raw, config.opportunity_mapping, stamp.at).fields,
        related={},
        modified=stamp.at // 1000,
        modified_by=GATEWAY if stamp.by == us else stamp.who,
    )


def gone(name: str, id_: str, at: int) -> Record:
    """Deleted and not archived: nothing of it is left but that it was there."""
    return Record(RecordRef(name, ACCOUNT, id_), id_, "", at, {}, {}, modified=at // 1000, deleted=True)


def note_item(raw: Mapping[str, Any]) -> Item:
    made = raw.get("create_uid.")
    at = raw.get("create_date") or raw.get("last_modified_at")
    who = str(made.get("rec_name") or "") if isinstance(made, dict) else ""
    return Item(str(raw.get("id")), "note", scrub(str(raw.get("message") or "")), micros(at) // 1000, who)


def deal_item(raw: Mapping[str, Any]) -> Item:
    due = raw.get("end_date")
    text = " · ".join(str(raw[each]) for each in ("rec_name", "description", "state") if raw.get(each))
    at = micros(raw["last_modified_at"]) // 1000
    return Item(str(raw.get("id")), "open_item", scrub(text), at, due=_midnight(due))


def _midnight(day: Any) -> int | None:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000) if isinstance(day, date) else None


def by_party(raws: Iterable[Mapping[str, Any]], key: str, most: int) -> dict[int, list[Mapping[str, Any]]]:
    """The first ones under the id of the party that `key` names, a number or a text such as `party.party,7`."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for raw in raws:
        id_ = party_id(raw.get(key))
        if id_ is not None:
            found.setdefault(id_, []).append(raw)
    return {id_: of[:most] for id_, of in found.items()}


def party_id(told: object) -> int | None:
    if isinstance(told, int) and not isinstance(told, bool):
        return told
    text = str(told or "")
    if text.startswith("party.party,") and text[12:].isascii() and text[12:].isdigit():
        return int(text[12:])
    return None
