"""The policy laboratory: an admin's token tries a policy, another's applies it, and it can be taken back."""

from __future__ import annotations

from typing import Any, cast

from gateway.config.model import PolicySpec
from gateway.handlers.hearing import heard
from gateway.http import api_policies_models as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_problem import forbidden, not_found
from gateway.lab.proposing import proposed
from gateway.lab.study import KINDS
from gateway.services import Services
from gateway.store.policy_changes import PolicyChange, PolicyChanges
from identity.model import Audience, Person
from reconcile.model import MergePolicy


class Policed:
    def __init__(self, services: Services) -> None:
        self._s = services
        self._changes = PolicyChanges(services.store)

    async def plan(self, ask: Ask) -> Done:
        body, now = ask.sent(told.PlanBody), self._s.clock.now()
        change = proposed(
            self._s.config.fields,
            self._s.ledger.policies,
            body.fields,
            spec_of(body.policy),
            by=admin_of(ask).id,
            now=now,
            days=body.days,
            records=body.customers,
        )
        await self._changes.propose(change)
        return await self._told(change.id, ask.caller.audience)

    async def changes(self, ask: Ask) -> Done:
        admin_of(ask)
        return Done(told.ChangesPage(changes=[_view(each, None) for each in await self._changes.all()]))

    async def change(self, ask: Ask) -> Done:
        admin_of(ask)
        return await self._told(ask.path["change"], ask.caller.audience)

    async def apply(self, ask: Ask) -> Done:
        body, id_, by = ask.sent(told.ApplyBody), ask.path["change"], admin_of(ask).id
        await self._there(id_)
        await self._changes.approve(id_, by, body.reason, body.keep_settled, self._s.clock.now())
        return await self._told(id_, ask.caller.audience)

    async def undo(self, ask: Ask) -> Done:
        id_, by = ask.path["change"], admin_of(ask).id
        await self._there(id_)
        await self._changes.end(id_, by, ask.sent(told.UndoBody).reason, self._s.clock.now())
        return await self._told(id_, ask.caller.audience)

    async def _there(self, id_: str) -> PolicyChange:
        found = await self._changes.get(id_)
        if found is None:
            raise not_found("There is no such change of policy.")
        return found

    async def _told(self, id_: str, audience: Audience) -> Done:
        change = await self._there(id_)
        return Done(_view(change, await self._report(change, audience)))

    async def _report(self, change: PolicyChange, audience: Audience) -> told.ReportView | None:
        if change.report is None:
            return None
        report = cast("dict[str, Any]", change.report)
        examples = [await self._example(each, audience) for kind in KINDS for each in report["examples"][kind]]
        return told.ReportView(
            **{name: report[name] for name in ("customers", "fields", "edits", "judged", "decided", "counts")},
            examples=[each for each in examples if each is not None],
        )

    async def _example(self, each: dict[str, Any], audience: Audience) -> told.ExampleView | None:
        """None of a customer or a field that the asker may not see."""
        seen = await heard(self._s, each["record"], audience)
        if seen is None or each["field"] not in seen.record.fields:
            return None
        return told.ExampleView(
            kind=each["kind"],
            customer=each["record"],
            name=seen.record.title,
            field=each["field"],
            at=each["at"],
            edit=each["edit"],
            instead=each["instead"],
            decision=each["decision"],
            explained=f"/api/v1/decisions/{each['decision']}",
        )


def spec_of(body: told.PolicyBody) -> PolicySpec:
    return PolicySpec.model_validate({name: tuple(it) if isinstance(it, list) else it for name, it in body})


def _view(change: PolicyChange, report: told.ReportView | None) -> told.ChangeView:
    some = next(iter(change.policies.values()))
    plain = ("id", "state", "proposed_by", "proposed_at", "approved_by", "approved_at", "reason", "keep_settled")
    more = ("ended_by", "ended_at", "ended_why", "done", "total")
    return told.ChangeView(
        **{name: getattr(change, name) for name in (*plain, *more)},
        fields=list(change.fields),
        policy=_policy(some),
        since=change.since or None,
        customers=list(change.records),
        report=report,
    )


def _policy(policy: MergePolicy) -> told.PolicyBody:
    return told.PolicyBody(
        mode=policy.mode,
        fallback=policy.fallback,
        authority=list(policy.authority),
        master=policy.master,
        rank=list(policy.rank),
        propose_only=list(policy.propose_only),
        min_role=policy.min_role,
        merge=policy.merge,
        order=list(policy.order),
    )


def admin_of(ask: Ask) -> Person:
    """Raises `Problem` 403: the scope alone is not enough, the token's person must be one."""
    person = ask.caller.person
    if person is None or "admin" not in person.roles:
        raise forbidden("not_admin", "The person this token reads as must have the role `admin`.")
    return person
