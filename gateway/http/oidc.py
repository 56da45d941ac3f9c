"""The company's provider of identities: discovery, its key set, a code for a token, and what makes a token good.

Authorization code flow with PKCE (RFC 7636), state and nonce; OpenID Connect Core 1.0 §3.1, Discovery 1.0, RFC 9207.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import aiohttp
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from authlib.oidc.discovery import get_well_known_url  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from crm.hosts import Hosts, guarded
from gateway.config.load import secure
from gateway.config.model import OidcSpec
from gateway.errors import Rejected, Retry
from gateway.outgoing.breaker import Breaker

MOST = 262_144
"""Bytes of one answer."""
LEEWAY_S = 60
"""By how much its clock and ours may differ."""
KNOWN_S = 3_600.0
"""How long its documents are believed."""
AGAIN_S = 30.0
"""How often at most a key nobody has seen makes us read the key set again."""
TIRED = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One sign-in that was begun: what comes back has to fit it."""

    nonce: str
    verifier: str
    since: int
    """When (s); with `fresh`, whoever comes back signed in there after that."""
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Who came back, as the provider signed it."""

    key: str
    """`issuer#sub`: the one thing that says who somebody is."""
    claims: Mapping[str, Any]


class Provider:
    """`clock` gives ms since the epoch. `back`: our address it sends people to. `breaker`: while it is open nobody who
    signs in waits for an answer that does not come."""

    def __init__(self, spec: OidcSpec, back: str, clock: Callable[[], int], breaker: Breaker) -> None:
        self.issuer = spec.issuer
        self._spec = spec
        self._back = back
        self._clock = clock
        self._breaker = breaker
        self._hosts = Hosts.of(own=[spec.issuer, *spec.hosts])
        self._about: tuple[float, dict[str, Any]] = (0.0, {})
        self._keys: tuple[float, KeySet | None] = (0.0, None)
        self._reading = asyncio.Lock()

    async def address(self, asked: Asked, state: str) -> str:
        """Where the browser goes. Raises `Retry` while the provider does not answer."""
        about = await self.about()
        more = {"nonce": asked.nonce, "code_challenge": create_s256_code_challenge(asked.verifier)}
        if asked.fresh:
            more |= {"prompt": "login", "max_age": "0"}
        address: str = prepare_grant_uri(
            about["authorization_endpoint"],
            self._spec.client_id,
            "code",
            self._back,
            " ".join(self._spec.scopes),
            state,
            code_challenge_method="S256",
            **more,
        )
        return address

    async def known(self, asked: Asked, code: str, issuer: str = "") -> Known:
        """Who a code stands for. Raises `Rejected` for anything that is not theirs, for us, now; `Retry`."""
        told = (await self.about()).get("authorization_response_iss_parameter_supported") is True
        if issuer != self.issuer and (issuer or told):
            raise Rejected("another issuer answered")
        given = await self._token(code, asked.verifier)
        token, access = given.get("id_token"), given.get("access_token")
        if not isinstance(token, str) or len(token) > MOST:
            raise Rejected("there is no id_token in the answer")
        read = await self._read(token)
        claims = self._judged(read, asked, access if isinstance(access, str) else "")
        return Known(f"{self.issuer}#{claims['sub']}", claims)

    # -- a token

    async def _read(self, token: str) -> jwt.Token:
        """With its signature checked; a key that is new there is looked for once."""
        before = self._keys[0]
        for again in (False, True):
            keys = await self._key_set(after=before if again else None)
            try:
                return jwt.decode(token, keys, algorithms=list(self._spec.algorithms))
            except (JoseError, ValueError, TypeError) as wrong:
                if again or not self._stale(before):
                    raise Rejected(f"its token is not signed by it: {type(wrong).__name__}") from None
        raise AssertionError

    def _judged(self, read: jwt.Token, asked: Asked, access: str) -> dict[str, Any]:
        spec, now = self._spec, self._now()
        wants = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": spec.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }
        about = {"nonce": asked.nonce, "client_id": spec.client_id, "access_token": access}
        if asked.fresh:
            about["max_age"] = "0"
        token = CodeIDToken(read.claims, read.header, wants, about)
        try:
            token.validate(now=int(now), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as wrong:
            what = getattr(wrong, "claim", "") or getattr(wrong, "error", "")
            raise Rejected(f"its token does not hold: {type(wrong).__name__} {what}") from None
        claims = dict(token)
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise Rejected("its token says of nobody")
        if asked.fresh and claims["auth_time"] < asked.since - LEEWAY_S:
            raise Rejected("nobody signed in there anew")
        return claims

    # -- what it tells about itself

    async def about(self) -> dict[str, Any]:
        at, about = self._about
        if not about or self._now() - at > KNOWN_S:
            about = await self._call("GET", get_well_known_url(self.issuer, external=True))
            if about.get("issuer") != self.issuer:
                raise Rejected("it calls itself otherwise than the configuration does")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(about.get(name), str) or not secure(about[name].partition("?")[0]):
                    raise Rejected(f"its {name} is no https:// address")
            self._about = (self._now(), about)
        return about

    def _stale(self, read_at: float) -> bool:
        return self._now() - read_at >= AGAIN_S

    async def _key_set(self, after: float | None) -> KeySet:
        """`after`: the one read then does not do."""
        async with self._reading:
            at, keys = self._keys
            if keys is None or self._now() - at > KNOWN_S or at == after:
                told = await self._call("GET", (await self.about())["jwks_uri"])
                keys = _public(told)
                self._keys = (self._now(), keys)
            return keys

    async def _token(self, code: str, verifier: str) -> dict[str, Any]:
        about, spec = await self.about(), self._spec
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._back}
        form |= {"code_verifier": verifier, "client_id": spec.client_id}
        headers = {}
        if spec.client_secret is not None:
            secret, ways = spec.client_secret.get_secret_value(), about.get("token_endpoint_auth_methods_supported")
            if isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways:
                form["client_secret"] = secret
            else:
                pair = f"{quote_plus(spec.client_id)}:{quote_plus(secret)}"  # RFC 6749 §2.3.1
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._call("POST", about["token_endpoint"], data=form, headers=headers)

    async def _call(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """Its answer, an object. Raises `Retry` when it is away, `Rejected` when it says no or talks otherwise."""
        status, raw = await self._breaker.run(partial(self._sent, method, url, **more))
        if status != 200 or len(raw) > MOST:
            raise Rejected(f"the provider of identities answered {status}")
        return _object(raw)

    async def _sent(self, method: str, url: str, **more: Any) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with (
                guarded(self._hosts, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.request(method, url, allow_redirects=False, **more) as answer,
            ):
                raw = await answer.content.read(MOST + 1)
                while len(raw) <= MOST and (part := await answer.content.read(MOST + 1 - len(raw))):
                    raw += part
        except (aiohttp.ClientError, TimeoutError, OSError) as away:
            raise Retry(TIRED, f"the provider of identities cannot be reached: {type(away).__name__}") from None
        if answer.status >= 500 or answer.status == 429:
            raise Retry(TIRED, f"the provider of identities answered {answer.status}")
        return answer.status, raw

    def _now(self) -> float:
        return self._clock() / 1000


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Rejected("the provider of identities answered no JSON object")
    return found


def _public(told: dict[str, Any]) -> KeySet:
    """What it signs with, and no key that both sides would have to share. Raises `Rejected`."""
    keys = told.get("keys")
    usable = [
        each
        for each in (keys if isinstance(keys, list) else ())
        if isinstance(each, dict) and each.get("kty") in ("RSA", "EC", "OKP") and each.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError, KeyError):
        raise Rejected("its key set cannot be read") from None
