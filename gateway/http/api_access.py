"""Who may see what, for a program of an admin's: versions, their approval and way back, and the simulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cards.words import Reader
from gateway.access_changes import AccessChanges
from gateway.access_comparing import Comparison, compare
from gateway.access_looking import Looking, moment, zoned
from gateway.access_sets import access_of, files_of
from gateway.access_simulating import Answer, Kind, who_sees
from gateway.access_words import because, kind, right
from gateway.errors import Refused
from gateway.http import api_access_models as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_policies import admin_of
from gateway.http.api_problem import not_found
from gateway.services import Services
from gateway.store.access_versions import AccessVersion
from identity.explain import Decided
from identity.policy_diff import Changed, diff


class Accessed:
    def __init__(self, services: Services) -> None:
        self._s = services
        self._changes = AccessChanges(services.store, services.people, services.config.zone)
        self._looking = Looking.of(services)

    async def versions(self, ask: Ask) -> Done:
        admin_of(ask)
        found = await self._changes.versions.all()
        return Done(told.VersionsPage(versions=[told.VersionView(**_version(each)) for each in found]))

    async def version(self, ask: Ask) -> Done:
        admin_of(ask)
        return await self._whole(await self._there(ask))

    async def diff(self, ask: Ask) -> Done:
        admin_of(ask)
        query = ask.asked(told.DiffQuery)
        was, now = [await files_of(each, self._changes.versions, self._s.config) for each in (query.old, query.new)]
        return Done(told.DiffView(changes=_changes(diff(was, now))))

    async def check(self, ask: Ask) -> Done:
        admin_of(ask)
        files = await self._changes.laid_over(ask.sent(told.CheckBody).files)
        checked = self._changes.check(files, self._s.clock.now())
        faults = [told.FaultView(file=file, at=at, say=say) for file, at, say in checked.faults]
        ruling = await self._changes.versions.in_force()
        return Done(told.CheckedView(faults=faults, changes=_changes(diff(ruling.files if ruling else {}, files))))

    async def propose(self, ask: Ask) -> Done:
        body, by = ask.sent(told.ProposeBody), admin_of(ask).id
        files = await self._changes.laid_over(body.files)
        return await self._whole(await self._changes.propose(files, by, body.reason, self._s.clock.now()))

    async def apply(self, ask: Ask) -> Done:
        body, by = ask.sent(told.ApproveBody), admin_of(ask).id
        version = await self._there(ask)
        return await self._whole(
            await self._changes.apply(version.n, by, body.reason, self._s.clock.now(), over=body.over)
        )

    async def withdraw(self, ask: Ask) -> Done:
        by, version = admin_of(ask).id, await self._there(ask)
        return await self._whole(await self._changes.versions.withdraw(version.n, by, self._s.clock.now()))

    async def rollback(self, ask: Ask) -> Done:
        body, by = ask.sent(told.RollbackBody), admin_of(ask).id
        return await self._whole(await self._changes.back(body.to, by, body.reason, self._s.clock.now()))

    async def simulate(self, ask: Ask) -> Done:
        admin_of(ask)
        body = ask.sent(told.SimulateBody)
        zone = body.zone or self._s.config.zone
        at = moment(body.at, zone, self._s.clock.now())
        access = access_of(await files_of(body.policies, self._changes.versions, self._s.config))
        room, field = await self._looking.named(body.room), self._looking.field(body.field)
        found = await who_sees(self._looking, access, room, field, at, zone, body.customer, names=body.names)
        return Done(_answer(Reader(ask.locale, zone, at), found))

    async def compare(self, ask: Ask) -> Done:
        admin_of(ask)
        body = ask.sent(told.CompareBody)
        zone = body.zone or self._s.config.zone
        sets = [await files_of(each, self._changes.versions, self._s.config) for each in (body.old, body.new)]
        was, now = map(access_of, sets)
        found = await compare(self._looking, was, now, moment(body.at, zone, self._s.clock.now()), zone)
        return Done(_compared(Reader(ask.locale, zone, found.at), found))

    async def _there(self, ask: Ask) -> AccessVersion:
        said = ask.path["n"]
        try:
            return await self._changes.there(int(said) if said.isascii() and said.isdigit() else 0)
        except Refused:
            raise not_found("There is no such version of the access policies.") from None

    async def _whole(self, it: AccessVersion) -> Done:
        base = await self._changes.versions.get(it.base)
        changes = _changes(diff(base.files if base is not None else {}, it.files))
        return Done(told.WholeVersion(**_version(it), files=dict(it.files), changes=changes))


def _version(it: AccessVersion) -> dict[str, Any]:
    return {name: getattr(it, name) for name in told.VersionView.model_fields}


def _changes(found: Iterable[Changed]) -> list[told.ChangedPolicy]:
    return [
        told.ChangedPolicy(
            kind=each.kind, id=each.id, file=each.file, line=each.line, lines=[sign + text for sign, text in each.lines]
        )
        for each in found
    ]


def _decided(reader: Reader, it: Decided) -> told.DecidedView:
    lines = [
        told.PolicyLine(
            id=one.id, file=one.file, line=one.line, effect=_effect(one.effect), note=one.note, text=one.text
        )
        for one in it.lines
    ]
    return told.DecidedView(allowed=it.allowed, say=because(reader, it), policies=lines)


def _effect(said: str) -> Any:
    return said if said in ("permit", "forbid") else ""


def _kind(reader: Reader, it: Answer, one: Kind) -> told.KindView:
    who = one.who
    return told.KindView(
        kind=kind(reader, who, owner=one.owner, complete=it.complete),
        roles=list(who.roles),
        team=who.team,
        region=who.region,
        external=who.external,
        mapped=who.mapped,
        owner=one.owner,
        people=one.people,
        here=_decided(reader, one.why),
        alone=_decided(reader, one.why_alone),
        names=list(one.names),
    )


def _answer(reader: Reader, it: Answer) -> told.SimulatedView:
    seeing, not_seeing = it.seeing
    return told.SimulatedView(
        room=it.room,
        customer=it.customer,
        field=it.field,
        sensitivity=it.sensitivity,
        scene=it.scene,
        at=it.at,
        when=zoned(it.at, it.zone),
        complete=it.complete,
        shown=it.shown,
        seeing=seeing,
        not_seeing=not_seeing,
        kinds=[_kind(reader, it, each) for each in it.kinds],
    )


def _compared(reader: Reader, it: Comparison) -> told.ComparedView:
    rights = [
        told.RightView(
            say=right(reader, each),
            relations=list(each.relations),
            **{
                name: list(value) if isinstance(value := getattr(each, name), tuple) else value
                for name in told.RightView.model_fields
                if name not in ("say", "relations")
            },
        )
        for each in it.rights
    ]
    return told.ComparedView(
        at=it.at,
        when=zoned(it.at, it.zone),
        people=it.people,
        rooms=it.rooms,
        cards=it.cards,
        left_out=it.left_out,
        rights=rights,
        changed_rooms=it.changed_rooms,
        changed_cards=it.changed_cards,
        more=dict(it.more),
        less=dict(it.less),
        cards_changed=[
            told.CardView(
                room=one.room, customer=one.customer, more=list(one.more), less=list(one.less), whole=one.whole
            )
            for one in it.examples
        ],
    )
