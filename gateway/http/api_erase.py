"""A customer is erased by an admin who proves to be there: a token alone, lost or copied, erases nothing."""

from __future__ import annotations

from dataclasses import asdict

from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_bodies import EraseBody
from gateway.http.api_problem import forbidden, not_found
from gateway.services import Services
from gateway.store.erasing import EraseStore
from gateway.store.tokens import TokenStore
from gateway.store.vault import Vault


class Erasing:
    def __init__(self, services: Services, tokens: TokenStore) -> None:
        self._tokens = tokens
        self._store = EraseStore(services.store, Vault(services.keys.vault), services.clock)

    async def erase(self, ask: Ask) -> Done:
        person = ask.caller.person
        if person is None or "admin" not in person.roles:
            raise forbidden("not_admin", "The person this token reads as must have the role `admin`.")
        opened = await self._tokens.open_session(ask.sent(EraseBody).proof)
        if opened is not None:
            await self._tokens.end_session(opened[0])
        if opened is None or opened[1] != person.id:
            say = "This is no unused one-time link of the token's person. `floatcard login` makes one."
            raise forbidden("no_proof", say, "proof")
        weight = await self._store.erase(ask.path["ref"], person.id)
        if weight is None:
            raise not_found("There is no such customer, or it was erased before.")
        return Done(told.Erased(**asdict(weight)))
