"""Identities: who belongs to which account, who belongs to none, and an admin's word on it."""

from __future__ import annotations

import re
from typing import Literal

from channels.model import ImId, Sender
from gateway.errors import Refused
from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_bodies import IdentitiesQuery, LinkBody, UnmappedQuery
from gateway.http.api_problem import Problem, not_found, unprocessable
from gateway.http.linking import Linking
from gateway.services import Services
from gateway.store.people import Unmapped
from identity.model import Link, Person
from identity.suggest import suggest

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class Identified:
    def __init__(self, services: Services, linking: Linking) -> None:
        self._s = services
        self._linking = linking

    async def persons(self, ask: Ask) -> Done:
        asked = ask.asked(IdentitiesQuery)
        rest = [person for person in self._s.people.persons() if person.id > asked.after]
        page = rest[: asked.limit]
        after = page[-1].id if len(rest) > len(page) else None
        return Done(told.IdentitiesPage(persons=[self._person(each) for each in page], after=after))

    def _person(self, person: Person) -> told.PersonView:
        return told.PersonView(
            id=person.id,
            name=person.name,
            roles=sorted(person.roles),
            team=person.team,
            region=person.region,
            external=person.external,
            active=person.active,
            locale=person.locale,
            emails=list(person.emails),
            links=[link_view(each) for each in self._s.people.links(person.id)],
        )

    async def unmapped(self, ask: Ask) -> Done:
        asked = ask.asked(UnmappedQuery)
        found = [each for each in await self._s.people.unmapped() if not asked.room or asked.room in each.rooms]
        titles = {room.key: room.title for room in await self._s.rooms.store.rooms()}
        views = [self._account(each, titles) for each in found[: asked.limit]]
        return Done(told.UnmappedPage(accounts=views, total=len(found)))

    def _account(self, each: Unmapped, titles: dict[str, str]) -> told.UnmappedView:
        who = sender_of(each)
        address = self._s.identities.address(who, self._s.config.audience.domain_aliases)
        likely = suggest(who, self._s.people.persons(), address=address)
        return told.UnmappedView(
            key=each.im,
            name=each.name,
            kind=each.kind,
            rooms=[told.RoomView(key=key, title=titles.get(key, "")) for key in each.rooms],
            seen_at=each.seen_at,
            suggestions=[
                told.SuggestionView(
                    person=one.person.id, name=one.person.name, score=one.score, evidence=list(one.evidence)
                )
                for one in likely
            ],
        )

    async def link(self, ask: Ask) -> Done:
        body = ask.sent(LinkBody)
        wrong = self._wrong_key(body.kind, body.key)
        if wrong:
            raise unprocessable("bad_key", wrong, "key")
        if self._s.people.person(body.person) is None:
            raise not_found("There is no such person.")
        evidence = body.evidence or "said through the API"
        try:
            made = await self._linking.link(
                body.person, body.kind, body.key, by=by_of(ask), evidence=evidence, second=body.second
            )
        except Refused as refused:
            raise Problem(409, "refused", refused.say, at="key") from None
        return Done(link_view(made))

    def _wrong_key(self, kind: Literal["im", "crm", "device", "oidc"], key: str) -> str:
        if any(not sign.isprintable() for sign in key):
            return "A key has no control characters."
        if kind == "im":
            return "" if _channel(key) in self._s.channels else "Write channel/scope/kind/id, of a configured channel."
        if kind == "crm":
            crm, _, user = key.partition(":")
            return "" if crm in self._s.crms and user else "Write crm:user, of a configured CRM."
        if kind == "oidc":
            oidc = self._s.config.console.oidc
            known = oidc is not None and key.startswith(f"{oidc.issuer}#") and key != f"{oidc.issuer}#"
            return "" if known else "Write issuer#sub, of the configured provider of identities."
        return (
            ""
            if _FINGERPRINT.fullmatch(key) or key.startswith("subject:")
            else "Write the SHA-256 of the public key as 64 hex digits, or `subject:` and the name."
        )

    async def unlink(self, ask: Ask) -> Done:
        if not await self._linking.unlink(ask.path["id"], by=by_of(ask)):
            raise not_found("There is no such link, or it has ended already.")
        return Done(None)


def by_of(ask: Ask) -> str:
    return f"token:{ask.caller.token.name}"


def _channel(key: str) -> str:
    try:
        return ImId.parse(key).channel
    except ValueError:
        return ""


def sender_of(account: Unmapped) -> Sender:
    return Sender(ImId.parse(account.im), account.name, account.kind)  # type: ignore[arg-type]


def link_view(link: Link) -> told.LinkView:
    return told.LinkView(
        id=link.id,
        person=link.person,
        kind=link.kind,
        key=link.key,
        step=link.step,
        evidence=link.evidence,
        made_by=link.made_by,
        at=link.at,
        verified_at=link.verified_at,
    )
