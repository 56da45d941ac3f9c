"""Stages of cards, and applications: an admin's token reads the evidence, decides, and ends tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from cards.words import say
from gateway.applications import One, by_day, every
from gateway.evidence import evidence
from gateway.http import api_governed_models as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_parked import admin
from gateway.http.api_problem import not_found
from gateway.services import Services
from gateway.stages import STAGES
from gateway.store.auditing import AuditStore
from gateway.store.stages import DAY_MS
from gateway.store.tokens import Known, TokenStore


class Governed:
    def __init__(self, services: Services, tokens: TokenStore) -> None:
        self._s = services
        self._tokens = tokens
        self._audit = AuditStore(services.store, services.clock)

    async def stages(self, ask: Ask) -> Done:
        admin(ask)
        s = self._s
        await s.tally.flush()
        up, kinds = await s.stages.store.up(), await s.stages.all()
        return Done(
            told.StagesPage(stages=[await self._stage(kind, *up.get(kind, (0, 0)), ask.locale) for kind in kinds])
        )

    async def _stage(self, kind: str, rooms: int, cards: int, locale: str) -> told.StageView:
        it = await evidence(self._s.stages, kind, self._s.clock.now())
        return told.StageView(
            kind=kind,
            stage=_stage(it.run.stage),
            run=it.run.run,
            since=it.run.at,
            by=it.run.by,
            rooms=rooms,
            cards=cards,
            counts=dict(it.counts),
            before=_stage(it.before.stage) if it.before is not None else None,
            counts_before=dict(it.counts_before),
            propose=it.propose,
            to=it.to,
            why=say(locale, it.say, **it.facts),
        )

    async def set_stage(self, ask: Ask) -> Done:
        admin(ask)
        body = ask.sent(told.StageBody)
        await self._s.stages.decide(body.kind, body.stage, body.run, _by(ask))
        return await self.stages(ask)

    async def undo_stage(self, ask: Ask) -> Done:
        admin(ask)
        body = ask.sent(told.StageUndoBody)
        await self._s.stages.undo(body.kind, body.run, _by(ask))
        return await self.stages(ask)

    async def applications(self, ask: Ask) -> Done:
        admin(ask)
        s, since = self._s, self._s.clock.now() // DAY_MS - ask.asked(told.ApplicationsQuery).days + 1
        await s.tally.flush()
        found = await every(s.config, s.classes, s.stages.store, self._tokens, since)
        return Done(told.ApplicationsPage(applications=[_application(each) for each in found]))

    async def end_token(self, ask: Ask) -> Done:
        admin(ask)
        id_ = ask.sent(told.EndTokenBody).id
        name = await self._tokens.end_one(id_)
        if name is None:
            raise not_found("There is no token of that id that has not ended.")
        await self._audit.note(_by(ask), "token_ended", name, id=id_)
        return Done(None)


def _by(ask: Ask) -> str:
    return f"token:{ask.caller.token.name}"


def _stage(name: str) -> told.StageName:
    return next(each for each in STAGES if each == name)


def _application(one: One) -> told.ApplicationView:
    return told.ApplicationView(
        name=one.name,
        channel=one.channel,
        may_read=sorted(one.reads),
        may_write=sorted(one.writes),
        tokens=[_token(each) for each in one.tokens],
        readings=[
            told.ReadingView(day=_day(day), field=field, read=read, written=written, denied=denied)
            for day, field, read, written, denied in by_day(one.fields)
        ],
    )


def _day(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()


def _token(each: Known) -> told.TokenView:
    token = each.token
    return told.TokenView(
        id=each.id,
        scopes=sorted(token.scopes),
        person=token.person,
        reads=sorted(token.reads) if token.reads is not None else None,
        writes=sorted(token.writes) if token.writes is not None else None,
        made_at=each.at,
        used_at=each.used_at,
        expires_at=token.expires_at,
        ended_at=each.ended_at,
    )
