"""`/api/v1`: who calls, what was asked, and the one shape of every refusal. What is answered is made in `api_*`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from cards.words import match, say
from gateway.errors import Refused, Retry
from gateway.http.api_access import Accessed
from gateway.http.api_ask import Ask, Done
from gateway.http.api_bodies import EditBody, NoQuery
from gateway.http.api_customers import Customers
from gateway.http.api_edits import Edits, claimed
from gateway.http.api_erase import Erasing
from gateway.http.api_governed import Governed
from gateway.http.api_joined import Joins
from gateway.http.api_mentions import Mentioned
from gateway.http.api_parked import ParkedJobs
from gateway.http.api_past import Past
from gateway.http.api_people import Identified
from gateway.http.api_persons import Persons
from gateway.http.api_policies import Policed
from gateway.http.api_problem import PRIVATE, Problem, again, not_found, unprocessable
from gateway.http.api_sources import Sources
from gateway.http.api_table import BASE, ENDPOINTS, PATHS, Endpoint, Name
from gateway.http.api_targets import Called
from gateway.http.auth import Gate, Rate
from gateway.http.device import Devices
from gateway.http.linking import Linking
from gateway.http.openapi import document
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.tokens import TokenStore

Work = Callable[[Ask], Awaitable[Done]]
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]
M = TypeVar("M", bound=BaseModel)


class Api:
    def __init__(self, services: Services, spine: Spine, tokens: TokenStore, rate: Rate | None = None) -> None:
        self._s = services
        devices = self._devices = Devices(services)
        self._gate = Gate(tokens, services.people, rate or Rate(), device=devices)
        customers, edits, past = Customers(services), Edits(services, spine), Past(services)
        mentioned, parked, policed = Mentioned(services), ParkedJobs(services), Policed(services)
        linking, sourced = Linking(services, spine), Sources(services)
        people = Identified(services, linking)
        accessed, governed = Accessed(services), Governed(services, tokens)
        joins = Joins(services)
        self._work: dict[Name, Work] = {
            "search_customers": customers.search,
            "read_customer": customers.customer,
            "erase_customer": Erasing(services, tokens).erase,
            "make_edit": edits.edit,
            "field_history": past.history,
            "read_decision": past.decision,
            "read_trail": past.trail,
            "list_identities": people.persons,
            "list_unmapped": people.unmapped,
            "make_link": people.link,
            "end_link": people.unlink,
            **Persons(services, linking, devices).work(),
            "try_message": mentioned.try_message,
            "list_learned": mentioned.learned,
            "judge_name": mentioned.judge_name,
            "set_room": mentioned.set_room,
            "list_sources": sourced.listing,
            "begin_epoch": sourced.begin,
            "list_targets": Called(services).listing,
            "list_parked": parked.listing,
            "replay_parked": parked.replay,
            "plan_policy": policed.plan,
            "list_policy_changes": policed.changes,
            "read_policy_change": policed.change,
            "apply_policy": policed.apply,
            "undo_policy": policed.undo,
            "list_access_versions": accessed.versions,
            "propose_access": accessed.propose,
            "read_access_version": accessed.version,
            "apply_access": accessed.apply,
            "withdraw_access": accessed.withdraw,
            "rollback_access": accessed.rollback,
            "check_access": accessed.check,
            "diff_access": accessed.diff,
            "simulate_access": accessed.simulate,
            "compare_access": accessed.compare,
            "list_stages": governed.stages,
            "set_stage": governed.set_stage,
            "undo_stage": governed.undo_stage,
            "list_applications": governed.applications,
            "end_token": governed.end_token,
            "list_joins": joins.listing,
            "look_at_join": joins.look,
            "join_records": joins.join,
            "part_record": joins.part,
        }

    def routes(self) -> list[web.RouteDef]:
        found: list[web.RouteDef] = []
        for path, endpoints in groupby(ENDPOINTS, key=lambda each: each.full_path):
            found += _of_one_path(path, {each.method: self._serve(each) for each in endpoints})
        found += _of_one_path(f"{BASE}/openapi.json", {"GET": _worded(_openapi)})
        return [*found, web.route("*", BASE + "/{rest:.*}", _worded(_nothing_here)), *self._devices.routes()]

    def _serve(self, endpoint: Endpoint) -> Serve:
        work = self._work[endpoint.name]

        async def serve(request: web.Request) -> web.StreamResponse:
            caller = await self._gate.admit(request, endpoint.scope)
            query = _validated(endpoint.query, dict(_single(request)))
            path = _path(request.match_info)
            linear = caller.token.system in self._s.config.sources
            body = await _body(endpoint.body, request, linear) if endpoint.body is not None else NoQuery()
            done = await work(Ask(caller, path, query, body, _locale(request)))
            return _response(done, endpoint.status)

        return _worded(serve)


def _of_one_path(path: str, served: Mapping[str, Serve]) -> Iterator[web.RouteDef]:
    allow = ", ".join(sorted({*served, *({"HEAD"} if "GET" in served else ())}))

    async def refuse(request: web.Request) -> NoReturn:
        raise Problem(405, "wrong_method", f"This address takes {allow}.", headers={"Allow": allow})

    for method, handler in served.items():
        yield web.get(path, handler) if method == "GET" else web.route(method, path, handler)
    yield web.route("*", path, _worded(refuse))


def _worded(serve: Serve) -> Serve:
    async def worded(request: web.Request) -> web.StreamResponse:
        try:
            return await serve(request)
        except Problem as problem:
            return problem.response()
        except Refused as refused:
            return Problem(409, "refused", say(_locale(request), refused.say, **refused.facts)).response()
        except Retry as tired:
            return again(tired.after, "again_later", "The store does not answer just now; come back.").response()
        except web.HTTPRequestEntityTooLarge:
            return Problem(413, "too_large", _largest(request)).response()

    return worded


def _largest(request: web.Request) -> str:
    return f"A request has at most {request.client_max_size} bytes."


async def _openapi(request: web.Request) -> web.StreamResponse:
    return web.json_response(document(), headers={"X-Content-Type-Options": "nosniff"})


async def _nothing_here(request: web.Request) -> NoReturn:
    raise not_found(f"There is nothing at this address. {BASE}/openapi.json lists what there is.")


def _response(done: Done, status: int) -> web.Response:
    if done.answer is None:
        return web.Response(status=status, headers={**PRIVATE, **done.headers})
    # ASCII: what came in as a lone surrogate must not break the way out.
    text = json.dumps(done.answer.model_dump(mode="python"), allow_nan=False)
    return web.Response(text=text, status=status, content_type="application/json", headers={**PRIVATE, **done.headers})


def _single(request: web.Request) -> Iterator[tuple[str, str]]:
    """The query, each name once. Raises `Problem` 422."""
    for name, value in request.query.items():
        if len(request.query.getall(name)) > 1:
            raise unprocessable("bad_query", "Give this parameter once.", name[:64])
        yield name, value


def _path(parts: Mapping[str, str]) -> dict[str, str]:
    for name, value in parts.items():
        if len(value) > PATHS[name][1]:
            raise not_found("There is nothing of that name.")
    return dict(parts)


async def _body(model: type[M], request: web.Request, linear: bool) -> M:
    if request.content_type != "application/json":
        raise Problem(415, "not_json", "Send the body as application/json.", headers={"Accept": "application/json"})
    try:
        raw = json.loads(await request.read(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "broken_json", "The body is not JSON.") from None
    if model is EditBody:
        claimed(raw, linear=linear)
    return _validated(model, raw)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _validated(model: type[M], raw: Any) -> M:
    """Raises `Problem` 422 naming the first member that does not fit, and never quoting what was sent."""
    try:
        return model.model_validate(raw)
    except ValidationError as broke:
        faults = broke.errors(include_url=False, include_input=False, include_context=True)
        fault = min(faults, key=lambda each: each["type"] != "string_too_long")
        at = ".".join(str(part) for part in fault["loc"][:1]) or "body"
        known = "Unknown member; see the OpenAPI document." if fault["type"] == "extra_forbidden" else fault["msg"]
        raise unprocessable("bad_request", f"{_printable(at)}: {known}.", _printable(at)) from None


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:64])


def _locale(request: web.Request) -> str:
    first = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
    return match(first[:32])
