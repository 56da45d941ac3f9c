"""A provider of identities on this machine: discovery, a real key set, codes with PKCE, signed tokens.

Composed after OpenID Connect Core 1.0 and Discovery 1.0; what a test wants wrong, it sets.
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "floatcard-console"
SECRET = "s3cret: of the client"


@dataclass(slots=True)
class FakeProvider:
    """`claims` and `header` go over what a good token has; None takes a claim away."""

    server: TestServer | None = None
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    published: list[RSAKey] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked_keys: int = 0
    down: bool = False
    asked: int = 0
    """About itself."""
    now: Any = time.time

    @property
    def issuer(self) -> str:
        assert self.server is not None
        return str(self.server.make_url("")).rstrip("/")

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._discover),
                web.get("/keys", self._keys),
                web.post("/token", self._token),
            ]
        )
        return app

    def sign_in(self, address: str, sub: str, **claims: Any) -> dict[str, str]:
        """What a person does there: the query their browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = {**asked, "sub": sub}
        self.claims = {**self.claims, **claims}
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def token(self, sub: str, nonce: str) -> str:
        now = int(self.now())
        good = {"iss": self.issuer, "sub": sub, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce}
        good |= {"auth_time": now}
        claims = {name: value for name, value in (good | self.claims).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    async def _discover(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.down:
            return web.Response(status=502)
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return web.json_response(found | self.about)

    async def _keys(self, request: web.Request) -> web.Response:
        self.asked_keys += 1
        return web.json_response({"keys": [each.as_dict(private=False) for each in self.published or [self.key]]})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or proof != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = self.token(asked["sub"], asked["nonce"])
        return web.json_response({"id_token": token, "access_token": "a", "token_type": "Bearer"})
