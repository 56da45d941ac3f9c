"""The connector: compare, then write, under a lock of our own, since Odoo has no precondition."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from crm import once as keys
from crm.http import id_at
from crm.late import Feed
from crm.mapping import vanished
from crm.markup import marked_up
from crm.model import (
    Addresses,
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
    Lives,
    Past,
    Record,
    RecordRef,
    Remembers,
    Users,
)
from crm.odoo import past
from crm.odoo.config import Config
from crm.odoo.feed import Changes
from crm.odoo.reading import KIND, MODEL, TOLD_BY_US, Reader, note
from crm.odoo.rpc import Rpc
from crm.odoo.values import info, spelled, text
from gateway.errors import Refused, Retry
from reconcile.model import Json

log = logging.getLogger("floatcard.crm.odoo")

NOTE_LIMIT = 20_000
GREATEST = 2**31 - 1


class OdooCrm:
    """Raises `Refused` at the first call when Odoo is older than 17."""

    def __init__(self, name: str, config: Config, *, clock: Callable[[], int]) -> None:
        self.name = name
        self.desk = keys.desk("odoo", config.url, config.database)
        self._config = config
        self._rpc = Rpc(name, config)
        self._reader = Reader(name, config, self._rpc, self.desk.versions)
        self._changes = Changes(self._reader, config.page)
        self._feed = Feed(self._changes)

    async def close(self) -> None:
        await self._rpc.close()

    async def get(self, ref: RecordRef) -> Record:
        id_ = _number(ref)
        found = (await self._reader.partners([id_])).get(id_) or await self._reader.merged(id_)
        if found is None:
            raise keys.absent(ref)
        return found

    def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        """Also what only a note, an activity or a contact of it changed, and one that was merged into another. What was
        erased there is not told."""
        return self._feed.changes(cursor)

    async def live(self, ids: Sequence[str]) -> frozenset[str]:
        numbers = [int(id_) for id_ in ids if id_.isascii() and id_.isdigit() and int(id_[:12]) <= GREATEST]
        return frozenset(str(id_) for id_ in await self._reader.there(numbers, ["active", "=", True]))

    def addressed(self, url: str) -> RecordRef | None:
        """Odoo 17's addresses, Odoo 18's, and those of `link`."""
        base = self._config.url
        pages = f"{base}/odoo/contacts/{{id}}", f"{base}/odoo/{MODEL}/{{id}}"
        id_ = id_at(url, self._config.link, *pages) or self._in_hash(url[:2000])
        return RecordRef(self.name, KIND, id_) if id_ and id_.isascii() and id_.isdigit() else None

    def _in_hash(self, url: str) -> str | None:
        """Odoo 17's: `/web#id=7&cids=1&menu_id=110&action=149&model=res.partner&view_type=form`, in any order."""
        page, _, told = url.partition("#")
        if page.partition("?")[0] != f"{self._config.url}/web":
            return None
        named = dict(parse_qsl(told, max_num_fields=50)) if told.count("&") < 50 else {}
        return named.get("id") if named.get("model") == MODEL and len(named.get("id", "")) <= 10 else None

    async def count(self) -> int:
        return await self._changes.count()

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        return await keys.apply(self, change, once)

    async def swap(self, change: Change) -> Applied | Conflict:
        """Between the reading and the writing lies one round trip, in which Odoo itself can be written to unseen."""
        before = await self.get(change.ref)
        if self.desk.moved(before, change):
            return Conflict(before)
        if before.deleted:
            raise keys.not_live()
        values = await self._values(change)
        await self._rpc.call(MODEL, "write", [[_number(change.ref)], values])
        with keys.taken():
            after = await self.get(change.ref)
        await self._tell_source(change)
        it = after.fields.get(change.field)
        return Applied(after.version, it.value if it else change.value)

    async def _values(self, change: Change) -> dict[str, Json]:
        spec, value = (await self._reader.mapping()).spell(change.field, change.value)
        about = (await self._reader.offered()).get(spec.theirs)
        if about is None:
            raise vanished(spec.theirs)
        if value is not None and about.get("type") == "many2one":
            return {spec.theirs: await self._linked(change.field, value, str(about.get("relation")))}
        return {spec.theirs: spelled(change.field, value, about)}

    async def _linked(self, ours: str, name: str, model: str) -> int:
        """The id of the one that is called exactly so."""
        args: dict[str, Json] = {"name": name, "operator": "=", "limit": 2}
        found = await self._rpc.call(model, "name_search", [], args, reads=True)
        ids = [pair[0] for pair in found if isinstance(pair, list)] if isinstance(found, list) else []
        if len(ids) != 1 or not isinstance(ids[0], int):
            raise Refused("{field}: the CRM has {count} called {value}.", field=ours, count=len(ids), value=name[:40])
        return ids[0]

    async def _tell_source(self, change: Change) -> None:
        """The watermark's slot: a note. That it is missing is no reason to call the write undone."""
        if not change.label or not self._config.notes:
            return
        body = f"{TOLD_BY_US}{change.label.strip('[]')}] {change.field}"
        try:
            await self._post(_number(change.ref), body, "notification")
        except (Retry, Refused) as fault:
            log.warning("a note on the source of a change was not taken: %s", type(fault).__name__)

    async def _post(self, id_: int, body: str, kind: str) -> int:
        """Since Odoo 17 a body is plain text unless it says that it is HTML, which keeps its lines apart."""
        told: dict[str, Json] = {"body": body, "message_type": kind, "subtype_xmlid": "mail.mt_note"}
        if "\n" in body:
            told |= {"body": marked_up(body), "body_is_html": True}
        posted = await self._rpc.call(MODEL, "message_post", [[id_]], told)
        number = posted[0] if isinstance(posted, list) and posted else posted
        return number if isinstance(number, int) else 0

    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item:
        """It stands there under the gateway's account, so that `who` is its beginning."""
        return await keys.add_note(self, ref, text, who, limit=NOTE_LIMIT, once=once)

    async def post(self, ref: RecordRef, body: str, who: str) -> Item:
        return Item(str(await self._post(_number(ref), body, "comment")), "note", body, self._now(), who)

    def _now(self) -> int:
        return int(self._rpc.now()) * 1000

    async def posted(self, ref: RecordRef, body: str) -> Item | None:
        """The note of an earlier try whose answer was lost."""
        mine: Json = ["create_uid", "=", await self._rpc.uid()]
        about: Json = [["model", "=", MODEL], ["res_id", "=", _number(ref)], mine]
        asked = ["body", "date", "author_id", "message_type"]
        rows = await self._rpc.rows("mail.message", about, asked, order="id desc", limit=20)
        found = (note(row) for row in rows)
        return next((each for each in found if each is not None and each.text.split() == body.split()), None)

    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        if kind != KIND:
            return ()
        offered = await self._reader.offered()
        return tuple(info(name, about) for name, about in sorted(offered.items()))

    async def users(self) -> tuple[CrmUser, ...]:
        wanted: Json = [["share", "=", False], ["active", "in", [True, False]]]
        rows = await self._rpc.rows("res.users", wanted, ["id", "name", "login", "email", "active"], order="id asc")
        return tuple(
            CrmUser(
                str(row["id"]),
                text(row.get("name")),
                text(row.get("email")) or text(row.get("login")),
                row.get("active") is True,
            )
            for row in rows
        )

    async def history(self, ref: RecordRef, *, since: int = 0) -> tuple[Past, ...]:
        """Of the fields Odoo tracks, for an account that may read them; empty for another."""
        offered = await self._reader.offered()
        return await past.read(self._rpc, await self._reader.mapping(), offered, _number(ref), since)


def _number(ref: RecordRef) -> int:
    if ref.kind != KIND or not (ref.id.isascii() and ref.id.isdigit()) or not 0 < int(ref.id[:12]) <= GREATEST:
        raise keys.absent(ref)
    return int(ref.id)


if TYPE_CHECKING:

    def _claims(
        crm: OdooCrm,
    ) -> tuple[Crm, Counts, Lives, Users, Addresses, AddsNote, Describes, Remembers, keys.Writer, keys.Notes]:
        return crm, crm, crm, crm, crm, crm, crm, crm, crm, crm
