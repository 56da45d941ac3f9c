"""The connector: the `Crm` protocol and its optional abilities."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm import once as shared
from crm.each import first_of_each
from crm.http import GARBLED
from crm.mapping import FieldMap
from crm.model import (
    GATEWAY,
    AddsNote,
    Applied,
    Change,
    Conflict,
    Counts,
    Crm,
    CrmUser,
    Describes,
    FieldInfo,
    Item,
    Past,
    Record,
    RecordRef,
    Remembers,
    Users,
)
from crm.tryton import fields, records
from crm.tryton.config import OPPORTUNITY, PARTY, Config
from crm.tryton.feed import MODELS, NOTE, Event, Feed, Position
from crm.tryton.records import ACCOUNT, DEAL, NOTE_FIELDS, by_party, party_id
from crm.tryton.wire import Moved, Server, encoded, micros, moment
from crm.values import scrub
from gateway.errors import Refused, Retry
from reconcile.model import Json

ITEMS = 20
"""Notes of a party that a card may need, and opportunities: the newest."""
REVISIONS = 200
NOTE_LIMIT = 20_000
_NEWEST = [["last_modified_at", "DESC"], ["id", "DESC"]]


class TrytonCrm:
    def __init__(self, name: str, config: Config, *, clock: Callable[[], int] | None = None) -> None:
        self.name = name
        self.config = config
        self.server = Server(name, config)
        self.feed = Feed(self.server, config)
        self.desk = shared.desk("tryton", config.url, config.database)
        self._models: dict[str, dict[str, Any]] = {}

    async def close(self) -> None:
        await self.server.close()

    async def get(self, ref: RecordRef) -> Record:
        id_ = self._id(ref)
        if ref.kind == DEAL:
            return self._deal(await self._raw_deal(ref))
        found = await self._read([id_])
        if id_ in found:
            return found[id_][0]
        at = await self.feed.deleted_at(id_)
        if at is None:
            raise shared.absent(ref)
        return records.gone(self.name, ref.id, at)

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        run, told = await self.feed.run(cursor), dict[int, Record]()
        while events := await self.feed.next(run):
            fresh = run.fresh(events)
            read = await self._read({each.party for each in fresh})
            for event in _last_of_each(fresh):
                found = read.get(event.party)
                if found is not None and not event.deleted and run.comes_up(found[1]):
                    continue
                record = self._told(event, found[0] if found else None)
                if record is None or told.get(event.party) == record:
                    run.settle(event)
                    continue
                if event.party in told:
                    return  # it was written to again since: that is for the next run
                told[event.party] = record
                yield record, run.told(event)
            run.forget()

    async def count(self) -> int:
        return await self.server.count(PARTY, [])

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        return await shared.apply(self, change, once)

    async def swap(self, change: Change) -> Applied | Conflict:
        """Compared with everything the record consists of, then written under the server's own precondition."""
        deal = change.ref.kind == DEAL
        id_ = self._id(change.ref)
        raw = await self._raw_deal(change.ref) if deal else await self._raw_party(id_)
        current = await self.get(change.ref) if raw is None else self._record(raw, deal)
        if change.precondition not in (None, current.version):
            return Conflict(await self.get(change.ref))
        if raw is None or current.deleted:
            raise shared.not_live()
        write = await self._write_of(change, raw, deal)
        if write is None:
            return Applied(current.version, None)
        try:
            await self.server.call(
                f"model.{write.model}.write", [id_], write.values, context={"_timestamp": dict(write.stamps)}
            )
        except Moved:
            if change.precondition is None:
                raise Retry(0.5, "the record is being changed there") from None
            return Conflict(await self.get(change.ref))
        return await self._applied(change, current.version)

    async def _applied(self, change: Change, before: int) -> Applied:
        with shared.taken():
            after = await self.get(change.ref)
        mapping = self.config.opportunity_mapping if change.ref.kind == DEAL else self.config.mapping
        spec, text = mapping.spell(change.field, change.value)
        there = after.fields.get(change.field)
        ours = mapping.rendered(change.field, text)
        if not spec.reads:
            return Applied(after.version, ours)
        if there is None or (there.value != ours and after.modified_by != GATEWAY):
            # Somebody was quicker than our look. Our write is older than theirs and newer than what we compared with.
            return Applied(before + 1, ours)
        return Applied(after.version, there.value)

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        if kind == DEAL:
            return tuple(fields.offered(await self._model(OPPORTUNITY))) if self.config.opportunities else ()
        own = [
            each for each in fields.offered(await self._model(PARTY)) if "." not in each.name or each.type == "other"
        ]
        never = self.config.fixed
        return (
            *(each if each.name not in never else _only_read(each) for each in own),
            *fields.of_mechanisms(await self._model("party.contact_mechanism")),
            *fields.of_addresses(await self._model("party.address")),
        )

    async def users(self) -> tuple[CrmUser, ...]:
        found = await self.server.search("res.user", [], ["name", "login", "email", "active"])
        return tuple(
            CrmUser(
                str(raw["id"]),
                scrub(str(raw.get("name") or raw.get("login") or raw["id"])),
                str(raw.get("email") or ""),
                raw.get("active") is not False,
            )
            for raw in found
        )

    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item:
        """The note bears our account's name; `who` is written above it."""
        id_ = self._id(ref)
        body = f"{scrub(who)}: {scrub(text)}" if who else scrub(text)
        if len(body) > NOTE_LIMIT:
            raise Refused("A note has at most {limit} characters.", limit=NOTE_LIMIT)
        model = OPPORTUNITY if ref.kind == DEAL else PARTY

        async def post(doubt: bool) -> Item:
            resource = f"{model},{id_}"
            if doubt and (found := await self._note(["resource", "=", resource], ["message", "=", body])):
                return found
            made = await self.server.call(f"model.{NOTE}.create", [{"resource": resource, "message": body}])
            with shared.taken():
                item = await self._note(["id", "=", made[0] if isinstance(made, list) and made else -1])
                if item is None:
                    raise Retry(GARBLED, "the note was not found after it was written")
            return item

        return await shared.note(self.desk, once, shared.digest("note", ref.key, body), post)

    async def history(self, ref: RecordRef, *, since: int = 0) -> tuple[Past, ...]:
        """Of opportunities; parties have no history table in Tryton."""
        if ref.kind != DEAL:
            return ()
        id_ = self._id(ref)
        told = await self.server.call(f"model.{OPPORTUNITY}.history_revisions", [id_], reads=True)
        revisions = sorted((micros(at), str(who or "")) for at, _, who in told or [])
        found: list[Past] = []
        before: Mapping[str, Json] = {}
        for at, who in revisions[-REVISIONS:]:
            values = await self._as_of(id_, at)
            found += [
                Past(name, value, at // 1000, who, version=at)
                for name, value in values.items()
                if before.get(name) != value and at // 1000 >= since
            ]
            before = values
        return tuple(found)

    async def _as_of(self, id_: int, at: int) -> Mapping[str, Json]:
        asked = records.deal_fields(self.config.opportunity_mapping)
        raw = await self.server.search(
            OPPORTUNITY, [["id", "=", id_]], asked, context={"_datetime": encoded(moment(at))}
        )
        heard = records.heard(raw[0], self.config.opportunity_mapping, at).fields if raw else {}
        return {name: each.value for name, each in heard.items()}

    # -- reading

    def _id(self, ref: RecordRef) -> int:
        kinds = (ACCOUNT, DEAL) if self.config.opportunities else (ACCOUNT,)
        if ref.crm != self.name or ref.kind not in kinds or not (ref.id.isascii() and ref.id.isdigit()):
            raise shared.absent(ref)
        if len(ref.id) > 9 or ref.id != str(int(ref.id)):
            raise shared.absent(ref)
        return int(ref.id)

    async def _raw_party(self, id_: int) -> dict[str, Any] | None:
        found = await self.server.search(PARTY, [["id", "=", id_]], records.party_fields(self.config.mapping))
        return found[0] if found else None

    async def _raw_deal(self, ref: RecordRef) -> dict[str, Any]:
        asked = records.deal_fields(self.config.opportunity_mapping)
        found = await self.server.search(OPPORTUNITY, [["id", "=", self._id(ref)]], asked)
        if not found:
            raise shared.absent(ref)
        return found[0]

    def _deal(self, raw: Mapping[str, Any]) -> Record:
        return records.deal(self.name, self.config, raw, self.server.session.user)

    def _record(self, raw: Mapping[str, Any], deal: bool) -> Record:
        return self._deal(raw) if deal else records.party(self.name, self.config, raw, self.server.session.user)

    async def _read(self, ids: Collection[int]) -> dict[int, tuple[Record, Position]]:
        if not ids:
            return {}
        listed = sorted(ids)
        asked = records.party_fields(self.config.mapping)
        raws = await self.server.search(PARTY, [["id", "in", listed]], asked)
        notes = by_party(await self._notes(listed), "resource", ITEMS)
        deals = by_party(await self._deals(listed), "party", ITEMS)
        return {raw["id"]: self._whole(raw, notes.get(raw["id"], ()), deals.get(raw["id"], ())) for raw in raws}

    def _whole(
        self, raw: Mapping[str, Any], notes: Sequence[Mapping[str, Any]], deals: Sequence[Mapping[str, Any]]
    ) -> tuple[Record, Position]:
        items = [records.note_item(each) for each in notes], [records.deal_item(each) for each in deals]
        record = records.party(self.name, self.config, raw, self.server.session.user, *items)
        written = [Position(each.at, MODELS.index(each.model), each.id) for each in records.stamps(raw)]
        written += [_position(NOTE, each) for each in notes] + [_position(OPPORTUNITY, each) for each in deals]
        return record, max(written)

    async def _notes(self, ids: list[int]) -> list[dict[str, Any]]:
        def about(some: Sequence[int]) -> list[Any]:
            return [["resource", "in", [f"{PARTY},{id_}" for id_ in some]]]

        return await self._of_each(ids, NOTE, "resource", NOTE_FIELDS, about)

    async def _deals(self, ids: list[int]) -> list[dict[str, Any]]:
        def about(some: Sequence[int]) -> list[Any]:
            return [["party", "in", list(some)], ["state", "in", list(records.OPEN)]]

        if not self.config.opportunities:
            return []
        return await self._of_each(ids, OPPORTUNITY, "party", records.DEAL_FIELDS, about)

    async def _of_each(
        self, ids: list[int], model: str, key: str, names: Collection[str], about: Callable[[Sequence[int]], list[Any]]
    ) -> list[dict[str, Any]]:
        """The newest of each party."""

        async def ask(some: Sequence[int], most: int) -> list[dict[str, Any]]:
            return await self.server.search(model, about(some), names, limit=most, order=_NEWEST)

        return await first_of_each(ids, ITEMS, lambda row: party_id(row.get(key)) or 0, ask)

    async def _note(self, *domain: list[Any]) -> Item | None:
        found = await self.server.search(NOTE, list(domain), NOTE_FIELDS, limit=1)
        return records.note_item(found[0]) if found else None

    def _told(self, event: Event, found: Record | None) -> Record | None:
        if found is not None:
            return None if event.deleted else found
        # Deleted since: the log tells it in its turn.
        return records.gone(self.name, str(event.party), event.position.at) if event.deleted else None

    # -- writing

    async def _write_of(self, change: Change, raw: Mapping[str, Any], deal: bool) -> _Write | None:
        mapping = self.config.opportunity_mapping if deal else self.config.mapping
        spec, text = mapping.spell(change.field, change.value)
        model = OPPORTUNITY if deal else PARTY
        stamps = {f"{model},{raw['id']}": str(raw["_timestamp"])}
        first, dot, _ = spec.theirs.partition(".")
        if not dot:
            native = (await self._model(model)).get(first, {}).get("type", "")
            return _Write(model, {first: fields.as_theirs(change.field, native, text)}, stamps)
        return await self._write_of_part(change.field, spec, raw, stamps, text)

    async def _write_of_part(
        self, ours: str, spec: FieldMap, raw: Mapping[str, Any], stamps: dict[str, str], text: str | None
    ) -> _Write | None:
        first, _, rest = spec.theirs.partition(".")
        part = records.part_of(raw, spec.theirs)
        if part is None and text is None:
            return None
        if first == "contact_mechanisms":
            model, values = "party.contact_mechanism", {"type": rest, "value": text}
        else:
            native = (await self._model("party.address")).get(rest, {}).get("type", "")
            model, values = "party.address", {rest: fields.as_theirs(ours, native, text)}
        if part is None:
            return _Write(PARTY, {first: [["create", [values]]]}, stamps)
        told = {**stamps, f"{model},{part['id']}": str(part["_timestamp"])}
        if first == "contact_mechanisms" and text is None:
            return _Write(PARTY, {first: [["delete", [part["id"]]]]}, told)
        return _Write(PARTY, {first: [["write", [part["id"]], values]]}, told)

    async def _model(self, name: str) -> dict[str, Any]:
        """The server's own description of its fields; asked for once."""
        if name not in self._models:
            found = await self.server.call(f"model.{name}.fields_get", [], reads=True)
            if not isinstance(found, dict):
                raise Retry(GARBLED, "answered something else where fields were expected")
            self._models[name] = found
        return self._models[name]


@dataclass(frozen=True, slots=True)
class _Write:
    model: str
    values: Mapping[str, Any]
    stamps: Mapping[str, str]


def _position(model: str, raw: Mapping[str, Any]) -> Position:
    return Position(micros(raw.get("last_modified_at")), MODELS.index(model), raw["id"])


def _last_of_each(events: list[Event]) -> list[Event]:
    """In order, of each party only the last."""
    last = {each.party: each for each in events}
    return [each for each in events if last[each.party] is each]


def _only_read(info: FieldInfo) -> FieldInfo:
    return FieldInfo(info.name, info.label, info.type, info.options, False, info.native)


if TYPE_CHECKING:

    def _claims(crm: TrytonCrm) -> tuple[Crm, Users, AddsNote, Describes, Counts, Remembers]:
        return crm, crm, crm, crm, crm, crm
