"""Some hundred rows of an import at a time: which customer each is, what differs, and the writes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select, update

from crm.local import reading, writing
from crm.local.fields import short
from crm.local.schema import account, contact, note
from crm.local.writing import Stamp
from crm.model import CrmUser, Record
from gateway.errors import Refused

_seen = Table(
    "import_seen",
    MetaData(),
    Column("key", String, primary_key=True),
    Column("line", Integer),
    prefixes=["TEMPORARY"],
)
"""What this file named so far. In the database, so that memory does not grow with the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, its values spelled as this CRM does. An empty cell is absent: it leaves what is there."""

    line: int
    id: str
    name: str
    fields: dict[str, str]
    aliases: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    """As written: CRM user ids, e-mail addresses or names."""
    team: str = ""
    region: str = ""
    note: str = ""
    contact: str = ""
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.name}\0{self.fields.get('city', '')}"

    @property
    def claims(self) -> tuple[str, ...]:
        return (f"id:{self.id}", f"named:{self.place}") if self.id else (f"name:{self.place}",)

    @property
    def excluded_by(self) -> tuple[str, ...]:
        """Two rows are one customer by id, or by name and city when either has no id."""
        return (f"id:{self.id}", f"name:{self.place}") if self.id else (f"name:{self.place}", f"named:{self.place}")


@dataclass(slots=True)
class _Writes:
    """What a batch will write, gathered so that each table is written once."""

    created: list[dict[str, object]] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    values: list[tuple[str, str, str | None]] = field(default_factory=list)
    aliases: list[tuple[str, str]] = field(default_factory=list)
    owners: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[dict[str, object]] = field(default_factory=list)
    contacts: list[dict[str, object]] = field(default_factory=list)
    details: dict[str, dict[str, str]] = field(default_factory=dict)


GiveUp = Callable[[int, Refused], None]
"""Called with the line and why its row is left out."""


class Batch:
    """Bound to one transaction. `write` returns how many rows were created, changed and unchanged."""

    def __init__(self, conn: Connection, shape: reading.Shape, stamp: Stamp) -> None:
        self.conn, self.shape, self.stamp = conn, shape, stamp
        _seen.drop(conn, checkfirst=True)
        _seen.create(conn)

    def write(self, entries: Sequence[Entry], give_up: GiveUp) -> tuple[int, int, int]:
        fresh = self._first_named(entries, give_up)
        found = self._matched(fresh, give_up)
        owners = self._owners([entry for entry, _ in found], give_up)
        found = [(entry, record) for entry, record in found if entry.line in owners]
        writes = _Writes()
        for entry, record in found:
            self._compare(entry, record, owners[entry.line], writes)
        self._only_new_items(writes)
        touched = _touched(writes)
        self._flush(writes, touched)
        changed = len(touched)
        return len(writes.created), changed, len(found) - len(writes.created) - changed

    def _first_named(self, entries: Sequence[Entry], give_up: GiveUp) -> list[Entry]:
        keys = {key for entry in entries for key in entry.excluded_by}
        rows = self.conn.execute(select(_seen.c.key, _seen.c.line).where(_seen.c.key.in_(keys)))
        lines: dict[str, int] = {row.key: row.line for row in rows}
        fresh: list[Entry] = []
        new: dict[str, int] = {}
        for entry in entries:
            other = next((lines[key] for key in entry.excluded_by if key in lines), None)
            if other is not None:
                give_up(entry.line, Refused("The same customer stands in line {other} already.", other=other))
                continue
            fresh.append(entry)
            for key in entry.claims:
                new.setdefault(key, entry.line)
                lines.setdefault(key, entry.line)
        self._remember(new)
        return fresh

    def _remember(self, new: dict[str, int]) -> None:
        rows = [{"key": key, "line": line} for key, line in new.items()]
        if rows:
            self.conn.execute(insert(_seen).prefix_with("OR IGNORE"), rows)

    def _matched(self, entries: list[Entry], give_up: GiveUp) -> list[tuple[Entry, Record | None]]:
        ids = {entry.id for entry in entries if entry.id}
        names = {entry.name for entry in entries if not entry.id}
        wanted = select(account.c.id).where(account.c.id.in_(ids) | account.c.name.in_(names))
        records = reading.load(self.conn, self.shape, list(self.conn.execute(wanted).scalars()))
        by_id = {record.ref.id: record for record in records}
        by_place: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_place[_place(record)].append(record)
        found: list[tuple[Entry, Record | None]] = []
        for entry in entries:
            same = [by_id[entry.id]] if entry.id in by_id else ([] if entry.id else by_place[entry.place])
            try:
                found.append((entry, _the_one(same)))
            except Refused as why:
                give_up(entry.line, why)
        return found

    def _owners(self, entries: list[Entry], give_up: GiveUp) -> dict[int, list[str]]:
        """Line -> owners' user ids. A name nobody has yet becomes a CRM user of that id."""
        meant = reading.users_called(self.conn, {text for entry in entries for text in entry.owners})
        resolved: dict[int, list[str]] = {}
        for entry in entries:
            several = next((text for text in entry.owners if len(meant[text]) > 1), None)
            if several is not None:
                say = "{owner} is the name of several CRM users: write the user's id instead."
                give_up(entry.line, Refused(say, owner=short(several)))
                continue
            resolved[entry.line] = [meant[text][0] if meant[text] else text for text in entry.owners]
        used = {text for entry in entries if entry.line in resolved for text in entry.owners}
        new = [CrmUser(text, text, text if "@" in text else "") for text in sorted(used) if not meant[text]]
        writing.put_users(self.conn, new)
        return resolved

    def _compare(self, entry: Entry, record: Record | None, owners: list[str], writes: _Writes) -> None:
        if record is None:
            id_ = entry.id or writing.new_id("a")
            row = {"id": id_, "name": entry.name, "team": entry.team, "region": entry.region}
            writes.created.append(dict(row))
            held: dict[str, Any] = {}
        else:
            id_ = record.ref.id
            held = {name: value.value for name, value in record.fields.items()}
            _differences(entry, record, writes)
        writes.values += [(id_, name, value) for name, value in entry.fields.items() if held.get(name) != value]
        known = {entry.name, *(record.names if record else ())}
        writes.aliases += [(id_, name) for name in entry.aliases if name not in known]
        if owners and set(owners) != set(record.owners if record else ()):
            writes.owners[id_] = owners
        self._items(id_, entry, writes)

    def _items(self, id_: str, entry: Entry, writes: _Writes) -> None:
        """Their ids come from what they say, so that the same file again adds nothing."""
        row = {"account": id_, "at": self.stamp.at, "who": ""}
        if entry.note:
            writes.notes.append({**row, "id": _id("n", id_, entry.note), "text": entry.note})
        if entry.contact:
            key = _id("c", id_, entry.contact)
            writes.contacts.append({**row, "id": key, "text": entry.contact, "detail": entry.detail})

    def _only_new_items(self, writes: _Writes) -> None:
        known = set(
            self.conn.execute(select(note.c.id).where(note.c.id.in_([n["id"] for n in writes.notes]))).scalars()
        )
        writes.notes = [row for row in writes.notes if row["id"] not in known]
        wanted = select(contact.c.id, contact.c.detail).where(contact.c.id.in_([c["id"] for c in writes.contacts]))
        details = {row.id: row.detail for row in self.conn.execute(wanted)}
        fresh = [row for row in writes.contacts if row["id"] not in details]
        for row in writes.contacts:
            before = details.get(row["id"])
            if before is not None and (merged := {**before, **_detail(row)}) != before:
                writes.details[str(row["id"])] = merged
                writes.touched.append(str(row["account"]))
        writes.contacts = fresh

    def _flush(self, writes: _Writes, touched: Iterable[str]) -> None:
        writing.create(self.conn, writes.created, self.stamp)
        for id_ in touched:
            writing.swap(self.conn, id_, self.stamp)
        for id_, name in writes.names.items():
            writing.rename(self.conn, id_, name)
        for id_, values in writes.places.items():
            self.conn.execute(update(account).where(account.c.id == id_).values(**values))
        for id_, detail in writes.details.items():
            self.conn.execute(update(contact).where(contact.c.id == id_).values(detail=detail))
        writing.put_fields(self.conn, writes.values, self.stamp)
        writing.put_aliases(self.conn, writes.aliases)
        writing.set_owners(self.conn, writes.owners)
        writing.add_items(self.conn, note, writes.notes)
        writing.add_items(self.conn, contact, writes.contacts)


def _differences(entry: Entry, record: Record, writes: _Writes) -> None:
    if entry.name != record.title:
        writes.names[record.ref.id] = entry.name
    wanted = {"team": entry.team, "region": entry.region}
    held = {"team": record.team, "region": record.region}
    places = {key: value for key, value in wanted.items() if value and value != held[key]}
    if places:
        writes.places[record.ref.id] = places


def _touched(writes: _Writes) -> list[str]:
    """Customers that were there before and get something written, each once."""
    listed = [*writes.touched, *(value[0] for value in writes.values), *(pair[0] for pair in writes.aliases)]
    listed += [str(row["account"]) for row in (*writes.notes, *writes.contacts)]
    created = {str(row["id"]) for row in writes.created}
    return [
        id_ for id_ in dict.fromkeys([*listed, *writes.owners, *writes.names, *writes.places]) if id_ not in created
    ]


def _the_one(same: list[Record]) -> Record | None:
    live = [record for record in same if not record.deleted]
    if len(live) > 1:
        raise Refused(
            "The CRM has {count} customers of this name in this city: add a column with their ids.", count=len(live)
        )
    if same and not live:
        raise Refused("This customer was deleted in the CRM. Restore it there before you import it.")
    return live[0] if live else None


def _place(record: Record) -> str:
    city = record.fields.get("city")
    return f"{record.title}\0{city.value if city else ''}"


def _detail(row: dict[str, object]) -> dict[str, str]:
    detail = row["detail"]
    return detail if isinstance(detail, dict) else {}


def _id(kind: str, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"
