"""A stand-in for Salesforce's REST API: rows, SOQL as far as we use it, ETags of accounts. Composed by us from
developer.salesforce.com (*Conditional Request Headers*, *sObject Rows*, *Query*, *QueryAll*, *Limit Info Header*, *Call
Options Header*, *Status Codes and Error Responses*); never held against Salesforce itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from aiohttp import web

CLIENT, SECRET, REFRESH = "consumer-key", "consumer-secret-0123", "refresh-0123456789"
US, PERSON = "005000000000001AAA", "005000000000009AAA"
PREFIX = {"Account": "001", "Contact": "003", "Lead": "00Q", "Task": "00T", "User": "005", "AccountHistory": "017"}
COMMON = {"Id": "id"}
COMMON |= dict.fromkeys(("SystemModstamp", "LastModifiedDate", "CreatedDate"), "datetime")
COMMON |= dict.fromkeys(("LastModifiedById", "CreatedById", "OwnerId", "MasterRecordId"), "reference")
PHONE = {"Name": "string", "Phone": "phone", "Description": "textarea", "IsDeleted": "boolean"}
FIELDS: dict[str, dict[str, str]] = {
    "Account": COMMON
    | PHONE
    | {"BillingStreet": "textarea", "BillingCity": "string", "Industry": "picklist", "Website": "url"}
    | {"AnnualRevenue": "currency", "Vip__c": "boolean", "Renewal__c": "date"},
    "Contact": COMMON | PHONE | {"Email": "email", "Title": "string", "AccountId": "reference"},
    "Lead": COMMON | PHONE | {"Email": "email"},
    "Task": COMMON
    | {
        "WhatId": "reference",
        "WhoId": "reference",
        "Subject": "string",
        "Description": "textarea",
        "Status": "picklist",
    }
    | {"IsClosed": "boolean", "ActivityDate": "date", "IsDeleted": "boolean", "Owner.Name": "string"},
    "User": COMMON | {"Name": "string", "Email": "email", "IsActive": "boolean", "UserType": "picklist"},
    "AccountHistory": COMMON | {"AccountId": "reference", "Field": "picklist", "NewValue": "anyType"},
}
INDUSTRIES = ("Healthcare", "Machinery")
_QUERY = re.compile(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (.+?))?(?: LIMIT (\d+))?")


class Fault(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@dataclass(slots=True)
class FakeSalesforce:
    now: float = 1_790_000_000.0
    step: float = 0.3
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    token: str = ""
    issued: int = 0
    locked: bool = False
    batch: int = 2000
    """Rows of one page of a query."""
    usage: str = "api-usage=18/5000"
    fault: Fault | None = None
    answer: Callable[[web.Request], web.StreamResponse | None] | None = None
    before_write: Callable[[], None] | None = None
    lose_answer: bool = False
    written_with: list[dict[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    _next: int = 100
    _pages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for id_, name in ((US, "Floatcard"), (PERSON, "Li Ting")):
            self.put("User", Id=id_, Name=name, Email=f"{name[:2]}@example.com", IsActive=True, UserType="Standard")

    def put(self, object_: str, by: str = PERSON, /, **values: Any) -> str:
        self._next += 1
        self.now += self.step
        id_ = values.get("Id") or f"{PREFIX[object_]}{self._next:012d}AAA"
        blank: dict[str, Any] = dict.fromkeys(FIELDS[object_])
        made = {"Id": id_, "CreatedDate": self.now, "CreatedById": by, "IsDeleted": False, "OwnerId": by}
        self.tables[object_][id_] = blank | made | values
        self._touch(object_, id_, by)
        return str(id_)

    def set(self, object_: str, id_: str, by: str = PERSON, /, **values: Any) -> None:
        self.now += self.step
        if object_ == "Account":
            for name, value in values.items():
                self.put("AccountHistory", by, AccountId=id_, Field=name, NewValue=value)
        self.tables[object_][id_] |= values
        self._touch(object_, id_, by)

    def _touch(self, object_: str, id_: str, by: str) -> None:
        self.tables[object_][id_] |= {"SystemModstamp": self.now, "LastModifiedDate": self.now, "LastModifiedById": by}

    # -- the wire

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        if self.answer is not None and (told := self.answer(request)) is not None:
            return told
        try:
            answer = await self._serve(request)
        except Fault as fault:
            answer = web.json_response([{"message": str(fault), "errorCode": fault.code}], status=fault.status)
        answer.headers["Sforce-Limit-Info"] = self.usage
        return answer

    async def _serve(self, request: web.Request) -> web.Response:
        if request.path == "/services/oauth2/token":
            return self._issue(dict(await request.post()))
        if self.locked or not self.token or request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Fault(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self.fault is not None:
            raise self.fault
        match request.method, request.path.removeprefix("/services/").split("/"):
            case "GET", ["oauth2", "userinfo"]:
                return web.json_response({"user_id": US, "organization_id": "00D"})
            case "GET", ["data", "v62.0", "query" | "queryAll" as kind]:
                return self._page(self._query(request.query["q"], kind == "queryAll"))
            case "GET", ["data", "v62.0", "query", locator]:
                return self._page(self._pages.pop(locator))
            case "GET", ["data", "v62.0", "sobjects", object_, "describe"]:
                return web.json_response({"fields": [_about(*each) for each in FIELDS[object_].items()]})
            case "GET", ["data", "v62.0", "sobjects", object_, id_]:
                return self._get(object_, id_)
            case "PATCH", ["data", "v62.0", "sobjects", object_, id_]:
                return self._patch(request, object_, id_, await request.json())
            case "POST", ["data", "v62.0", "sobjects", "Task"]:
                values = await request.json()
                id_ = self.put("Task", US, **values, IsClosed=values["Status"] == "Completed")
                return self._after(request, web.json_response({"id": id_, "success": True, "errors": []}, status=201))
        raise Fault(404, "NOT_FOUND", "The requested resource does not exist")

    def _issue(self, form: dict[str, Any]) -> web.Response:
        right = form.get("client_id") == CLIENT and form.get("client_secret") == SECRET
        if not right or (form["grant_type"] == "refresh_token" and form["refresh_token"] != REFRESH):
            return web.json_response({"error": "invalid_grant", "error_description": "expired token"}, status=400)
        self.issued += 1
        self.token = f"00D!session-{self.issued}-0123456789"
        return web.json_response({"access_token": self.token, "instance_url": self.url, "token_type": "Bearer"})

    def _page(self, found: list[dict[str, Any]]) -> web.Response:
        told: dict[str, Any] = {"totalSize": len(found), "done": len(found) <= self.batch}
        told["records"] = found[: self.batch]
        if not told["done"]:
            locator = f"01g-{len(self._pages)}-{len(found)}"
            self._pages[locator] = found[self.batch :]
            told["nextRecordsUrl"] = f"/services/data/v62.0/query/{locator}"
        return web.json_response(told)

    def _query(self, soql: str, deleted: bool) -> list[dict[str, Any]]:
        found = _QUERY.fullmatch(soql)
        assert found is not None, f"no SOQL the stand-in knows: {soql}"
        names, object_, where, order, limit = found[1].split(", "), found[2], found[3], found[4], found[5]
        rows = [row for row in self.tables[object_].values() if deleted or not row.get("IsDeleted")]
        if names == ["COUNT(Id) total"]:
            return [{"total": len(rows)}]
        for name in names:
            if name not in FIELDS[object_]:
                raise Fault(400, "INVALID_FIELD", f"No such column '{name}' on entity '{object_}'.")
        for condition in where.split(" AND ") if where else []:
            rows = [row for row in rows if _meets(row, condition)]
        for part in reversed(order.split(", ") if order else []):
            name, _, way = part.partition(" ")
            rows.sort(key=lambda row: row[name] or "", reverse=way == "DESC")
        chosen = rows[: int(limit)] if limit else rows
        return [self._shown(object_, row, names) for row in chosen]

    def _shown(self, object_: str, row: dict[str, Any], names: list[str]) -> dict[str, Any]:
        told: dict[str, Any] = {"attributes": {"type": object_}}
        for name in names:
            value = row.get(name)
            told[name] = stamp(value) if FIELDS[object_][name] == "datetime" and value is not None else value
        if "Owner.Name" in told:
            owner = self.tables["User"].get(row["OwnerId"], {}).get("Name")
            told.pop("Owner.Name")
            told["Owner"] = {"Name": owner}
        return told

    def _live(self, object_: str, id_: str) -> dict[str, Any]:
        row = self.tables[object_].get(id_)
        if row is None:
            raise Fault(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        if row["IsDeleted"]:
            raise Fault(404, "ENTITY_IS_DELETED", "entity is deleted")
        return row

    def _get(self, object_: str, id_: str) -> web.Response:
        row = self._live(object_, id_)
        headers = {"ETag": _tag(row)} if object_ == "Account" else {}
        return web.json_response(self._shown(object_, row, list(FIELDS[object_])), headers=headers)

    def _patch(self, request: web.Request, object_: str, id_: str, values: dict[str, Any]) -> web.Response:
        if self.before_write is not None:
            act, self.before_write = self.before_write, None
            act()
        row = self._live(object_, id_)
        self.written_with.append(dict(request.headers))
        match = request.headers.get("If-Match")
        assert match is None or object_ == "Account", "ETags are of accounts only"
        unmodified = request.headers.get("If-Unmodified-Since")
        since = parsedate_to_datetime(unmodified).timestamp() if unmodified else None
        if (match and match != _tag(row)) or (since is not None and int(row["LastModifiedDate"]) > since):
            return web.Response(status=412)
        for name, value in values.items():
            if name not in FIELDS[object_]:
                raise Fault(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {object_}")
            if name == "Industry" and value and value not in INDUSTRIES:
                message = "bad value for <b>restricted</b> picklist field: " + value
                raise Fault(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
            kind = {"currency": float, "boolean": bool}.get(FIELDS[object_][name], str)
            assert value is None or isinstance(value, kind), f"{name}: {value!r}"
        self.set(object_, id_, US, **values)
        return self._after(request, web.Response(status=204))

    def _after(self, request: web.Request, answer: web.Response) -> web.Response:
        if self.lose_answer:
            self.lose_answer = False
            assert request.transport is not None
            request.transport.abort()
        return answer


def _tag(row: dict[str, Any]) -> str:
    digest = hashlib.sha1(json.dumps(row, sort_keys=True).encode()).digest()
    return f'"{base64.b64encode(digest).decode()}-gzip"'


def _meets(row: dict[str, Any], condition: str) -> bool:
    name, operator, wanted = condition.split(" ", 2)
    value = row[name]
    match operator:
        case "IN":
            return value in re.findall(r"'([^']*)'", wanted)
        case "=" | ">" if wanted.startswith("'"):
            return bool(value == wanted.strip("'") if operator == "=" else value > wanted.strip("'"))
        case "=" if wanted in ("TRUE", "FALSE"):
            return bool(value) is (wanted == "TRUE")
        case ">=" | "<":
            bound = datetime.strptime(wanted, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
            return bool(int(value) >= bound if operator == ">=" else int(value) < bound)
    raise AssertionError(f"no condition the stand-in knows: {condition}")


def _about(name: str, type_: str) -> dict[str, Any]:
    values = [{"value": each, "active": True} for each in INDUSTRIES] if name == "Industry" else []
    about = {"name": name, "label": name, "type": type_, "picklistValues": values}
    return {**about, "updateable": name not in (*COMMON, "IsDeleted")}
