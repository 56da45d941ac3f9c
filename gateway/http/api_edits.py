"""An edit by a plugin. Where it comes from is fixed by the token; who made it, within the token's actors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from cards.words import N_, say
from gateway.config.model import FieldSpec
from gateway.handlers import conflicts
from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done, permitted
from gateway.http.api_bodies import EditBody
from gateway.http.api_problem import Problem, forbidden, not_found, unprocessable
from gateway.http.auth import Caller
from gateway.metrics import TOKENS
from gateway.services import Services
from gateway.sources import numbered
from gateway.spine import Spine
from gateway.store.ledger import Challenger, Incoming, Ingested
from gateway.turn import new_trail
from identity.model import Person
from reconcile import token
from reconcile.canonical import as_decimal, decimal_text, equal, valid
from reconcile.model import Actor, Json, Source
from reconcile.token import Seen

CLAIMS = ("source", "system", "surface", "stream", "watermark", "device")
NUMBERS = ("stream", "watermark")
"""Of those what a source under `[sources]` says itself."""
"""What a request may not say of itself: the token, a CRM's own feed or a device's certificate says it."""


WRONG = (
    N_("This field takes text."),
    N_("This is too long: at most 3000 characters."),
    N_("This contains characters that cannot be stored."),
    N_("This is not a phone number."),
    N_("This is not an e-mail address."),
    N_("This is not a number."),
    N_("This is not a date; write it as 2026-12-31."),
    N_("This is not one of the choices."),
)
"""What `reconcile.canonical.valid` says, which knows nothing of languages."""


def claimed(raw: object, *, linear: bool) -> None:
    """Raises `Problem` 403 when a body claims where it comes from. `linear`: its source numbers its edits."""
    for name in CLAIMS:
        if isinstance(raw, Mapping) and name in raw and not (linear and name in NUMBERS):
            text = f"Where an edit comes from is fixed by the token; {name!r} cannot be claimed. Leave it out."
            raise forbidden("claimed_source", text, name)


class Edits:
    def __init__(self, services: Services, spine: Spine) -> None:
        self._s = services
        self._spine = spine

    async def edit(self, ask: Ask) -> Done:
        body, system = ask.sent(EditBody), self._system(ask.caller)
        self._numbers(system, body)
        person = self._actor(ask.caller, body.actor)
        spec = self._s.config.fields.get(body.field)
        await permitted(self._s, "edit", body.record, body.field, ask.caller.speaking_for(person))
        if spec is None or not spec.editable:
            raise forbidden("not_editable", "This field is not edited here; it is the CRM's own.", "field")
        value = _value(spec, body.value, ask.locale)
        source = Source(system, ask.caller.token.surface or system, body.version, body.instance)
        ingested = await self._ingest(body, person, source, value)
        if ingested is None:
            return Done(_held(body, self._seen(body, self._s.clock.now())))
        if ingested.quarantined and body.watermark is not None and ingested.first:
            text = "This number is another edit's: the edit is kept aside and binds nobody. If the source began again, "
            raise Problem(409, "number_reused", text + "an operator gives it a new epoch.", at="watermark")
        if ingested.quarantined:
            text = "This `once` was used for another edit before. This one is kept aside and binds nobody."
            raise Problem(409, "once_reused", text, at="once")
        self._s.tally.read(ask.caller.application, (body.field,), "written")
        again = {} if ingested.first else {"Idempotent-Replay": "true"}
        return Done(await self._answer(body, ingested), again)

    def _numbers(self, system: str, body: EditBody) -> None:
        """Raises `Problem` for a number that is missing and a stream that is not there."""
        spec = self._s.config.sources.get(system)
        if spec is None:
            return
        if body.watermark is None:
            raise unprocessable("no_number", "This source numbers its edits: say which one it is.", "watermark")
        if (body.stream or spec.streams[0]) not in spec.streams:
            raise unprocessable("no_stream", "There is no stream of that name under [sources].", "stream")

    def _system(self, caller: Caller) -> str:
        system = caller.token.system
        if not system or system in self._s.crms or system in self._s.channels:
            text = "This token names no system of its own for its edits. Make one with `floatcard token --system`."
            raise forbidden("no_system", text)
        return system

    def _actor(self, caller: Caller, named: str) -> Person:
        allowed = {*caller.token.actors, caller.token.person} - {""}
        wanted = named or caller.token.person
        if not wanted:
            raise unprocessable("no_actor", "This token is nobody's own: say in `actor` which person made it.", "actor")
        person = self._s.people.person(wanted) if wanted in allowed else None
        if person is None or not person.active:
            raise forbidden("not_your_actor", "This token may not speak for that person.", "actor")
        return person

    async def _ingest(self, body: EditBody, person: Person, source: Source, value: Json) -> Ingested | None:
        """None while it waits for the numbers before it."""
        now, trail = self._s.clock.now(), new_trail("")
        seen = self._seen(body, now)
        TOKENS.labels(seen.status if seen is not None else "missing").inc()
        incoming = Incoming(
            record=body.record,
            field=body.field,
            kind="set" if value is not None else "clear",
            value=value,
            source=source,
            actor=Actor("person", person.id),
            once=f"api:{source.system}:{body.once}",
            seen=seen,
            source_time=body.source_time,
            online=body.source_time is None and body.watermark is None,
            trace=trail.turn,
            roles=person.roles,
        )
        ingested = await self._handed(incoming, body)
        if ingested is None:
            return None
        await conflicts.opened(self._s, ingested)
        trail.note(
            "edited",
            now,
            record=body.record,
            field=body.field,
            reason=ingested.reason,
            decision=ingested.decision.id,
            token=seen.status if seen is not None else "missing",
            source=source.watermark,
            conflict=ingested.conflict,
            first=ingested.first,
        )
        await self._s.trail.write(trail)
        await self._spine.refresh(body.record)
        for nudge in self._spine.edited:
            nudge()
        return ingested

    async def _handed(self, incoming: Incoming, body: EditBody) -> Ingested | None:
        if body.watermark is None:
            return await self._s.ledger.ingest(incoming)
        stream = body.stream or self._s.config.sources[incoming.source.system].streams[0]
        return (await numbered(self._s, self._spine, incoming, stream, body.watermark)).ingested

    def _seen(self, body: EditBody, now: int) -> Seen | None:
        """None where no token came with it at all: then the actor's own last edit from there counts as seen."""
        if body.parents is None:
            return None
        return token.read(
            body.parents,
            self._s.keys.forms,
            deployment=self._s.config.deployment,
            record=body.record,
            field=body.field,
            now=now,
        )

    async def _answer(self, body: EditBody, ingested: Ingested) -> told.EditAnswer:
        open_ = ingested.conflict in ("opened", "open")
        return told.EditAnswer(
            edit=ingested.edit_id,
            decision=ingested.decision.id,
            reason=ingested.reason,
            outcome=self._outcome(body, ingested),
            conflict=ingested.conflict_id or await self._conflict(ingested) if open_ else None,
            parents=_status(self._seen(body, self._s.clock.now())),
            standing=await self._standing(ingested),
        )

    def _outcome(self, body: EditBody, ingested: Ingested) -> Literal["stands", "undecided", "proposed", "kept"]:
        said = ingested.decision.resolution
        if said.conflict:
            return "undecided"
        if ingested.standing_winner == ingested.edit_id:
            return "stands"
        # Another's edit of the same meaning is the same value.
        policy = self._s.ledger.policies.of(body.record.split(":")[1], body.field)
        value = body.value if body.value != "" else None
        if equal(policy.normaliser, ingested.standing, value):
            return "stands"
        return "proposed" if conflicts.proposed(ingested) else "kept"

    async def _conflict(self, ingested: Ingested) -> str | None:
        """Of a redelivery: the conflict that was open when the edit was decided."""
        made = ingested.decision
        for case in await self._s.ledger.conflicts(open_only=False, limit=100_000):
            closed = case.closed_at if case.closed_at is not None else made.at
            if (case.record, case.field) == (made.record, made.field) and case.opened_at <= made.at <= closed:
                return case.id
        return None

    async def _standing(self, ingested: Ingested) -> told.Standing:
        """As of this edit's decision, so that it is the same whenever it is asked."""
        made = ingested.decision
        found = await self._s.ledger.decision(made.id)
        if found is None:
            raise not_found("The decision is not there any more.")
        stands = found.edits.get(made.standing or "", _NOBODY)
        return told.Standing(
            value=ingested.standing,
            source=stands.system,
            watermark=stands.source,
            as_of=stands.at or made.at,
            decision=made.id,
            undecided=made.resolution.conflict,
            edit=made.standing,
        )


def _held(body: EditBody, seen: Seen | None) -> told.EditAnswer:
    return told.EditAnswer(
        edit=None, decision=None, reason="", outcome="held", conflict=None, parents=_status(seen), standing=None
    )


_NOBODY = Challenger("", "set", None, "", "", "system", "", 0)


def _status(seen: Seen | None) -> Literal["ok", "missing", "bad", "foreign"]:
    """An expired token is still evidence; and it must not turn a redelivery's answer into another."""
    if seen is None:
        return "missing"
    return "ok" if seen.status == "expired" else seen.status


def _value(spec: FieldSpec, value: Any, locale: str) -> Json:
    """As the chat's form takes it: trimmed, checked by type and choice; empty clears. Raises `Problem` 422."""
    if isinstance(value, int | float) and spec.type == "decimal":
        number = as_decimal(value)
        value = decimal_text(number) if number is not None else str(value)
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "":
        return None
    wrong = valid(spec.type, text, tuple(spec.options))
    if wrong is not None:
        raise unprocessable("bad_value", say(locale, wrong), "value")
    return str(text)
