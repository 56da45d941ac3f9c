"""A stand-in for Dataverse's Web API: rows under ETags, OData as far as we use it, change tracking, auditing. Composed
by us from learn.microsoft.com (*Perform conditional operations using the Web API*, *Use change tracking to synchronize
data with external systems*, *Page results using OData*, *Filter rows using OData*, *Compose HTTP requests and handle
errors*, *Query table definitions using the Web API*, *Retrieve the history of audited data changes*, *Service
protection API limits*, *Use optional parameters*); never held against Dataverse itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from aiohttp import web

TENANT, CLIENT, SECRET = "acme.example", "11111111-2222-3333-4444-555555555555", "client-secret-0123"
US, PERSON = "00000000-0000-4000-8000-0000000000a0", "00000000-0000-4000-8000-0000000000a9"
FORMATTED = "OData.Community.Display.V1.FormattedValue"
BASE = "/api/data/v9.2"
INDUSTRIES = {1: "Healthcare", 2: "Machinery", 3: "Consulting"}
SYSTEM = {"createdon": "DateTime", "modifiedon": "DateTime", "modifiedby": "Lookup", "createdby": "Lookup"}
SYSTEM |= {"ownerid": "Owner", "merged": "Boolean", "masterid": "Lookup", "statecode": "State"}
PEOPLE = {"telephone1": "String", "description": "Memo", "address1_line1": "String", "address1_city": "String"}
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "accounts": (
        "accountid",
        SYSTEM
        | PEOPLE
        | {"name": "String", "revenue": "Money", "numberofemployees": "Integer", "industrycode": "Picklist"}
        | {"websiteurl": "String", "new_vip": "Boolean", "new_renewal": "DateTime", "new_seen": "DateTime"}
        | {"parentaccountid": "Lookup", "industrycodename": "Virtual"},
    ),
    "contacts": (
        "contactid",
        SYSTEM
        | PEOPLE
        | {"fullname": "String", "jobtitle": "String", "emailaddress1": "String", "parentcustomerid": "Customer"},
    ),
    "tasks": (
        "activityid",
        SYSTEM
        | {"subject": "String", "description": "Memo", "scheduledend": "DateTime", "regardingobjectid": "Lookup"},
    ),
    "annotations": (
        "annotationid",
        SYSTEM | {"subject": "String", "notetext": "Memo", "filename": "String", "objectid": "Lookup"},
    ),
    "systemusers": (
        "systemuserid",
        SYSTEM
        | {"fullname": "String", "internalemailaddress": "String", "isdisabled": "Boolean", "applicationid": "String"},
    ),
    "audits": (
        "auditid",
        SYSTEM | {"operation": "Picklist", "userid": "Lookup", "objectid": "Lookup", "objecttypecode": "EntityName"},
    ),
}
SETS = {"account": "accounts", "contact": "contacts"}
DAYS = ("new_renewal",)
LOOKUPS = ("Lookup", "Owner", "Customer")
_UNTRACKED = "Change tracking is not enabled for the entity '{}'."
_MOVED = "The version of the existing record doesn't match the RowVersion property provided."
_TWIN = "A record was not created or updated because a duplicate of the current record already exists."


class Fault(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@dataclass(slots=True)
class FakeDataverse:
    now: float = 1_790_000_000.0
    step: float = 0.3
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in TABLES})
    removed: list[tuple[int, str, str]] = field(default_factory=list)
    """Version, table, id."""
    tracked: bool = True
    token_at_end: bool = False
    """Whether the link that a walk ends with misses what changed while it went on."""
    forgotten: int = 0
    """Delta links older than this version have expired."""
    secured: set[str] = field(default_factory=set)
    """Columns that we may not read."""
    unique: bool = False
    """Whether a duplicate detection rule forbids two accounts of one phone number."""
    audited: bool = True
    represents: bool = True
    """Whether `return=representation` is heeded."""
    tokens: set[str] = field(default_factory=set)
    """Those that are good; a new one ends no other."""
    issued: int = 0
    lives: float = 3599
    locked: bool = False
    fault: Fault | None = None
    answer: Callable[[web.Request], web.StreamResponse | None] | None = None
    before_write: Callable[[], None] | None = None
    between_pages: Callable[[], None] | None = None
    lose_answer: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and decoded address."""
    written_with: list[dict[str, str]] = field(default_factory=list)
    preferred: list[str] = field(default_factory=list)
    url: str = ""
    public: str = ""
    """Under which address it is asked, where that is another."""
    version: int = 1000
    _next: int = 0

    def __post_init__(self) -> None:
        for id_, name, app in ((US, "Floatcard", CLIENT), (PERSON, "Li Ting", None)):
            mail = f"{name[:2]}@example.com"
            self.put("systemusers", systemuserid=id_, fullname=name, internalemailaddress=mail, applicationid=app)

    # -- what people do there

    def put(self, set_: str, by: str = PERSON, /, **values: Any) -> str:
        self._next += 1
        self.now += self.step
        key, columns = TABLES[set_]
        id_ = values.get(key) or str(UUID(int=0xA0000000000040008000000000000000 + self._next * 0x9E3779B1))
        blank: dict[str, Any] = {**dict.fromkeys(columns), "statecode": 0, "merged": False}
        self.tables[set_][id_] = blank | {key: id_, "createdon": self.now, "createdby": by, "ownerid": by} | values
        self._touch(set_, id_, by)
        return str(id_)

    def set(self, set_: str, id_: str, by: str = PERSON, /, **values: Any) -> None:
        self.now += self.step
        old = {name: self.tables[set_][id_].get(name) for name in values}
        self.tables[set_][id_] |= values
        self._touch(set_, id_, by)
        if set_ == "accounts" and self.audited:
            about = {"objectid": id_, "objecttypecode": "account", "operation": 2, "userid": by}
            self.put("audits", by, **about, old=old, new=values)

    def remove(self, set_: str, id_: str) -> None:
        self.now += self.step
        self.version += 1
        del self.tables[set_][id_]
        self.removed.append((self.version, set_, id_))

    def _touch(self, set_: str, id_: str, by: str) -> None:
        self.version += 1
        self.tables[set_][id_] |= {"modifiedon": self.now, "modifiedby": by, "versionnumber": self.version}

    # -- the wire

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, unquote(request.path_qs)))
        self.preferred.append(request.headers.get("Prefer", ""))
        if self.answer is not None and (told := self.answer(request)) is not None:
            return told
        try:
            return await self._serve(request)
        except Fault as fault:
            return web.json_response({"error": {"code": fault.code, "message": str(fault)}}, status=fault.status)

    async def _serve(self, request: web.Request) -> web.Response:
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._issue(dict(await request.post()))
        if self.locked or request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Fault(401, "0x80072560", "The user is not a member of the organization.")
        assert request.headers["OData-Version"] == request.headers["OData-MaxVersion"] == "4.0"
        if self.fault is not None:
            raise self.fault
        path = request.path.removeprefix(BASE)
        if path.startswith("/EntityDefinitions"):
            return web.json_response({"value": self._definitions(path, request.query)})
        match request.method, path.strip("/").split("/"):
            case "GET", ["WhoAmI"]:
                return web.json_response({"BusinessUnitId": US, "UserId": US, "OrganizationId": US})
            case "GET", [only] if only.startswith("RetrieveTotalRecordCount"):
                assert only == "RetrieveTotalRecordCount(EntityNames=['account'])"
                counted = {"Count": 1, "Keys": ["account"], "Values": [len(self.tables["accounts"])]}
                return web.json_response({"EntityRecordCountCollection": counted})
            case "GET", [one, function] if function == "Microsoft.Dynamics.CRM.RetrieveAuditDetails":
                return web.json_response(self._details(*_one(one)))
            case "GET", [one] if "(" in one:
                return web.json_response(self._row(*_one(one), request))
            case "GET", [set_]:
                return web.json_response(self._many(set_, request))
            case "PATCH", [one]:
                return self._patch(*_one(one), request, await request.json())
            case "POST", ["annotations"]:
                return self._note(request, await request.json())
        raise Fault(404, "0x8006088a", f"Resource not found for the segment '{path}'.")

    def _issue(self, form: dict[str, Any]) -> web.Response:
        assert form["grant_type"] == "client_credentials" and form["scope"].endswith("/.default")
        if form.get("client_id") != CLIENT or form.get("client_secret") != SECRET or self.locked:
            told = {"error": "invalid_client", "error_description": f"AADSTS7000215: {form.get('client_secret')}"}
            return web.json_response(told, status=401)
        self.issued += 1
        token = f"eyJ0-token-{self.issued}-0123456789"
        self.tokens.add(token)
        return web.json_response({"token_type": "Bearer", "expires_in": self.lives, "access_token": token})

    # -- reading

    def _row(self, set_: str, id_: str, request: web.Request) -> dict[str, Any]:
        if id_ not in self.tables[set_]:
            raise Fault(404, "0x80040217", f"{set_[:-1]} With Id = {id_} Does Not Exist")
        return self._shown(set_, self.tables[set_][id_], request)

    def _many(self, set_: str, request: web.Request) -> dict[str, Any]:
        if set_ not in TABLES:
            raise Fault(404, "0x8006088a", f"Resource not found for the segment '{set_}'.")
        asked, wishes = request.query, request.headers.get("Prefer", "")
        size = int(found[1]) if (found := re.search(r"odata\.maxpagesize=(\d+)", wishes)) else 5000
        if "odata.track-changes" in wishes or "$deltatoken" in asked or "!" in asked.get("$skiptoken", ""):
            return self._changes(set_, request, size)
        rows = [row for row in self.tables[set_].values() if _meets(row, asked.get("$filter", ""))]
        name, _, way = asked.get("$orderby", TABLES[set_][0]).partition(" ")
        rows.sort(key=lambda row: row[name] or "", reverse=way == "desc")
        told: dict[str, Any] = {"@odata.count": min(len(rows), 5000)} if "$count" in asked else {}
        if "$top" in asked and "maxpagesize" not in wishes:
            rows, size = rows[: int(asked["$top"])], 5000
        start = int(asked.get("$skiptoken", "0"))
        told["value"] = [self._shown(set_, row, request) for row in rows[start : start + size]]
        if len(rows) > start + size:
            told["@odata.nextLink"] = self._link(set_, request, skiptoken=str(start + size))
        return told

    def _changes(self, set_: str, request: web.Request, size: int) -> dict[str, Any]:
        """By version, deleted rows behind all others. A cookie is `from!to!last`, a token `version!time`."""
        asked, key = request.query, TABLES[set_][0]
        if not self.tracked:
            raise Fault(400, "0x80071136", _UNTRACKED.format(set_[:-1]))
        for option in ("filter", "orderby", "expand", "top"):
            if f"${option}" in asked:
                raise Fault(
                    400, "0x0", f'The "${option}" query parameter isn\'t supported when Change Tracking is enabled.'
                )
        since, until, last = 0, self.version, 0
        if "$skiptoken" in asked:
            since, until, last = (int(part) for part in asked["$skiptoken"].split("!"))
            if self.between_pages is not None:
                act, self.between_pages = self.between_pages, None
                act()
        elif "$deltatoken" in asked:
            since = int(asked["$deltatoken"].split("!")[0])
            if since < self.forgotten:
                raise Fault(400, "0x80044352", "Version stamp associated with the client has expired.")
        gone = 10**12
        rows: list[tuple[int, dict[str, Any]]] = [
            (row["versionnumber"], self._shown(set_, row, request))
            for row in self.tables[set_].values()
            if row["versionnumber"] > since
        ]
        context = f"{self.url}{BASE}/$metadata#{set_}/$deletedEntity"
        if since:
            for version, of, id_ in self.removed:
                if of == set_ and version > since:
                    rows.append((gone + version, {"@odata.context": context, "id": id_, "reason": "deleted"}))
        rows = sorted(((order, row) for order, row in rows if order > last), key=lambda each: each[0])
        told: dict[str, Any] = {"value": [row for _, row in rows[:size]]}
        if len(rows) > size:
            told["@odata.nextLink"] = self._link(set_, request, skiptoken=f"{since}!{until}!{rows[size - 1][0]}")
        else:
            token = self.version if self.token_at_end else until
            told["@odata.deltaLink"] = self._link(set_, request, deltatoken=f"{token}!08/22/2017 08:10:44")
            assert key in asked.get("$select", key)
        return told

    def _link(self, set_: str, request: web.Request, **token: str) -> str:
        kept = [(name, value) for name, value in request.query.items() if name not in ("$skiptoken", "$deltatoken")]
        options = [*kept, *((f"${name}", value) for name, value in token.items())]
        return f"{self.public or self.url}{BASE}/{set_}?" + "&".join(
            f"{name}={quote(value, safe=',')}" for name, value in options
        )

    def _shown(self, set_: str, row: dict[str, Any], request: web.Request) -> dict[str, Any]:
        key, columns = TABLES[set_]
        told: dict[str, Any] = {"@odata.etag": f'W/"{row["versionnumber"]}"', key: row[key]}
        for name in request.query.get("$select", "").split(","):
            column = name.removeprefix("_").removesuffix("_value") if name.startswith("_") else name
            if column not in columns and name != key:
                type_ = f"Microsoft.Dynamics.CRM.{set_[:-1]}"
                raise Fault(400, "0x80060888", f"Could not find a property named '{name}' on type '{type_}'.")
            value = None if column in self.secured else row[column]
            told[name] = self._wired(column, columns.get(column, ""), value)
            shown = self._formatted(column, columns.get(column, ""), value) if value is not None else None
            if shown is not None and FORMATTED in request.headers.get("Prefer", ""):
                told[f"{name}@{FORMATTED}"] = shown
        return told

    def _wired(self, column: str, type_: str, value: Any) -> Any:
        return stamp(value) if type_ == "DateTime" and column not in DAYS and value is not None else value

    def _formatted(self, column: str, type_: str, value: Any) -> str | None:
        match type_:
            case "Picklist" | "State":
                return INDUSTRIES.get(value, str(value)) if column == "industrycode" else "Active"
            case "Money":
                return f"¥{value:,.2f}"
            case "Integer":
                return f"{value:,}"
            case "Lookup" | "Owner" | "Customer":
                named = [rows[value] for rows in self.tables.values() if value in rows]
                return str(named[0].get("fullname") or named[0].get("name")) if named else None
        return None

    # -- writing

    def _patch(self, set_: str, id_: str, request: web.Request, values: dict[str, Any]) -> web.Response:
        if self.before_write is not None:
            act, self.before_write = self.before_write, None
            act()
        self.written_with.append({**request.headers, "tag": request.query.get("tag", "")})
        assert "If-Match" in request.headers, "without it a row that is gone would be made anew"
        row = self.tables[set_].get(id_)
        if row is None:
            raise Fault(404, "", f"{set_[:-1]} With Id = {id_} Does Not Exist")
        if request.headers["If-Match"] not in ("*", f'W/"{row["versionnumber"]}"'):
            raise Fault(412, "", _MOVED)
        for name, value in values.items():
            self._check(set_, name, value, request)
        dated = {name for name in values if TABLES[set_][1][name] == "DateTime" and name not in DAYS}
        values = {name: moment(it) if name in dated and it is not None else it for name, it in values.items()}
        self.set(set_, id_, US, **values)
        shows = self.represents and "return=representation" in request.headers.get("Prefer", "")
        told = web.json_response(self._row(set_, id_, request)) if shows else web.Response(status=204)
        return self._after(request, told)

    def _check(self, set_: str, name: str, value: Any, request: web.Request) -> None:
        type_ = TABLES[set_][1].get(name)
        if type_ is None or type_ in LOOKUPS:
            raise Fault(400, "0x80060888", f"Could not find a property named '{name}' on type 'x.{set_[:-1]}'.")
        if name == "industrycode" and value is not None and value not in INDUSTRIES:
            said = f"The value {value} of '{name}' on <b>record</b> of type 'account' is outside the valid range."
            raise Fault(400, "0x80048408", said)
        kinds = {"Money": (int, float), "Integer": int, "Picklist": int, "Boolean": bool}
        if value is not None and not isinstance(value, kinds.get(type_, str)):  # type: ignore[arg-type]
            raise Fault(400, "0x80060891", f"Cannot convert the literal '{value}' to the expected type")
        if type_ == "DateTime" and value is not None:
            assert ("T" in value) is (name not in DAYS), "Edm.Date takes no time, Edm.DateTimeOffset wants one"
        detects = request.headers.get("MSCRM.SuppressDuplicateDetection") == "false"
        if (
            self.unique
            and detects
            and name == "telephone1"
            and any(value == it[name] for it in self.tables[set_].values())
        ):
            raise Fault(412, "0x80040333", _TWIN)

    def _note(self, request: web.Request, values: dict[str, Any]) -> web.Response:
        bind = str(values.pop("objectid_account@odata.bind")).removeprefix("/")
        id_ = self.put("annotations", US, **values, objectid=_one(bind)[1])
        return self._after(request, web.json_response(self._row("annotations", id_, request), status=201))

    def _after(self, request: web.Request, answer: web.Response) -> web.Response:
        if self.lose_answer:
            self.lose_answer = False
            assert request.transport is not None
            request.transport.abort()
        return answer

    # -- what it says of itself

    def _definitions(self, path: str, query: Any) -> list[dict[str, Any]]:
        found = re.fullmatch(
            r"/EntityDefinitions\(LogicalName='(\w+)'\)/Attributes(?:/Microsoft\.Dynamics\.CRM\.(\w+))?", path
        )
        assert found is not None and "LogicalName" in query["$select"], path
        key, columns = TABLES[SETS[found[1]]]
        cast = (found[2] or "").removesuffix("AttributeMetadata")
        if not cast:
            return [
                _about(key, "Uniqueidentifier", False),
                *(_about(*each, each[0] in self.secured) for each in columns.items()),
            ]
        of = [name for name, type_ in columns.items() if type_ == cast]
        if cast == "DateTime":
            return [
                {"LogicalName": n, "DateTimeBehavior": {"Value": "DateOnly" if n in DAYS else "UserLocal"}} for n in of
            ]
        return [{"LogicalName": name, "OptionSet": _options(name), "GlobalOptionSet": None} for name in of]

    def _details(self, set_: str, id_: str) -> dict[str, Any]:
        row = self.tables[set_][id_]
        type_ = {"@odata.type": "#Microsoft.Dynamics.CRM.account"}
        new = {name: value for name, value in row["new"].items() if value is not None}
        for name in [name for name in new if name == "industrycode"]:
            new[f"{name}@{FORMATTED}"] = INDUSTRIES[new[name]]
        detail = {"@odata.type": "#Microsoft.Dynamics.CRM.AttributeAuditDetail", "OldValue": {**type_, **row["old"]}}
        return {"AuditDetail": {**detail, "NewValue": {**type_, **new}}}


def _one(segment: str) -> tuple[str, str]:
    set_, _, id_ = segment.rstrip(")").partition("(")
    return set_, id_


def _meets(row: dict[str, Any], condition: str) -> bool:
    parts = re.split(r" and (?![^(]*\))", condition) if condition else []
    return all(_meets_one(row, part) for part in parts)


def _meets_one(row: dict[str, Any], condition: str) -> bool:
    if condition.startswith("("):
        return any(_meets_one(row, each) for each in condition.strip("()").split(" or "))
    name, operator, wanted = condition.split(" ")
    if "/" in name:  # by a lookup's navigation property: the row it leads to has a key
        value = row[name.split("_")[0]]
        assert (operator, wanted) == ("ne", "null")
        return value is not None
    column = name.removeprefix("_").removesuffix("_value") if name.startswith("_") else name
    value = row[column]
    match operator:
        case "eq":
            return str(value) == wanted.strip("'") if wanted != "null" else value is None
        case "ge":
            return bool(value >= moment(wanted))
    raise AssertionError(f"no condition the stand-in knows: {condition}")


def _label(text: str) -> dict[str, Any]:
    return {"LocalizedLabels": [], "UserLocalizedLabel": {"Label": text, "LanguageCode": 1033}}


def _options(name: str) -> dict[str, Any]:
    known = INDUSTRIES if name == "industrycode" else {0: "Active", 1: "Inactive"}
    return {"Options": [{"Value": value, "Label": _label(label)} for value, label in known.items()]}


def _about(name: str, type_: str, secured: bool) -> dict[str, Any]:
    about = {"LogicalName": name, "AttributeType": type_, "DisplayName": _label(name.title()), "IsValidForRead": True}
    derived = name.removesuffix("name") if type_ == "Virtual" else None
    return {**about, "IsValidForUpdate": name not in SYSTEM, "IsSecured": secured, "AttributeOf": derived}
