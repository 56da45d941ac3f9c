"""`/console/identities/bring`: people of a directory, keys that a network changed, customers' own people; first what
would happen, in numbers, then done."""

from __future__ import annotations

import asyncio
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from aiohttp import web

from channels.model import Accounts
from crm.model import Users
from gateway.bringing import Bringing, of_accounts, of_users
from gateway.cli.importing_people import PeopleFile, read
from gateway.console import bringing
from gateway.console.views import LINK_KINDS
from gateway.errors import Refused, Retry
from gateway.http.console_mentions import Around
from gateway.http.console_paging import Lists, html, refused
from gateway.http.console_session import Form, Session
from gateway.http.linking import Linking
from gateway.services import Services
from gateway.store.rekeying import Kind, rekey
from identity.sources import Entry

_HERE: Final = "/console/identities/bring"
PASTED: Final = "csv:"
KINDS: Final[tuple[Kind, ...]] = ("im", "crm", "oidc")


class BringPage(Lists):
    page = "identities"

    def __init__(self, services: Services, linking: Linking, around: Around) -> None:
        super().__init__(services, around)
        self._linking = linking
        s = services
        self._bringing = Bringing(s.store, s.people, s.clock, s.config.audience.domain_aliases)

    def routes(self) -> list[web.RouteDef]:
        acts = {"directory": self.directory, "keys": self.keys, "contact": self.contact}
        around = self._around
        return [
            web.get(_HERE, self._paged(self.look)),
            *(web.post(f"{_HERE}/{path}", around.paged(around.acting(act))) for path, act in acts.items()),
        ]

    async def look(self, request: web.Request, session: Session) -> web.Response:
        return self._shown(request, session)

    def _shown(
        self,
        request: web.Request,
        session: Session,
        sent: Form | None = None,
        wrong: Refused | None = None,
        **told: object,
    ) -> web.Response:
        frame = self._frame(request, session)
        said = refused(frame.reader, wrong) if wrong is not None else ""
        facts: dict[str, object] = {"plan": None, "moved": None, "linked": "", **told}
        kinds = [(each, frame.reader.say(LINK_KINDS[each])) for each in KINDS]
        words = {"sources": self._sources(), "kinds": kinds, "sent": sent or Form(()), "wrong": said}
        return html("bring", frame, 409 if said else 200, **words, **facts)

    def _sources(self) -> list[str]:
        """Those of the configuration that list their own users."""
        s = self._s
        crms = [f"crm:{name}" for name, crm in s.crms.items() if isinstance(crm, Users)]
        return crms + [f"im:{name}" for name, channel in s.channels.items() if isinstance(channel, Accounts)]

    async def directory(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """With `do` it is carried out, as it stands then: what was read at first may have changed since."""
        reader = self._frame(request, session).reader
        try:
            source, entries, file = await self._read(form)
            verdicts = await self._bringing.plan(source, entries, make=not form.get("known"))
            done = bool(form.get("do"))
            torn = await self._bringing.carry_out(source, verdicts, by=session.person.id) if done else ()
        except Refused as why:
            return self._shown(request, session, form, why)
        return self._shown(request, session, form, plan=bringing.told(reader, verdicts, file, torn, done=done))

    async def _read(self, form: Form) -> tuple[str, Sequence[Entry], PeopleFile | None]:
        """Raises `Refused`."""
        source = form.get("source")[:128]
        kind, _, name = source.partition(":")
        if source in self._sources():
            try:
                if kind == "crm":
                    return source, of_users(name, await cast("Users", self._s.crms[name]).users()), None
                return source, of_accounts(await cast("Accounts", self._s.channels[name]).accounts()), None
            except Retry:
                raise Refused("It does not answer just now. Nothing was changed; try again in a moment.") from None
        called = "".join(sign for sign in form.get("called") if sign.isprintable()).strip()[:100]
        file = await asyncio.to_thread(_parsed, form.get("text"))
        return f"{PASTED}{called or 'console'}", file.entries, file

    async def keys(self, request: web.Request, session: Session, form: Form) -> web.Response:
        s, kind = self._s, next((each for each in KINDS if each == form.get("kind")), KINDS[0])
        lines = csv.reader(form.get("pairs").splitlines())
        pairs = [(row[0].strip()[:512], row[1].strip()[:512]) for row in lines if len(row) >= 2 and row[0].strip()]
        if not pairs:
            return self._shown(request, session, form, Refused("There is not one pair of keys. Nothing was changed."))
        done = bool(form.get("do"))
        found = await rekey(s.store, s.people, s.clock, kind, pairs, by=session.person.id, dry=not done)
        return self._shown(request, session, form, moved=bringing.moved(found, done=done))

    async def contact(self, request: web.Request, session: Session, form: Form) -> web.Response:
        account, record, item = form.get("account")[:512], form.get("record")[:512], form.get("contact")[:256]
        try:
            made = await self._linking.contact(account.strip(), record.strip(), item.strip(), by=session.person.id)
        except Refused as why:
            return self._shown(request, session, form, why)
        return self._shown(request, session, linked=made.person)


def _parsed(text: str) -> PeopleFile:
    """Raises `Refused`. As a file is read, so that both are read alike."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        path.write_text(text, "utf-8", errors="replace", newline="")
        return read(path)
