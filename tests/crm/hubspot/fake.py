"""A stand-in for HubSpot's CRM API v3 that keeps what is written. Written by us after the published description of the
API and developers.hubspot.com; requests and answers of the company paths are held against that description where it
is at hand (test_spec.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN, APP, PORTAL, SECRET = "pat-na1-0123456789", "4711", 62515, "client-secret-0123456789"
PERSON = 9
PROPERTIES: dict[str, dict[str, str]] = {
    "companies": dict.fromkeys(("name", "phone", "address", "city", "website", "description", "source"), "string")
    | {"annualrevenue": "number", "industry": "enumeration", "renewal": "date", "hs_lastmodifieddate": "datetime"}
    | {"hubspot_owner_id": "enumeration", "hs_updated_by_user_id": "number", "vip": "bool", "hs_object_id": "number"},
    "contacts": dict.fromkeys(("firstname", "lastname", "email", "phone", "jobtitle", "address", "city"), "string")
    | {"website": "string", "lastmodifieddate": "datetime", "hubspot_owner_id": "enumeration"}
    | {"hs_updated_by_user_id": "number", "hs_object_id": "number"},
    "notes": {"hs_note_body": "string", "hs_timestamp": "datetime", "hubspot_owner_id": "enumeration"},
    "tasks": dict.fromkeys(("hs_task_subject", "hs_task_body", "hs_task_status"), "string")
    | {"hs_timestamp": "datetime", "hubspot_owner_id": "enumeration"},
}
OPTIONS = {"industry": ("HOSPITAL_HEALTH_CARE", "MACHINERY")}
READ_ONLY = ("hs_object_id", "hs_lastmodifieddate", "lastmodifieddate", "hs_updated_by_user_id")
SEARCHED = 10_000


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


@dataclass(slots=True)
class Thing:
    created: int
    updated: int
    properties: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    archived: int = 0


@dataclass(slots=True)
class FakeHubSpot:
    now: int = 1_790_000_000_000
    step: int = 7
    things: dict[str, dict[str, Thing]] = field(default_factory=lambda: {name: {} for name in PROPERTIES})
    links: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    """(from, to, id): ids."""
    merged: dict[str, str] = field(default_factory=dict)
    ends: int = 500
    """Associations of one record on a page."""
    lag_ms: int = 0
    """So much later than it was made a change is found by search."""
    locked: bool = False
    token: str = TOKEN
    refreshed: int = 0
    nulls: bool = True
    """Whether an empty property is null, as HubSpot writes it, or left out, as its description has it."""
    before_write: Callable[[], None] | None = None
    lose_answer: bool = False
    answer: Callable[[web.Request], web.StreamResponse | None] | None = None
    owners: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    _next: int = 1000

    # -- what people do there

    def put(self, objects: str, by: int = PERSON, /, **properties: str) -> str:
        self._next += 1
        self.now += self.step
        id_ = str(self._next)
        self.things[objects][id_] = Thing(self.now, self.now, {"hs_object_id": id_})
        self._set(self.things[objects][id_], properties, by)
        return id_

    def set(self, objects: str, id_: str, by: int = PERSON, /, **properties: str) -> None:
        self.now += self.step
        self._set(self.things[objects][id_], properties, by)

    def _set(self, thing: Thing, properties: dict[str, str], by: int) -> None:
        source = (
            {"sourceType": "INTEGRATION", "sourceId": APP}
            if not by
            else {"sourceType": "CRM_UI", "updatedByUserId": by}
        )
        for name, value in properties.items():
            entry = {"value": value, "timestamp": iso(self.now), **source}
            thing.history.setdefault(name, []).insert(0, entry)
            thing.properties[name] = value
        thing.updated = self.now
        thing.properties["hs_updated_by_user_id"] = str(by)

    def link(self, objects: str, id_: str, to: str, end: str) -> None:
        self.links.setdefault((objects, to, id_), []).append(end)

    def archive(self, objects: str, id_: str) -> None:
        self.now += self.step
        self.things[objects][id_].archived = self.now

    # -- the wire

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        if self.answer is not None and (told := self.answer(request)) is not None:
            return told
        if request.path == "/oauth/v1/token":
            return await self._oauth(request)
        if self.locked or request.headers.get("Authorization") != f"Bearer {self.token}":
            return refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        match request.method, request.path.strip("/").split("/")[1:]:
            case "GET", ["v3", "owners"]:
                return self._owners(request)
            case "GET", ["v3", "properties", objects]:
                return web.json_response(
                    {"results": [_about(name, type_) for name, type_ in PROPERTIES[objects].items()]}
                )
            case "POST", ["v4", "associations", objects, to, "batch", "read"]:
                return self._associated(objects, to, await request.json())
            case "POST", ["v3", "objects", objects, "search"]:
                return self._search(objects, await request.json())
            case "POST", ["v3", "objects", objects, "batch", "read"]:
                return self._batch(objects, await request.json())
            case "POST", ["v3", "objects", objects]:
                return self._create(objects, request, await request.json())
            case "GET", ["v3", "objects", objects]:
                return self._list(objects, request)
            case "GET", ["v3", "objects", objects, id_]:
                return self._get(objects, id_, request)
            case "PATCH", ["v3", "objects", objects, id_]:
                return self._patch(objects, id_, request, await request.json())
        return refused(404, "OBJECT_NOT_FOUND", "no such path")

    async def _oauth(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        if form.get("refresh_token") != "refresh-0123456789" or form.get("client_secret") != SECRET:
            return refused(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        self.refreshed += 1
        self.token = f"oauth-{self.refreshed}-0123456789"
        return web.json_response({"access_token": self.token, "expires_in": 1800, "token_type": "bearer"})

    def _owners(self, request: web.Request) -> web.Response:
        after, limit = int(request.query.get("after", 0)), int(request.query["limit"])
        told: dict[str, Any] = {"results": self.owners[after : after + limit]}
        if after + limit < len(self.owners):
            told["paging"] = {"next": {"after": str(after + limit)}}
        return web.json_response(told)

    def _associated(self, objects: str, to: str, body: dict[str, Any]) -> web.Response:
        begins = {one["id"]: int(one.get("after", "0")) for one in body["inputs"]}
        ends = {id_: self.links.get((objects, to, id_), []) for id_ in begins}
        results = []
        for id_, of in ends.items():
            upto = begins[id_] + self.ends
            told = [{"toObjectId": int(end), "associationTypes": []} for end in of[begins[id_] : upto]]
            more = {"paging": {"next": {"after": str(upto)}}} if upto < len(of) else {}
            results += [{"from": {"id": id_}, "to": told, **more}] if told else []
        return web.json_response(_batched(results), status=200 if len(results) == len(ends) else 207)

    def _search(self, objects: str, body: dict[str, Any]) -> web.Response:
        (sort,), after = body["sorts"], int(body["after"])
        filters = [each for group in body["filterGroups"] for each in group["filters"]]
        if body["limit"] > 200 or after + body["limit"] > SEARCHED:
            return refused(400, "VALIDATION_ERROR", "limit")
        found = [
            (id_, thing)
            for id_, thing in self.things[objects].items()
            if not thing.archived and thing.updated <= self.now - self.lag_ms
            if all(_meets(self._number(objects, id_, thing, each["propertyName"]), each) for each in filters)
        ]
        found.sort(key=lambda one: self._number(objects, one[0], one[1], sort))
        told: dict[str, Any] = {"total": len(found)}
        told["results"] = [
            self._told(objects, *one, body["properties"]) for one in found[after : after + body["limit"]]
        ]
        if after + body["limit"] < len(found):
            told["paging"] = {"next": {"after": str(after + body["limit"])}}
        return web.json_response(told)

    def _number(self, objects: str, id_: str, thing: Thing, name: str) -> int:
        assert name in PROPERTIES[objects], f"there is no property {name} of {objects}"
        return int(id_) if name == "hs_object_id" else thing.updated

    def _batch(self, objects: str, body: dict[str, Any]) -> web.Response:
        assert len(body["inputs"]) <= 100 and set(body) == {"inputs", "properties", "propertiesWithHistory"}
        wanted = [one["id"] for one in body["inputs"]]
        there = [id_ for id_ in wanted if id_ in self.things[objects] and not self.things[objects][id_].archived]
        results = [self._told(objects, id_, self.things[objects][id_], body["properties"]) for id_ in there]
        return web.json_response(_batched(results), status=200 if len(there) == len(wanted) else 207)

    def _create(self, objects: str, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        id_ = self.put(objects, 0, **body["properties"])
        for each in body["associations"]:
            kind = {190: "companies", 202: "contacts"}[each["types"][0]["associationTypeId"]]
            self.link(kind, each["to"]["id"], objects, id_)
        return self._after(
            request, web.json_response(self._told(objects, id_, self.things[objects][id_], ()), status=201)
        )

    def _list(self, objects: str, request: web.Request) -> web.Response:
        archived = request.query.get("archived") == "true"
        ids = [id_ for id_, thing in self.things[objects].items() if bool(thing.archived) is archived]
        start, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 10))
        names = request.query.get("properties", "").split(",")
        told: dict[str, Any] = {
            "results": [
                self._told(objects, id_, self.things[objects][id_], names) for id_ in ids[start : start + limit]
            ]
        }
        if start + limit < len(ids):
            told["paging"] = {"next": {"after": str(start + limit)}}
        return web.json_response(told)

    def _get(self, objects: str, id_: str, request: web.Request) -> web.Response:
        id_ = self.merged.get(id_, id_)
        thing = self.things[objects].get(id_)
        if thing is None or bool(thing.archived) is not (request.query.get("archived") == "true"):
            return refused(404, "OBJECT_NOT_FOUND", "resource not found")
        names, past = (request.query.get(key, "").split(",") for key in ("properties", "propertiesWithHistory"))
        told = self._told(objects, id_, thing, names)
        told["propertiesWithHistory"] = {name: thing.history[name] for name in past if name in thing.history}
        return web.json_response(told)

    def _patch(self, objects: str, id_: str, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if self.before_write is not None:
            act, self.before_write = self.before_write, None
            act()
        thing = self.things[objects].get(id_)
        if thing is None or thing.archived:
            return refused(404, "OBJECT_NOT_FOUND", "resource not found")
        for name, value in body["properties"].items():
            assert isinstance(value, str)
            if name not in PROPERTIES[objects] or name in READ_ONLY:
                return invalid(name, f'Property "{name}" does not exist')
            if name == "industry" and value and value not in OPTIONS["industry"]:
                return invalid(name, f"{value} was not one of the allowed options: [label: ...]")
        self.set(objects, id_, 0, **body["properties"])
        return self._after(request, web.json_response(self._told(objects, id_, thing, tuple(body["properties"]))))

    def _after(self, request: web.Request, answer: web.Response) -> web.StreamResponse:
        if self.lose_answer:
            self.lose_answer = False
            assert request.transport is not None
            request.transport.abort()
        return answer

    def _told(self, objects: str, id_: str, thing: Thing, names: Any) -> dict[str, Any]:
        known = thing.properties | {"hs_lastmodifieddate": iso(thing.updated), "lastmodifieddate": iso(thing.updated)}
        asked = {name: known.get(name) or None for name in names if name in PROPERTIES[objects]}
        told = {name: value for name, value in asked.items() if value or self.nulls}
        archived = {"archivedAt": iso(thing.archived)} if thing.archived else {}
        stamps = {"createdAt": iso(thing.created), "updatedAt": iso(thing.updated), "archived": bool(thing.archived)}
        return {"id": id_, "properties": told, **stamps, **archived}


def _meets(value: int, wanted: dict[str, Any]) -> bool:
    limit = int(wanted["value"])
    return {"GT": value > limit, "GTE": value >= limit, "EQ": value == limit}[wanted["operator"]]


def _batched(results: list[Any]) -> dict[str, Any]:
    return {"status": "COMPLETE", "results": results, "startedAt": iso(0), "completedAt": iso(1)}


def _about(name: str, type_: str) -> dict[str, Any]:
    options = [{"label": each.title(), "value": each} for each in OPTIONS.get(name, ())]
    about = {"name": name, "label": name.title(), "type": type_, "fieldType": "text", "options": options}
    return {**about, "calculated": False, "modificationMetadata": {"readOnlyValue": name in READ_ONLY}}


def refused(status: int, category: str, message: str, **headers: str) -> web.Response:
    told = {"status": "error", "message": message, "category": category}
    body = {**told, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf"}
    return web.json_response(body, status=status, headers=headers)


def invalid(name: str, message: str) -> web.Response:
    inner = f'[{{"isValid":false,"message":"{message.replace(chr(34), "")}","error":"X","name":"{name}"}}]'
    return refused(400, "VALIDATION_ERROR", f"Property values were not valid: {inner}")
