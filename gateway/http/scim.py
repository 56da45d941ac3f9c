"""`/scim/v2`: a directory such as Entra ID or Okta brings people in, changes them and sends them away (RFC 7644)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from aiohttp import web

from gateway.errors import Retry
from gateway.http import scim_about
from gateway.http.api_problem import PRIVATE, Problem
from gateway.http.auth import Gate, Rate
from gateway.provision import Provision
from gateway.services import Services
from gateway.store.directory import Listed
from gateway.store.directory_groups import Group
from gateway.store.tokens import TokenStore
from identity import scim

BASE = "/scim/v2"
TYPE = "application/scim+json"
PAGE, MOST = 100, 200
_NUMBER = re.compile(r"-?[0-9]{1,9}")

Serve = Callable[[web.Request], Awaitable[web.Response]]
Work = Callable[[web.Request, str], Awaitable[web.Response]]


class Scim:
    """Each token of the scope `scim` is a directory of its own, by the token's name."""

    def __init__(self, services: Services, tokens: TokenStore, rate: Rate | None = None) -> None:
        self._s = services
        self._gate = Gate(tokens, services.people, rate or Rate())
        self._is = Provision(services.config, services.store, services.people, services.clock)
        self._url = services.config.public_url.rstrip("/") + BASE

    def routes(self) -> list[web.RouteDef]:
        served: dict[tuple[str, str], Work] = {
            ("GET", "/Users"): self.users,
            ("POST", "/Users"): self.create_user,
            ("GET", "/Users/{id}"): self.user,
            ("PUT", "/Users/{id}"): self.replace_user,
            ("PATCH", "/Users/{id}"): self.patch_user,
            ("DELETE", "/Users/{id}"): self.remove_user,
            ("GET", "/Groups"): self.groups,
            ("POST", "/Groups"): self.create_group,
            ("GET", "/Groups/{id}"): self.group,
            ("PUT", "/Groups/{id}"): self.replace_group,
            ("PATCH", "/Groups/{id}"): self.patch_group,
            ("DELETE", "/Groups/{id}"): self.remove_group,
            ("GET", "/{about:(?:ServiceProviderConfig|ResourceTypes|Schemas)}{rest:(?:/.*)?}"): self.about,
        }
        routes = [
            web.get(BASE + path, self._serve(work)) if method == "GET" else
            web.route(method, BASE + path, self._serve(work))
            for (method, path), work in served.items()
        ]  # fmt: skip
        return [*routes, web.route("*", BASE + "{rest:(?:/.*)?}", self._serve(_nothing))]

    def _serve(self, work: Work) -> Serve:
        async def serve(request: web.Request) -> web.Response:
            try:
                caller = await self._gate.admit(request, "scim")
                return await work(request, f"scim:{caller.token.name}"[:128])
            except scim.Wrong as wrong:
                return _error(wrong.status, wrong.say, wrong.kind)
            except Problem as problem:
                return _error(problem.status, problem.say, "", problem.headers)
            except Retry as tired:
                again = {"Retry-After": str(max(1, round(tired.after)))}
                return _error(503, "The store does not answer just now; come back.", "", again)
            except web.HTTPRequestEntityTooLarge:
                return _error(413, f"A request has at most {request.client_max_size} bytes.", "tooMany")

        return serve

    # -- users

    async def users(self, request: web.Request, source: str) -> web.Response:
        after, limit = _page(request)
        found, total = await self._is.users(source, scim.wanted(request.query.get("filter", "")), after, max(limit, 1))
        return _list([await self._user(each) for each in found[:limit]], total, after)

    async def create_user(self, request: web.Request, source: str) -> web.Response:
        made = await self._is.create(source, await _sent(request))
        body = await self._user(made)
        return _json(body, 201, {"Location": body["meta"]["location"]})

    async def user(self, request: web.Request, source: str) -> web.Response:
        return _json(await self._user(await self._is.user(source, _id(request))))

    async def replace_user(self, request: web.Request, source: str) -> web.Response:
        return _json(await self._user(await self._is.replace(source, _id(request), await _sent(request))))

    async def patch_user(self, request: web.Request, source: str) -> web.Response:
        return _json(await self._user(await self._is.patch(source, _id(request), await _sent(request))))

    async def remove_user(self, request: web.Request, source: str) -> web.Response:
        await self._is.remove(source, _id(request))
        return web.Response(status=204, headers=PRIVATE)

    async def _user(self, each: Listed) -> dict[str, Any]:
        facts = dict(each.facts or {})
        schemas = [scim.USER, *([scim.ENTERPRISE] if scim.ENTERPRISE in facts else [])]
        groups = [
            {"value": group.id, "display": group.name, "type": "direct"}
            for group in await self._is.groups.of(each.source, each.id)
        ]
        meta = self._meta("User", f"Users/{each.id}", each.made_at, each.at)
        return {"schemas": schemas, "id": each.id, **facts, **({"groups": groups} if groups else {}), "meta": meta}

    # -- groups

    async def groups(self, request: web.Request, source: str) -> web.Response:
        (after, limit), asked = _page(request), scim.wanted(request.query.get("filter", ""))
        attr, value = asked or ("", "")
        if attr not in ("", "displayname", "externalid"):
            raise scim.Wrong("Filter groups by displayName or externalId.", "invalidFilter")
        by = {"name": value if attr == "displayname" else "", "external": value if attr == "externalid" else ""}
        if asked is not None and not value:
            return _list([], 0, after)
        found, total = await self._is.groups.listed(source, **by, after=after, limit=max(limit, 1))
        return _list([self._group(each, request) for each in found[:limit]], total, after)

    async def create_group(self, request: web.Request, source: str) -> web.Response:
        facts = scim.group(await _sent(request))
        external = facts.get("externalId", "")
        if external and (await self._is.groups.listed(source, external=external))[1]:
            raise scim.Wrong("There is a group of this externalId already.", "uniqueness", 409)
        body = self._group(await self._is.put_group(source, facts), request)
        return _json(body, 201, {"Location": body["meta"]["location"]})

    async def group(self, request: web.Request, source: str) -> web.Response:
        return _json(self._group(await self._is.group(source, _id(request)), request))

    async def replace_group(self, request: web.Request, source: str) -> web.Response:
        known = await self._is.group(source, _id(request))
        done = await self._is.put_group(source, scim.group(await _sent(request)), known.id)
        return _json(self._group(done, request))

    async def patch_group(self, request: web.Request, source: str) -> web.Response:
        done = await self._is.patch_group(source, _id(request), await _sent(request))
        return _json(self._group(done, request))

    async def remove_group(self, request: web.Request, source: str) -> web.Response:
        known = await self._is.group(source, _id(request))
        await self._is.groups.drop(source, known.id, by=source)
        return web.Response(status=204, headers=PRIVATE)

    def _group(self, each: Group, request: web.Request) -> dict[str, Any]:
        left_out = request.query.get("excludedAttributes", "").lower().replace(" ", "").split(",")
        members = [{"value": id_, "$ref": f"{self._url}/Users/{id_}", "type": "User"} for id_ in each.members]
        found: dict[str, Any] = {"schemas": [scim.GROUP], "id": each.id, "displayName": each.name}
        found |= {"externalId": each.external} if each.external else {}
        found |= {} if "members" in left_out else {"members": members}
        return {**found, "meta": self._meta("Group", f"Groups/{each.id}", each.made_at, each.at)}

    # -- about itself

    async def about(self, request: web.Request, source: str) -> web.Response:
        found = scim_about.told(request.match_info["about"], request.match_info["rest"].strip("/"), self._url)
        if found is None:
            raise scim.Wrong("There is nothing of that name.", "", 404)
        return _list(found, len(found), 0) if isinstance(found, list) else _json(found)

    def _meta(self, kind: str, path: str, made: int, at: int) -> dict[str, str]:
        return {
            "resourceType": kind,
            "created": _when(made),
            "lastModified": _when(at),
            "location": f"{self._url}/{path}",
        }


async def _nothing(request: web.Request, source: str) -> NoReturn:
    known = request.path.removeprefix(BASE).strip("/").partition("/")[0] in ("Users", "Groups")
    if known:
        raise scim.Wrong("This address does not take that method.", "", 405)
    raise scim.Wrong("There is nothing at this address. Users, Groups, Schemas, ResourceTypes are here.", "", 404)


def _id(request: web.Request) -> str:
    return request.match_info["id"][:256]


def _page(request: web.Request) -> tuple[int, int]:
    """(how many to pass over, how many at most)."""

    def number(name: str, default: int) -> int:
        text = request.query.get(name, str(default))
        if _NUMBER.fullmatch(text) is None:
            raise scim.Wrong(f"{name}: send a whole number.")
        return int(text)

    return max(number("startIndex", 1), 1) - 1, min(max(number("count", PAGE), 0), MOST)


async def _sent(request: web.Request) -> Any:
    if request.content_type not in (TYPE, "application/json"):
        raise scim.Wrong(f"Send the body as {TYPE}.", "invalidSyntax", 415)
    try:
        return json.loads(await request.read(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise scim.Wrong("The body is not JSON.", "invalidSyntax") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _list(found: list[dict[str, Any]], total: int, after: int) -> web.Response:
    counts = {"totalResults": total, "startIndex": after + 1, "itemsPerPage": len(found)}
    return _json({"schemas": [scim.LIST], **counts, "Resources": found})


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    told = {**PRIVATE, **(headers or {})}
    return web.Response(text=json.dumps(body), status=status, content_type=TYPE, headers=told)


def _error(status: int, say: str, kind: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"schemas": [scim.ERROR], "status": str(status), "detail": say}
    return _json({**body, **({"scimType": kind} if kind else {})}, status, headers)
