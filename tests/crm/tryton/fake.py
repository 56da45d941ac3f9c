"""A stand-in for what the feed and the reading of parties ask of a Tryton server, where the real one is too slow to
bring about what is asked: many rows at one time, and a call that fails in the middle. The contract is not run on it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from crm.tryton.config import OPPORTUNITY, PARTY
from crm.tryton.feed import LOG, NOTE
from crm.tryton.wire import decoded, encoded, moment

BEGAN = 1_790_000_000_000_000
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, among: value in among,
    "like": lambda value, begins: str(value).startswith(begins.removesuffix("%")),
}


@dataclass(slots=True)
class FakeTryton:
    url: str = ""
    locked: bool = False
    answer: Callable[[web.Request], web.StreamResponse | None] | None = None
    fails: Callable[[str], bool] = lambda _: False
    """Whether a call of this method breaks there."""
    asked: list[str] = field(default_factory=list)
    tables: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {PARTY: {}, NOTE: {}, OPPORTUNITY: {}, LOG: {}}
    )

    # -- what people do there, so many seconds after the beginning

    def party(self, id_: int, at: float, code: str = "", **more: Any) -> None:
        parts: dict[str, Any] = {"contact_mechanisms.": [], "addresses.": []}
        self._put(PARTY, id_, at, rec_name=f"Made-up {id_}", code=code, active=True, **parts, **more)

    def note(self, id_: int, party: int, at: float) -> None:
        self._put(NOTE, id_, at, resource=f"{PARTY},{party}", message=f"Note {id_}")

    def deal(self, id_: int, party: int, at: float) -> None:
        self._put(OPPORTUNITY, id_, at, party=party, state="lead", rec_name=f"Deal {id_}")

    def delete(self, id_: int, party: int, at: float) -> None:
        self.tables[PARTY].pop(party, None)
        self._put(LOG, id_, at, resource=f"{PARTY},{party}", event="delete")

    def _put(self, model: str, id_: int, at: float, **values: Any) -> None:
        written = BEGAN + round(at * 1_000_000)
        stamp = f"{written // 1_000_000}.{written % 1_000_000:06d}"
        times = {"last_modified_at": moment(written), "create_date": moment(written), "_timestamp": stamp}
        self.tables[model][id_] = {"id": id_, "write_uid": 2, **times, **values}

    # -- the wire

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        method, params = str(body["method"]), decoded(body["params"])
        self.asked.append(method)
        if self.fails(method):
            return web.Response(status=503)
        return web.json_response({"id": body["id"], "result": encoded(self._result(method, params))})

    def _result(self, method: str, params: list[Any]) -> Any:
        model, _, call = method.removeprefix("model.").rpartition(".")
        match call:
            case "login":
                return [1, "a-session-0123456789"]
            case "get_preferences":
                return {}
            case "search_count":
                return len(self._found(model, params[0]))
            case "search_read":
                domain, _, limit, order, *_ = params
                found = self._found(model, domain)
                for name, way in reversed(order or []):
                    found.sort(key=lambda row: row[name], reverse=way == "DESC")
                return found[:limit]
        raise AssertionError(f"nobody said that {method} is asked")

    def _found(self, model: str, domain: list[Any]) -> list[dict[str, Any]]:
        return [row for row in self.tables.get(model, {}).values() if _meets(row, domain)]


def _meets(row: dict[str, Any], domain: list[Any]) -> bool:
    if domain and domain[0] == "OR":
        return any(_meets(row, each) for each in domain[1:])
    if len(domain) == 3 and isinstance(domain[0], str):
        name, how, value = domain
        held = row[name]
        assert isinstance(held, datetime) == isinstance(value, datetime), f"{name} is compared with {value!r}"
        return OPERATORS[how](held, value)
    return all(_meets(row, each) for each in domain)
