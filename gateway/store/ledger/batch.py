"""Edits into decisions, inside one transaction: plan purely, then note the rows to be written."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import orjson
from sqlalchemy import Connection

from cards.words import N_
from gateway.errors import Refused
from gateway.store import sql
from gateway.store.ledger import losses
from gateway.store.ledger.field import Field, planned, tidied
from gateway.store.ledger.model import Incoming, Ingested
from gateway.store.ledger.rows import (
    DECISION,
    EDIT,
    decision_of,
    decision_row,
    edit_columns,
    edit_digest,
    edit_row,
    inputs_digest,
    joined,
    sealed,
)
from gateway.store.ledger.ruling import Rule
from gateway.store.ledger.touched import Touched
from gateway.store.ledger.writeback import write_back
from gateway.store.spans import in_order, source, span_of
from gateway.store.vault import Erased, Keys, Vault, sealed_value, spelt
from reconcile.canonical import canonical, image
from reconcile.chain import shard_of
from reconcile.model import Decision, Edit, Resolution, Standing
from reconcile.plan import ConflictStep, Planned
from reconcile.times import effective

UNSTORABLE = N_("This contains characters that cannot be stored.")
ERASED = N_("This customer's data was erased here and is not taken in again.")


@dataclass(frozen=True, slots=True)
class Item:
    """An incoming edit with its canonical value, spelt before the transaction begins."""

    incoming: Incoming
    canonical: bytes
    id: str | None = None


def item(incoming: Incoming, id_: str | None = None) -> Item:
    """Raises `Refused` for what no database can hold."""
    try:
        value = None if incoming.kind == "clear" else incoming.value
        for text in (incoming.record, incoming.field, incoming.once, incoming.actor.id, incoming.trace):
            if "\0" in text:
                raise ValueError("NUL")
            text.encode("utf-8")
        incoming = incoming if value is incoming.value else replace(incoming, value=value)
        return Item(incoming, canonical(value), id_)
    except ValueError:
        raise Refused(UNSTORABLE) from None


class Said(Protocol):
    """What is decided of a field, by an edit or without one."""

    @property
    def resolution(self) -> Resolution: ...
    @property
    def standing(self) -> Standing: ...


@dataclass(slots=True)
class Batch(Touched):
    def ingest(self, given: Item) -> Ingested:
        incoming = given.incoming
        keys = self.alive(incoming.record)
        payload = keys.mac(self._payload(given), b"payload")
        before = self.answered[incoming.once]
        if payload in before:
            return self._again(incoming, before[payload])
        it = self.fields[(incoming.record, incoming.field)]
        new = self._edit(it, given, payload, quarantined=bool(before) or incoming.quarantined)
        rule = self.shared.rule(incoming.record, incoming.field)
        plan_ = planned(it, new, rule.policy, rule.hash, incoming.may_bind(rule.policy), self)
        if plan_.duplicate:
            return self._known(plan_.edit.id, incoming, payload)
        return self._decide(it, given, plan_, rule, keys, payload)

    def alive(self, record: str) -> Keys:
        keys = self.keys[record]
        if isinstance(keys, Erased):
            raise Refused(ERASED)
        return keys

    def _payload(self, given: Item) -> bytes:
        one = given.incoming
        said = sorted({*one.parents, *(one.seen.parents if one.seen else ())}) if given.id is None else []
        source = [one.source.system, one.source.surface, one.source.instance]
        about = [one.record, one.field, one.kind, source, one.actor.kind, one.actor.id, said, one.stream, one.watermark]
        return orjson.dumps(about) + given.canonical

    def _edit(self, it: Field, given: Item, payload: str, *, quarantined: bool) -> Edit:
        one = given.incoming
        at, skewed = effective(online=one.online, source_time=one.source_time, ingest_time=self.now)
        return Edit(
            id=given.id if given.id is not None and not quarantined else f"{self.now:012x}{os.urandom(8).hex()}",
            record=one.record,
            field=one.field,
            kind=one.kind,
            value=one.value,
            source=one.source,
            actor=one.actor,
            parents=self._parents(it, one),
            stream=one.stream,
            watermark=one.watermark,
            source_time=one.source_time,
            ingest_time=self.now,
            effective_time=at,
            skewed=skewed,
            once=one.once,
            payload_hash=payload,
            trace=one.trace,
            binding=one.binding,
            quarantined=quarantined,
        )

    def drafted(self, it: Field, given: Item) -> Edit:
        """As it would be stored, to see what came of it."""
        return self._edit(it, given, "", quarantined=False)

    def _parents(self, it: Field, one: Incoming) -> frozenset[str]:
        parents = one.parents | (one.seen.parents if one.seen is not None else frozenset())
        if one.stream is not None and one.watermark is not None:
            return parents | self._acked(it, one.stream.partition("#")[0], one.watermark)
        if one.seen is None and not parents:
            return self._own_last(it, one)
        return parents

    def _acked(self, it: Field, target: str, below: int) -> frozenset[str]:
        """What an edit made in the target had seen: the newest acknowledgement below its version."""
        if target not in it.there:
            return frozenset()
        query = (
            "SELECT heads FROM ack WHERE target = ? AND record = ? AND field = ? AND version < ? "
            "ORDER BY version DESC LIMIT 1"
        )
        row = sql.first(self.connection, query, (target, *it.key, below))
        return frozenset(orjson.loads(row[0])) if row is not None else frozenset()

    def _own_last(self, it: Field, one: Incoming) -> frozenset[str]:
        who = (one.actor, one.source.system, one.source.surface)
        for edit_ in reversed(it.added):
            if (edit_.actor, edit_.source.system, edit_.source.surface) == who:
                return frozenset({edit_.id})
        c = self.connection
        there, of = source(c, "e", "s")
        query = (
            f"SELECT e.id FROM {there} WHERE {of}.record = ? AND {of}.field = ? "  # noqa: S608
            "AND e.actor_kind = ? AND e.actor = ? AND e.system = ? AND e.surface = ? "
            f"ORDER BY {in_order(c, 'e', 'DESC')} LIMIT 1"
        )
        row = None
        if it.n:
            about = (*it.key, one.actor.kind, one.actor.id, one.source.system, one.source.surface)
            row = sql.first(c, query, about)
        return frozenset({row[0]}) if row is not None else frozenset()

    # -- its decision -------------------------------------------------------------------------------------------

    def _decide(self, it: Field, given: Item, plan_: Planned, rule: Rule, keys: Keys, payload: str) -> Ingested:
        new = plan_.edit
        mac = keys.mac(given.canonical)
        row = edit_row(new, it.n + 1, mac)
        inputs = joined(it.inputs, edit_digest(row))
        made = self.sealed(new.record, new.field, plan_, rule, keys, inputs_digest(inputs), (new.id, mac))
        row["decision"], row["span"] = made.id, span_of(self.connection, made.seq)
        self.add("edit", row)
        self.add("decision", decision_row(made))
        self.add("inbox", _inbox_row(new, made, payload, self.now))
        self.answered[new.once][payload] = (new.id, made.id)
        self.policies[rule.hash] = rule.document
        if new.value is not None:
            self.add("value", dict(sealed_value(keys, new.record, new.id, spelt(new.value))))
        tidy = tidied(it, new)
        if gone := losses.lost(it, plan_):
            losses.note(self, it, plan_, gone)
        step, conflict_id = self.opens_or_closes(it, made)
        it.n, it.inputs, it.tidy = it.n + 1, inputs, tidy
        if row["span"] not in it.spans:
            it.spans.append(row["span"])
            it.spread = True
        it.added.append(new)
        if it.past is not None:
            it.past.append(new)
        if new.stream is not None and new.watermark is not None:
            it.streams[new.stream] = max(it.streams.get(new.stream, -1), new.watermark)
        self.settle(it, plan_.resolution, plan_.standing, made, rule, keys)
        read = write_back(self, it, new)
        self.read_soon(it.record, read)
        result = Ingested(
            first=True,
            quarantined=new.quarantined,
            edit_id=new.id,
            decision=made,
            standing=plan_.standing.value,
            standing_winner=plan_.standing.winner,
            changed=plan_.changed,
            conflict=step,
            conflict_id=conflict_id,
            seen=given.incoming.seen.status if given.incoming.seen is not None else None,
            read=read,
        )
        self.results[made.id] = result
        return result

    def sealed(
        self, record: str, field_: str, said: Said, rule: Rule, keys: Keys, digest: str, edit: tuple[str, str] | None
    ) -> Decision:
        """The next link of the record's chain. `edit`: the one that brought it, with its value's MAC."""
        resolution = said.resolution
        shard = shard_of(record, self.shared.shards)
        seq, last = self.heads[shard]
        known = edit is not None and resolution.winner == edit[0]
        made = sealed(
            record=record,
            field=field_,
            trigger="edit" if edit is not None else "policy",
            trigger_edit=edit[0] if edit is not None else None,
            policy=rule.policy.name,
            policy_hash=rule.hash,
            inputs_digest=digest,
            resolution=resolution,
            value_mac=edit[1] if edit is not None and known else keys.mac(canonical(resolution.value)),
            standing=said.standing.winner,
            at=self.now,
            shard=shard,
            seq=seq + 1,
            prev_hash=last,
        )
        self.heads[shard] = (made.seq, made.hash)
        self.moved_heads.add(shard)
        return made

    def opens_or_closes(self, it: Field, made: Decision) -> tuple[ConflictStep, str | None]:
        was, now_open = it.conflict, made.resolution.conflict
        if now_open and was is None and it.reopens is not None:
            it.conflict = it.reopens
            self.add("reopened", {"opened_at": self.now, "id": it.reopens})
            return "opened", it.conflict
        if now_open and was is None:
            it.conflict = made.id
            opened = {"id": made.id, "record": it.record, "field": it.name, "opened_at": self.now}
            self.add("conflict", {**opened, "closed_at": None, "closed_by": None})
            return "opened", made.id
        if was is not None and not now_open:
            it.conflict = None
            self.add("closed", {"closed_at": self.now, "closed_by": made.id, "id": was})
            return "closed", was
        return ("open" if now_open else "none"), was

    def settle(
        self, it: Field, resolution: Resolution, holds: Standing, made: Decision, rule: Rule, keys: Keys
    ) -> None:
        """The field's state after a decision."""
        same = it.known == holds
        if not same or it.policy_hash != rule.hash:
            it.standing_image = keys.mac(image(rule.policy.normaliser, holds.value), b"image")
        if holds.winner is not None:
            it.standing_value = None if holds.value is None else holds.winner
        elif not same and holds.value is not None:
            self.add("value", dict(sealed_value(keys, it.record, made.id, spelt(holds.value))))
            it.standing_value = made.id
        elif holds.value is None:
            it.standing_value = None
        it.known, it.standing, it.policy_hash = holds, holds.winner, rule.hash
        it.heads, it.proposals = resolution.heads, resolution.open_proposals
        it.decision, it.decided_at, it.dirty = made.id, self.now, True

    # -- the same again -----------------------------------------------------------------------------------------

    def _again(self, incoming: Incoming, known: tuple[str, str]) -> Ingested:
        edit_id, decision_id = known
        if decision_id in self.results:
            return replace(self.results[decision_id], first=False)
        return remembered(self.connection, self.shared.vault, edit_id, decision_id)

    def _known(self, edit_id: str, incoming: Incoming, payload: str) -> Ingested:
        """The same edit under another key: remembered under this one too."""
        stored = sql.first(self.connection, "SELECT decision FROM edit WHERE id = ?", (edit_id,))
        made = next((one["decision"] for one in self.rows.get("edit", []) if one["id"] == edit_id), None)
        decision_id = made or cast("str", stored[0])
        self.answered[incoming.once][payload] = (edit_id, decision_id)
        row = {"once": incoming.once, "payload_hash": payload, "edit": edit_id, "decision": decision_id}
        self.add("inbox", {**row, "at": self.now})
        return self._again(incoming, (edit_id, decision_id))


def _inbox_row(new: Edit, made: Decision, payload: str, at: int) -> dict[str, Any]:
    return {"once": new.once, "payload_hash": payload, "edit": new.id, "decision": made.id, "at": at}


def remembered(connection: Connection, vault: Vault, edit_id: str, decision_id: str) -> Ingested:
    """What was answered the first time, from the rows."""
    row = sql.first(connection, f"SELECT {DECISION} FROM decision d WHERE d.id = ?", (decision_id,))  # noqa: S608
    bare = decision_of(row)
    known = vault.get_many(connection, [id_ for id_ in (bare.resolution.winner, bare.standing, decision_id) if id_])
    plain = {id_: None if isinstance(it, Erased) else it for id_, it in known.items()}
    made = decision_of(row, plain.get(bare.resolution.winner or decision_id))
    columns = edit_columns(sql.first(connection, f"SELECT {EDIT} FROM edit e WHERE e.id = ?", (edit_id,)))  # noqa: S608
    opened = sql.first(connection, "SELECT id FROM conflict WHERE id = ?", (decision_id,))
    closed = sql.first(connection, "SELECT id FROM conflict WHERE closed_by = ?", (decision_id,))
    step = "opened" if opened else "closed" if closed else "open" if made.resolution.conflict else "none"
    return Ingested(
        first=False,
        quarantined=columns["quarantined"],
        edit_id=edit_id,
        decision=made,
        standing=plain.get(made.standing or decision_id),
        standing_winner=made.standing,
        changed=False,
        conflict=cast("Any", step),
        conflict_id=(opened or closed or (None,))[0],
    )
