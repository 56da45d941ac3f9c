"""How a value came to be: a field's history, a decision by its trace code, the steps of a turn."""

from __future__ import annotations

import json

from gateway.errors import Refused
from gateway.handlers.retold import retold
from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done, name_of, permitted
from gateway.http.api_bodies import HistoryQuery, TrailQuery
from gateway.http.api_problem import not_found
from gateway.services import Services
from gateway.store.ledger import Challenger, DecisionView, HistoryRow
from gateway.store.policy_changes import PolicyChanges, Why
from gateway.store.trail import StoredStep
from reconcile.model import Json


class Past:
    def __init__(self, services: Services) -> None:
        self._s = services
        self._changes = PolicyChanges(services.store)

    async def history(self, ask: Ask) -> Done:
        asked, ref, name = ask.asked(HistoryQuery), ask.path["ref"], ask.path["field"]
        await permitted(self._s, "view", ref, name, ask.caller.audience)
        self._s.tally.read(ask.caller.application, (name,))
        rows = await self._s.ledger.history(ref, name, asked.limit, asked.before)
        more = rows[-1].n if len(rows) == asked.limit and rows[-1].n > 1 else None
        return Done(told.HistoryPage(record=ref, field=name, edits=[self._row(row) for row in rows], before=more))

    def _row(self, row: HistoryRow) -> told.HistoryRow:
        return told.HistoryRow(
            **self._edit(row.edit).model_dump(),
            n=row.n,
            decision=row.decision,
            decided_at=row.at,
            reason=row.reason,
            winner=row.winner,
            conflict=row.conflict,
            policy=row.policy,
            turn=row.trace,
            quarantined=row.quarantined,
            skewed=row.skewed,
            parents=sorted(row.parents),
        )

    def _edit(self, edit: Challenger) -> told.PastEdit:
        return told.PastEdit(
            edit=edit.edit,
            kind=edit.kind,
            value=edit.value,
            source=edit.system,
            watermark=edit.source,
            as_of=edit.at,
            person=edit.actor,
            actor=name_of(self._s, edit.actor),
            why=edit.why,
            erased_at=edit.erased_at,
        )

    async def decision(self, ask: Ask) -> Done:
        found = await self._s.ledger.decision(ask.path["trace"])
        if found is None:
            raise not_found("There is no decision of that trace code.")
        made = found.decision
        each = await permitted(self._s, "view", made.record, made.field, ask.caller.audience)
        self._s.tally.read(ask.caller.application, ("name", made.field))
        return Done(await self._decision(found, each.record.title))

    async def _decision(self, found: DecisionView, customer: str) -> told.DecisionAnswer:
        made, said = found.decision, found.decision.resolution
        document: Json = json.loads(found.policy) if found.policy else None
        return told.DecisionAnswer(
            decision=made.id,
            record=made.record,
            customer=customer,
            field=made.field,
            at=made.at,
            trigger=made.trigger,
            trigger_edit=made.trigger_edit,
            reason=said.reason,
            value=said.value,
            winner=said.winner,
            heads=list(said.heads),
            open_proposals=list(said.open_proposals),
            conflict=said.conflict,
            losers=dict(said.why),
            standing=made.standing,
            replaced=await self._replaced(found),
            edits={id_: self._edit(edit) for id_, edit in found.edits.items()},
            policy=told.UsedPolicy(name=made.policy, hash=made.policy_hash, document=document),
            change=_changed(await self._changes.why(made.id, made.policy)),
            engine=made.engine,
            chain=told.Chain(
                shard=made.shard,
                seq=made.seq,
                prev_hash=made.prev_hash,
                hash=made.hash,
                inputs_digest=made.inputs_digest,
                value_mac=made.value_mac,
            ),
            erased_at=found.erased_at,
        )

    async def _replaced(self, found: DecisionView) -> told.Replaced | None:
        made = found.decision
        if made.trigger_edit is None:
            return None
        try:
            before = await self._s.ledger.before(made.record, made.field, made.trigger_edit)
        except Refused:
            return told.Replaced(edit=None, value=None, erased=True)
        return told.Replaced(edit=before.edit, value=before.value, erased=False) if before is not None else None

    async def trail(self, ask: Ask) -> Done:
        asked = ask.asked(TrailQuery)
        turn = asked.turn or (await self._s.trail.last_turn(asked.room) if await self._reads(asked.room, ask) else "")
        steps = [each for each in await self._turn(turn or "") if await self._reads(each.step.room, ask)]
        steps = await retold(self._s, steps, ask.caller.audience)
        if not steps:
            raise not_found("Give the id of a turn, or the key of a room, whose steps are not forgotten yet.")
        return Done(told.TrailAnswer(turn=turn or "", steps=[_step(each) for each in steps]))

    async def _turn(self, turn: str) -> list[StoredStep]:
        return await self._s.trail.turn(turn) if turn else []

    async def _reads(self, room: str, ask: Ask) -> bool:
        """Whether the token's person is in the room; what happened in none is judged by its customers alone."""
        person = ask.caller.person
        if not room or (person is not None and "admin" in person.roles):
            return True
        accounts = [each.key for each in self._s.people.links(person.id) if each.kind == "im"] if person else []
        return await self._s.rooms.store.lists(room, accounts)


def _step(stored: StoredStep) -> told.TrailStep:
    step = stored.step
    return told.TrailStep(id=stored.id, step=step.step, at=step.at, room=step.room, facts=step.facts)


def _changed(why: Why | None) -> told.PolicyWhy | None:
    if why is None:
        return None
    it = why.change
    reason = it.ended_why if why.undoes else it.reason
    return told.PolicyWhy(
        change=it.id,
        undoes=why.undoes,
        proposed_by=it.proposed_by,
        approved_by=it.ended_by if why.undoes else it.approved_by,
        reason=reason,
        before=why.before,
    )
