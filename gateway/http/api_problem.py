"""What the API answers when it does not do what was asked: one shape, `application/problem+json`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Problem(Exception):
    """`error` is for programs, `say` for people, `at` names the part of the request that has to change."""

    def __init__(
        self, status: int, error: str, say: str, *, at: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.say = say
        self.at = at
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        body: dict[str, object] = {"status": self.status, "error": self.error, "say": self.say}
        if self.at:
            body["at"] = self.at
        return web.Response(
            text=json.dumps(body),  # ASCII: whatever a caller wrote, it comes back as valid JSON
            status=self.status,
            content_type="application/problem+json",
            headers={**PRIVATE, **self.headers},
        )


def not_found(what: str) -> Problem:
    return Problem(404, "not_found", what)


def forbidden(error: str, say: str, at: str = "") -> Problem:
    return Problem(403, error, say, at=at)


def unprocessable(error: str, say: str, at: str) -> Problem:
    return Problem(422, error, say, at=at)


def again(after: float, error: str, say: str, status: int = 503) -> Problem:
    return Problem(status, error, say, headers={"Retry-After": str(max(1, round(after)))})
