"""`/console/policies`: what rules each field, and the laboratory: a policy tried, applied, taken back, explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from gateway.config.model import PolicySpec
from gateway.console import policies
from gateway.console.page import render
from gateway.errors import Refused
from gateway.http.console_mentions import Around
from gateway.http.console_session import Form, Session
from gateway.lab.proposing import proposed
from gateway.services import Services
from gateway.store.policy_changes import PolicyChanges

_HERE = "/console/policies"
_NOTHING: Mapping[str, Any] = {"fields": (), "mode": "review", "fallback": "review", "systems": "", "days": "30"}


class PoliciesPage:
    def __init__(self, services: Services, around: Around) -> None:
        self._s = services
        self._around = around
        self._changes = PolicyChanges(services.store)

    def routes(self) -> list[web.RouteDef]:
        around = self._around
        return [
            web.get(_HERE, around.paged(self.look)),
            web.get(f"{_HERE}/why/{{code}}", around.paged(self.why)),
            web.get(f"{_HERE}/{{change}}", around.paged(self.one)),
            web.post(f"{_HERE}/try", around.paged(around.acting(self.try_))),
            web.post(f"{_HERE}/apply", around.paged(around.acting(self.apply))),
            web.post(f"{_HERE}/undo", around.paged(around.acting(self.undo))),
        ]

    async def look(self, request: web.Request) -> web.Response:
        session = await self._around.session(request)
        return _see("/console") if session is None else await self._listed(request, session)

    async def _listed(
        self, request: web.Request, session: Session, asked: Mapping[str, Any] = _NOTHING, wrong: str = ""
    ) -> web.Response:
        frame = self._around.framed(request, session, "policies")
        rows = [policies.row(self._s, frame.reader, each, session.person) for each in await self._changes.all()]
        modes = {name: frame.reader.say(msgid) for name, msgid in policies.MODES.items()}
        ruling = await policies.ruling(self._s, frame.reader)
        body = render("policies", frame, rows=rows, ruling=ruling, modes=modes, asked=asked, wrong=wrong)
        return _html(body, 422 if wrong else 200)

    async def one(self, request: web.Request) -> web.Response:
        session = await self._around.session(request)
        return _see("/console") if session is None else await self._one(request, session, request.match_info["change"])

    async def _one(self, request: web.Request, session: Session, id_: str, wrong: str = "") -> web.Response:
        frame = self._around.framed(request, session, "policies")
        change = await self._changes.get(id_[:32])
        if change is None:
            return _see(_HERE)
        it = policies.row(self._s, frame.reader, change, session.person)
        report = await policies.report(self._s, frame.reader, session.person, change)
        document = policies.document(change)
        body = render("policy", frame, it=it, report=report, document=document, shown=policies.SHOWN, wrong=wrong)
        return _html(body, 409 if wrong else 200)

    async def why(self, request: web.Request) -> web.Response:
        """A decision that an example is about."""
        session = await self._around.session(request)
        if session is None:
            return _see("/console")
        frame = self._around.framed(request, session, "policies")
        code, back = request.match_info["code"][:64], request.query.get("of", "")[:32]
        it = await policies.explained(self._s, frame.reader, session.person, code, back)
        return _html(render("policy_why", frame, it=it, code=code), 200 if it is not None else 404)

    async def try_(self, request: web.Request, session: Session, form: Form) -> web.Response:
        reader = self._around.framed(request, session).reader
        asked = {name: form.get(name)[:500] for name in ("mode", "fallback", "systems", "days")}
        names = form.all("field")[:100]
        try:
            change = proposed(
                self._s.config.fields,
                self._s.ledger.policies,
                names,
                _spec(asked),
                by=session.person.id,
                now=self._s.clock.now(),
                days=_days(asked["days"]),
            )
        except Refused as refused:
            wrong = reader.say(refused.say, **refused.facts)
            return await self._listed(request, session, {**asked, "fields": names}, wrong)
        await self._changes.propose(change)
        return _see(f"{_HERE}/{change.id}")

    async def apply(self, request: web.Request, session: Session, form: Form) -> web.Response:
        id_, reason, keep = form.get("change")[:32], form.get("reason")[:1000], bool(form.get("keep"))
        now, by = self._s.clock.now(), session.person.id
        return await self._acted(request, session, id_, self._changes.approve(id_, by, reason, keep, now))

    async def undo(self, request: web.Request, session: Session, form: Form) -> web.Response:
        id_, reason = form.get("change")[:32], form.get("reason")[:1000]
        work = self._changes.end(id_, session.person.id, reason, self._s.clock.now())
        return await self._acted(request, session, id_, work)

    async def _acted(self, request: web.Request, session: Session, id_: str, work: Any) -> web.Response:
        try:
            await work
        except Refused as refused:
            reader = self._around.framed(request, session).reader
            return await self._one(request, session, id_, reader.say(refused.say, **refused.facts))
        return _see(f"{_HERE}/{id_}")


def _spec(asked: Mapping[str, str]) -> PolicySpec:
    """Raises `Refused`. What is listed are systems, or for stages the stages."""
    chosen, listed = asked["mode"], tuple(each.strip() for each in asked["systems"].split(",") if each.strip())
    merges = chosen in ("set_union", "counter", "monotone")
    said: dict[str, Any] = {"mode": "merge" if merges else chosen, "fallback": asked["fallback"]}
    if merges:
        said |= {"merge": chosen, "order": listed if chosen == "monotone" else ()}
    elif chosen == "authoritative":
        said["authority"] = listed
    elif chosen == "master_wins" and listed:
        said["master"] = listed[0]
    elif chosen == "last_writer_wins":
        said["rank"] = listed
    try:
        return PolicySpec.model_validate(said)
    except ValidationError:
        raise Refused("Choose one of the listed values.") from None


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdigit()):
        raise Refused("Write the days as a number, or leave them out.")
    return int(text.strip()[:6])


def _html(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def _see(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where})
