"""The ledger's front: what the rest of the gateway calls. Every write is one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from crm.model import Record
from gateway.errors import Refused
from gateway.metrics import BEHIND, INGESTED, LAG
from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.ledger import audit, epochs, linear, observe, outbox, redecide, reopen, views
from gateway.store.ledger.batch import Batch, Item, item
from gateway.store.ledger.model import (
    Answer,
    Before,
    Challenger,
    ConflictCase,
    DecisionView,
    FieldState,
    HistoryRow,
    Incoming,
    Ingested,
    Observed,
    OutboxRow,
    Snapshot,
    Taken,
)
from gateway.store.ledger.outbox import Reply
from gateway.store.ledger.ruling import Ruling
from gateway.store.ledger.touched import Shared
from gateway.store.policy_changes import PolicyChange
from gateway.store.tables_ledger import OPEN
from gateway.store.vault import Vault
from gateway.telemetry import span, stamped
from reconcile.chain import Fault, Root
from reconcile.model import Json, Source
from reconcile.policy import Policies

Targets = Callable[[str, str], Sequence[str]]


def own_crm(record: str, field: str) -> Sequence[str]:
    """A record's field is written back to the CRM the record is of."""
    crm, colon, _ = record.partition(":")
    return (crm,) if colon else ()


_I = TypeVar("_I", bound=Sequence[Ingested])


def _counted(ingested: _I) -> _I:
    """What was decided now; a redelivery was counted when it first came."""
    for one in ingested:
        if one.first:
            INGESTED.labels(one.reason).inc()
    return ingested


class Ledger:
    """`clock` gives milliseconds since the epoch. `targets(record, field)` names the CRMs a field is written to;
    `alias(record)` the customer that a record is."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        policies: Policies,
        *,
        deployment: str = "",
        clock: Callable[[], int],
        shards: int = 16,  # for the life of a ledger: a record stays with its chain, and its edits in their order
        targets: Targets = own_crm,
        alias: Callable[[str], str] = str,
    ) -> None:
        self.deployment = deployment
        self._store = store
        self._vault = vault
        self._clock = clock
        self._shared = Shared(vault, Ruling(policies), targets, clock, shards, uuid.uuid4().hex)
        self._alias = alias

    @property
    def policies(self) -> Policies:
        """Those in force, as far as is known here."""
        return self._shared.ruling.policies

    # -- edits in

    async def ingest(self, incoming: Incoming) -> Ingested:
        """Durable when it returns. Raises `Refused` for what cannot be stored and for an erased customer."""
        return (await self.ingest_many([incoming]))[0]

    async def ingest_many(self, incoming: Sequence[Incoming]) -> list[Ingested]:
        """All of them or none, in one transaction and in this order."""
        with span("decide", count=len(incoming)):
            items = [item(self._meant(one)) for one in incoming]
            return _counted(await self._store.write(self._ingest, items))

    def _meant(self, one: Incoming) -> Incoming:
        trace, record = stamped(one.trace), self._alias(one.record)
        return one if (trace, record) == (one.trace, one.record) else replace(one, trace=trace, record=record)

    def _ingest(self, connection: Connection, lists: Sequence[list[Item]]) -> list[list[Ingested]]:
        batch = self._batch(connection)
        flat = [one.incoming for some in lists for one in some]
        batch.lock(((one.record, one.field) for one in flat), (one.once for one in flat))
        results = [[batch.ingest(one) for one in some] for some in lists]
        batch.flush()
        return results

    async def take(self, given: linear.Numbered) -> Taken:
        """One numbered edit of a linear source, in its turn; durable when it returns, held ones too."""
        taken = await self._store.write(self._take, replace(given, incoming=self._meant(given.incoming)))
        _counted([each for each in (taken.ingested, *taken.freed) if each is not None])
        if taken.state in ("late", "rewound"):
            BEHIND.labels(given.source, taken.state).inc()
        return taken

    def _take(self, connection: Connection, given: Sequence[linear.Numbered]) -> list[Taken]:
        results = []
        for one in given:
            batch = self._batch(connection)
            results.append(linear.take(batch, one))
            batch.flush()
        return results

    async def close_gap(self, source: str, stream: str, before: int, how: str) -> tuple[list[Ingested], int | None]:
        """Gives up on what is missing before edits that wait since `before` or longer; since when others wait."""
        made, left = await self._store.write(self._close_gap, (source, stream, before, how))
        return _counted(list(made)), left

    def _close_gap(
        self, connection: Connection, asked: Sequence[tuple[str, str, int, str]]
    ) -> list[tuple[tuple[Ingested, ...], int | None]]:
        results = []
        for one in asked:
            batch = self._batch(connection)
            results.append(linear.close(batch, *one))
            batch.flush()
        return results

    async def behind_gap(self, source: str, stream: str, before: int) -> tuple[list[str], bool]:
        """The records of which something waits, and whether any does since `before` or longer."""
        return await self._store.read(lambda connection: linear.waiting(connection, source, stream, before))

    async def begin_stream(self, source: str, streams: Sequence[str]) -> tuple[list[str], list[Ingested]]:
        """A new epoch of those that were set back: their numbers begin anew, on top of what is known. Which."""
        begun, made = await self._store.write(self._begin_stream, (source, streams))
        return begun, _counted(list(made))

    def _begin_stream(
        self, connection: Connection, asked: Sequence[tuple[str, Sequence[str]]]
    ) -> list[tuple[list[str], tuple[Ingested, ...]]]:
        results = []
        for one in asked:
            batch = self._batch(connection)
            results.append(linear.begin(batch, *one))
            batch.flush()
        return results

    async def reopen(self, given: Incoming, settlement: str) -> Ingested | None:
        """Takes back the edit that settled a conflict: it is open again, with the sides it had, what stood and what
        was before it. `given`: who asks, with what they had seen. None when it settled none, or somebody has built
        on it: then nothing is done."""
        made = await self._store.write(self._reopen, (self._meant(given), settlement))
        return _counted([made])[0] if made is not None else None

    def _reopen(self, connection: Connection, asked: Sequence[tuple[Incoming, str]]) -> list[Ingested | None]:
        batch = self._batch(connection)
        batch.lock((given.record, given.field) for given, _ in asked)
        results = [reopen.reopen(batch, *one) for one in asked]
        batch.flush()
        return results

    async def observe(
        self, record: Record, source: Source, stream: str = "", *, began: int = 0, key: str = "", trace: str = ""
    ) -> Observed:
        """What a CRM's record was read to hold: edits of what it changed by itself, and nothing for our own echo.

        `began`: when the read began; 0 when that is not known, so that it acknowledges nothing.
        """
        observed = await self._store.write(self._observe, Snapshot(record, source, stream, began, key, trace))
        _counted(observed.ingested)
        if observed.lag is not None:
            LAG.labels(source.system).set(observed.lag / 1000)
        if observed.stale:
            BEHIND.labels(source.system, "rewound" if observed.rewound else "late").inc()
        return observed

    async def rewound(self, target: str, limit: int = 1000) -> list[str]:
        """Records of a CRM that were read to be older than they had been: what it says of them is set aside."""
        return await self._store.read(lambda connection: epochs.rewound(connection, target, limit))

    async def new_epoch(self, target: str, limit: int = 1000) -> list[str]:
        """What the CRM says of these from now on is news, on top of what is known. Read each of them anew."""
        return await self._store.write(self._new_epoch, (target, limit))

    def _new_epoch(self, connection: Connection, asked: Sequence[tuple[str, int]]) -> list[list[str]]:
        return [epochs.begin(connection, *one, self._clock()) for one in asked]

    def _observe(self, connection: Connection, snapshots: Sequence[Snapshot]) -> list[Observed]:
        batch = self._batch(connection)
        results = observe.observe(batch, snapshots)
        batch.flush()
        return results

    def _batch(self, connection: Connection) -> Batch:
        self._shared.ruling.beside(connection)
        return Batch(self._shared, connection, self._clock())

    # -- which policies rule

    async def follow(self) -> None:
        """Takes up what was changed in the laboratory; every write does so by itself."""
        await self._store.read(self._shared.ruling.follow)

    async def redecide(self, change: str, limit: int = 200) -> PolicyChange | None:
        """Some more fields of a change of policy that is being applied or undone, in one transaction."""
        return await self._store.write(self._redecide, (change, limit))

    def _redecide(self, connection: Connection, items: Sequence[tuple[str, int]]) -> list[PolicyChange | None]:
        batch = self._batch(connection)
        changes = [redecide.work(batch, *each) for each in items]
        batch.flush()
        return changes

    # -- writes out

    async def claim(self, target: str, now: int, limit: int = 16) -> list[OutboxRow]:
        """What is due, at most one row a record, now held by us until it is answered, moved, refused or later."""
        return await self._store.write(self._claim, (target, now, limit))

    def _claim(self, connection: Connection, asked: Sequence[tuple[str, int, int]]) -> list[list[OutboxRow]]:
        return [outbox.claim(self._shared, connection, *one) for one in asked]

    async def answered(
        self,
        row: OutboxRow,
        version: int,
        rendered: Json = None,
        overwrote: bool | None = None,
        unseen: Sequence[Incoming] = (),
    ) -> Answer:
        """The target took it. "superseded": another value stands meanwhile and is queued; "gone": known already."""
        return await self._store.write(
            self._answered, Reply(row, version, rendered, overwrote=overwrote, unseen=tuple(unseen))
        )

    def _answered(self, connection: Connection, replies: Sequence[Reply]) -> list[Answer]:
        batch = self._batch(connection)
        outbox.prepare(batch, replies)
        results = [outbox.answered(batch, reply) for reply in replies]
        batch.flush()
        return results

    async def moved(self, row: OutboxRow, current: Snapshot) -> Observed:
        """The precondition did not hold; `current` is the record as it is there."""
        return await self._store.write(self._moved, Reply(row, snapshot=current))

    def _moved(self, connection: Connection, replies: Sequence[Reply]) -> list[Observed]:
        batch = self._batch(connection)
        outbox.prepare(batch, replies)
        results = [outbox.moved(batch, reply) for reply in replies]
        batch.flush()
        return results

    async def doubt(self) -> list[OutboxRow]:
        """Sent and never answered: read the record, then `settle`."""
        owner, now = self._shared.owner, self._clock()
        return await self._store.read(lambda connection: outbox.in_doubt(connection, self._vault, owner, now))

    async def settle(self, row: OutboxRow, current: Snapshot, *, ours: bool) -> Observed:
        """`ours`: the record's last change was made under our own identity or carries the row's key."""
        return await self._store.write(self._settle, Reply(row, snapshot=current, ours=ours))

    def _settle(self, connection: Connection, replies: Sequence[Reply]) -> list[Observed]:
        batch = self._batch(connection)
        outbox.prepare(batch, replies)
        results = [outbox.settle(batch, reply) for reply in replies]
        batch.flush()
        return results

    async def refused(self, row: OutboxRow, why: str, *, unsure: bool = False) -> None:
        """`unsure`: it may have been taken all the same, and nobody can be asked whether it was."""
        await self._store.write(self._refused, (row, why, unsure))

    def _refused(self, connection: Connection, items: Sequence[tuple[OutboxRow, str, bool]]) -> list[None]:
        for row, why, unsure in items:
            outbox.refused(connection, self._vault, row, why, unsure=unsure)
        return [None] * len(items)

    async def later(self, row: OutboxRow, after: float, why: str = "") -> None:
        """The target answered that it took nothing and asks for patience."""
        await self._store.write(self._later, (row, after, why))

    def _later(self, connection: Connection, items: Sequence[tuple[OutboxRow, float, str]]) -> list[None]:
        for row, after, why in items:
            outbox.later(connection, row, self._clock(), after, why)
        return [None] * len(items)

    async def unsure(self, row: OutboxRow, after: float = 0.0, *, here: bool = False) -> None:
        """No answer came: it may have been taken. `doubt` lists it from `after` seconds on; `here`: to this gateway
        from now on."""
        await self._store.write(self._unsure, (row, after, self._shared.owner if here else ""))

    def _unsure(self, connection: Connection, items: Sequence[tuple[OutboxRow, float, str]]) -> list[None]:
        for row, after, owner in items:
            outbox.unsure(connection, row, self._clock(), after, owner)
        return [None] * len(items)

    async def erased(self, row: OutboxRow) -> None:
        """Its customer was erased while it was on its way: it is over."""
        await self._store.write(self._erased, row)

    def _erased(self, connection: Connection, rows: Sequence[OutboxRow]) -> list[None]:
        for row in rows:
            outbox.erased(connection, row)
        return [None] * len(rows)

    # -- what is known

    async def states(self, record: str) -> Mapping[str, FieldState]:
        return await self._store.look(lambda connection: views.states(self._shared, connection, self._alias(record)))

    async def state(self, record: str, field: str) -> FieldState | None:
        found = await self._store.look(
            lambda connection: views.states(self._shared, connection, self._alias(record), field)
        )
        return found.get(field)

    async def history(self, record: str, field: str, limit: int = 50, before: int | None = None) -> list[HistoryRow]:
        """Newest first; `before` is the `n` of the last row one has."""
        return await self._store.read(
            lambda connection: views.history(self._vault, connection, self._alias(record), field, limit, before)
        )

    async def decision(self, trace: str) -> DecisionView | None:
        """By its trace code, in any spelling a person types."""
        return await self._store.read(lambda connection: views.decision(self._vault, connection, trace))

    async def conflicts(self, *, open_only: bool = True, limit: int = 1000) -> list[ConflictCase]:
        return await self._store.read(lambda connection: views.conflicts(connection, open_only, limit))

    async def conflict(self, id_: str) -> ConflictCase | None:
        return await self._store.look(lambda connection: views.conflict(connection, id_))

    async def value_of(self, edit: str) -> Json:
        """Raises `Refused` when it is not there or was erased."""
        return await self._store.look(lambda connection: views.value_of(self._vault, connection, edit))

    async def edits(self, ids: Sequence[str]) -> Mapping[str, Challenger]:
        """Each with its value; those that are not there are left out."""
        return await self._store.read(lambda connection: views.challengers(self._vault, connection, ids))

    async def before(self, record: str, field: str, edit: str) -> Before | None:
        """What stood before `edit`; None when it was the first of its field."""
        return await self._store.look(lambda connection: views.before(self._vault, connection, record, field, edit))

    async def erase(self, subject: str) -> bool:
        """Deletes a record's key: no value of it can be read again. The chain still verifies."""
        return await self._store.write(self._erase, subject)

    def _erase(self, connection: Connection, subjects: Sequence[str]) -> list[bool]:
        stop = f"UPDATE outbox SET state = 'superseded' WHERE state = 'waiting' AND record = ? AND {OPEN.said}"  # noqa: S608
        sql.many(connection, stop, [(subject,) for subject in subjects])
        return [self._vault.erase(connection, subject, self._clock()) for subject in subjects]

    # -- the chain

    async def verify(self, root: Root | None = None) -> Fault | None:
        """The first altered, missing or reordered row; with a published `root` a cut tail is found too."""
        return await self._store.read(lambda connection: audit.verify(self._vault, connection, root))

    async def vouched(self) -> Root:
        """The newest decision of every shard: up to there `verify` vouches."""
        return await self._store.read(lambda connection: audit.heads(connection, self._clock()))

    async def publish_root(self, day: str) -> Root:
        """The root of `day` (YYYY-MM-DD), made once: its `document()` is what is published outside."""
        if len(day) != 10:
            raise Refused("Write the day as 2026-12-31.")
        return await self._store.write(self._publish, day)

    def _publish(self, connection: Connection, days: Sequence[str]) -> list[Root]:
        return [audit.publish(connection, day, self._clock()) for day in days]
