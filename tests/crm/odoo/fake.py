"""A stand-in for Odoo's `/jsonrpc`. Written by us after Odoo 17's sources and what a real one was seen to answer:
`False` for empty, pairs for links, times cut to seconds though kept in microseconds, faults with HTTP 200, no
optimistic lock, unknown fields and arguments refused."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

DB, LOGIN, KEY, UID, PERSON = "acme", "floatcard@example.com", "api-key-0123456789", 7, 9

_CHAR, _HTML, _BOOL, _INT = {"type": "char"}, {"type": "html"}, {"type": "boolean"}, {"type": "integer"}
_WHEN = {"type": "datetime", "readonly": True}


def _link(model: str, **more: Any) -> dict[str, Any]:
    return {"type": "many2one", "relation": model, **more}


BASE = {"id": {**_INT, "readonly": True}, "write_date": _WHEN, "create_date": _WHEN} | {
    name: _link("res.users", readonly=True) for name in ("write_uid", "create_uid")
}
FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "res.partner": BASE
    | dict.fromkeys(("name", "phone", "email", "street", "city", "website", "function", "ref"), _CHAR)
    | {
        "active": _BOOL,
        "is_company": _BOOL,
        "partner_share": {**_BOOL, "readonly": True},
        "comment": _HTML,
        "type": {"type": "selection", "selection": [["contact", "Contact"], ["invoice", "Invoice"]]},
        "credit_limit": {"type": "float"},
        "color": _INT,
        "date": {"type": "date"},
        "industry_id": _link("res.partner.industry"),
        "parent_id": _link("res.partner"),
        "user_id": _link("res.users"),
        "state_id": _link("res.country.state"),
        "category_id": {"type": "many2many", "relation": "res.partner.category"},
    },
    "res.partner.industry": BASE | {"name": _CHAR},
    "res.country.state": BASE | {"name": _CHAR},
    "res.users": BASE | {"name": _CHAR, "login": _CHAR, "email": _CHAR, "active": _BOOL, "share": _BOOL},
    "mail.message": BASE
    | {"model": _CHAR, "message_type": _CHAR, "res_id": _INT, "body": _HTML, "date": {"type": "datetime"}}
    | {"author_id": _link("res.partner"), "tracking_value_ids": {"type": "one2many"}, "is_internal": _BOOL},
    "mail.activity": BASE
    | {"res_model": _CHAR, "res_id": _INT, "summary": _CHAR, "note": _HTML, "date_deadline": {"type": "date"}}
    | {"user_id": _link("res.users"), "activity_type_id": _link("mail.activity.type")},
    "mail.activity.type": BASE | {"name": _CHAR},
    "mail.tracking.value": BASE
    | {"field_id": _link("ir.model.fields"), "mail_message_id": _link("mail.message")}
    | {"new_value_integer": _INT, "new_value_float": {"type": "float"}, "new_value_datetime": _WHEN}
    | {"new_value_char": _CHAR, "new_value_text": {"type": "text"}},
    "ir.model.fields": BASE | {"name": _CHAR, "ttype": _CHAR},
}
_METHODS: Mapping[str, frozenset[str]] = {
    "search_read": frozenset({"fields", "offset", "limit", "order"}),
    "fields_get": frozenset({"allfields", "attributes"}),
    "search_count": frozenset({"limit"}),
    "write": frozenset(),
    "name_search": frozenset({"name", "args", "operator", "limit"}),
    "message_post": frozenset({"body", "message_type", "subtype_xmlid", "body_is_html", "author_id"}),
}


class Fault(Exception):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(slots=True)
class FakeOdoo:
    now: float = 1_790_000_000.0
    step: float = 0.3
    """Seconds that pass with every write: three of them fall into one second."""
    version: Any = field(default_factory=lambda: {"server_version": "17.0", "server_version_info": [17, 0, 0, "final"]})
    tables: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    locked: bool = False
    administrator: bool = True
    language: str = "zh_CN"
    """Of the gateway's account."""
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    """(language, English) -> what people read there, of names that are translated."""
    answer: Callable[[web.Request], web.StreamResponse | None] | None = None
    """Instead of any answer of its own."""
    before_write: Callable[[], None] | None = None
    lose_answer: str = ""
    """The method that is done, but whose answer is lost."""
    fault: Fault | None = None
    calls: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        for id_, name in ((UID, "Floatcard"), (PERSON, "Li Ting")):
            self.put("res.users", id=id_, name=name, login=f"{id_}@example.com", active=True, share=False)

    # -- what people do there

    def put(self, model: str, by: int = PERSON, /, **values: Any) -> int:
        table = self.tables[model]
        id_ = values.get("id") or max(table, default=0) + 1
        self.tick()
        blank: dict[str, Any] = dict.fromkeys(FIELDS[model])
        stamp = {"id": id_, "write_date": self.now, "create_date": self.now, "write_uid": by, "create_uid": by}
        if model == "res.partner":
            blank |= {"active": True, "is_company": True, "partner_share": True, "type": "contact"}
        table[id_] = {**blank, **stamp, **values}
        return int(id_)

    def set(self, model: str, id_: int, by: int = PERSON, **values: Any) -> None:
        self.tick()
        self.tables[model][id_] |= {**values, "write_date": self.now, "write_uid": by}

    def merge(self, gone: int, into: int) -> None:
        """As the merge wizard does: what belonged to the one belongs to the other, and the one is erased."""
        was = self.tables["res.partner"].pop(gone)
        for message in self.tables["mail.message"].values():
            if message["model"] == "res.partner" and message["res_id"] == gone:
                message["res_id"] = into
        body = html.escape(f"Merged with the following partners: {was['name']} <{was['email'] or 'n/a'}> (ID {gone})")
        told = {"model": "res.partner", "res_id": into, "message_type": "notification", "date": self.now}
        self.put("mail.message", PERSON, **told, body=f"<p>{body}</p>")

    def tick(self) -> None:
        self.now += self.step

    # -- the wire

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.answer is not None and (instead := self.answer(request)) is not None:
            return instead
        assert (request.method, request.path) == ("POST", "/jsonrpc")
        asked = await request.json()
        assert asked["jsonrpc"] == "2.0" and asked["method"] == "call"
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            result = self._service(**asked["params"])
            if self.lose_answer and asked["params"]["args"][4:5] == [self.lose_answer]:
                self.lose_answer = ""
                assert request.transport is not None
                request.transport.abort()
            if result is not None:
                told["result"] = result
        except Fault as fault:
            data = {"name": fault.name, "debug": f"Traceback … {KEY}", "message": str(fault), "arguments": [str(fault)]}
            told["error"] = {"code": 200, "message": "Odoo Server Error", "data": data}
        return web.json_response(told, headers={"Date": _http_date(self.now)})

    def _service(self, service: str, method: str, args: list[Any]) -> Any:
        match service, method:
            case "common", "version":
                return self.version
            case "common", "authenticate":
                db, login, key, agent = args
                assert isinstance(agent, dict)
                return UID if (db, login, key) == (DB, LOGIN, KEY) and not self.locked else False
            case "object", "execute_kw":
                db, uid, key, model, name, positional, named = args
                if (db, uid, key) != (DB, UID, KEY) or self.locked:
                    raise Fault("odoo.exceptions.AccessDenied", "Access Denied")
                return self._execute(model, name, positional, named)
        raise Fault("builtins.Exception", f"no {service}.{method}")

    def _execute(self, model: str, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        self.calls.append((model, method, args, kwargs))
        lang = kwargs.pop("context", {}).get("lang", "")
        if model == "res.users" and method == "context_get":
            return {"lang": self.language, "tz": "Asia/Shanghai", "uid": UID}
        if self.fault is not None:
            raise self.fault
        assert lang == self.language
        if model not in self.tables:
            raise Fault("builtins.KeyError", f"Object {model} doesn't exist")
        if unknown := set(kwargs) - _METHODS[method]:
            raise Fault("builtins.TypeError", f"{method}() got an unexpected keyword argument {min(unknown)!r}")
        return getattr(self, f"_{method}")(model, *args, **kwargs)

    def _fields_get(self, model: str, allfields: Any = None, attributes: Any = None) -> Any:
        if model == "mail.tracking.value" and not self.administrator:
            raise Fault("odoo.exceptions.AccessError", "You are not allowed to access 'Mail Tracking Value' records.")
        usual = {"string": "", "readonly": False, "store": True}
        return {
            name: {key: value for key, value in {**usual, "string": name.title(), **about}.items() if key in attributes}
            for name, about in FIELDS[model].items()
        }

    def _search_read(
        self, model: str, domain: list[Any], fields: list[str], offset: int = 0, limit: int = 0, order: str = "id"
    ) -> Any:
        if model == "mail.tracking.value" and not self.administrator:
            raise Fault("odoo.exceptions.AccessError", "You are not allowed to access 'Mail Tracking Value' records.")
        for name in fields:
            if name not in FIELDS[model]:
                raise Fault("builtins.ValueError", f"Invalid field {name!r} on model {model!r}")
        found = [row for row in self.tables[model].values() if self._meets(model, domain, row)]
        for part in reversed(order.split(",")):
            name, _, way = part.strip().partition(" ")
            found.sort(key=lambda row: (row[name] is not None, row[name] or 0), reverse=way == "desc")
        chosen = found[offset : offset + limit] if limit else found[offset:]
        return [{"id": row["id"]} | {name: self._shown(model, name, row[name]) for name in fields} for row in chosen]

    def _search_count(self, model: str, domain: list[Any]) -> int:
        return sum(self._meets(model, domain, row) for row in self.tables[model].values())

    def _shown(self, model: str, name: str, value: Any) -> Any:
        about = FIELDS[model][name]
        if about["type"] == "datetime":
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S") if value else False
        if about["type"] == "many2one":
            row = self.tables.get(about["relation"], {}).get(value or 0)
            return [value, row.get("name") or ""] if row else False
        if about["type"] in ("one2many", "many2many"):
            return value or []
        return False if value is None else value

    def _meets(self, model: str, domain: list[Any], row: dict[str, Any]) -> bool:
        """Polish notation; without an operator between them terms are joined by `&`. `active` where nobody asks."""
        if "active" in FIELDS[model] and not any(isinstance(term, list) and term[0] == "active" for term in domain):
            domain = [["active", "=", True], *domain]
        stack: list[bool] = []
        for term in reversed(domain):
            if term == "!":
                stack.append(not stack.pop())
            elif term in ("&", "|"):
                left, right = stack.pop(), stack.pop()
                stack.append(left and right if term == "&" else left or right)
            else:
                stack.append(self._leaf(model, term, row))
        return all(stack)

    def _leaf(self, model: str, term: Any, row: dict[str, Any]) -> bool:
        name, operator, wanted = term
        if name not in FIELDS[model]:
            raise Fault("builtins.ValueError", f"Invalid field {model}.{name} in leaf {term!r}")
        value = row[name]
        if FIELDS[model][name]["type"] == "datetime":
            wanted = datetime.strptime(wanted, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        match operator:
            case "=":
                return bool(value == wanted) or (wanted is False and not value)
            case "!=":
                return bool(value) if wanted is False else bool(value != wanted)
            case "in":
                return value in wanted
            case ">" | ">=" | "<" | "like" | "=like" if value is None:
                return False
            case "<":
                return bool(value < wanted)
            case "like":
                return wanted in value
            case "=like":
                return re.fullmatch(".*".join(map(re.escape, wanted.split("%"))), value, re.DOTALL) is not None
            case ">":
                return bool(value > wanted)
            case ">=":
                return bool(value >= wanted)
        raise Fault("builtins.ValueError", f"Invalid leaf {term!r}")

    def _write(self, model: str, ids: list[int], values: dict[str, Any]) -> Any:
        if self.before_write is not None:
            act, self.before_write = self.before_write, None
            act()
        for id_ in ids:
            if id_ not in self.tables[model]:
                raise Fault(
                    "odoo.exceptions.MissingError", f"Record does not exist or has been deleted. ({model}({id_},))"
                )
            for name, value in values.items():
                if name not in FIELDS[model]:
                    raise Fault("builtins.ValueError", f"Invalid field {name!r} on model {model!r}")
                if name == "email" and value == "taken@example.com":
                    raise Fault("odoo.exceptions.ValidationError", "Another <b>partner</b> has this e-mail.")
                self._kind_holds(model, name, value)
            self.set(model, id_, UID, **{name: None if value is False else value for name, value in values.items()})
        return True

    def _kind_holds(self, model: str, name: str, value: Any) -> None:
        wanted = {"char": str, "html": str, "float": float | int, "integer": int, "many2one": int, "date": str}
        kind = FIELDS[model][name]["type"]
        if value is not False and kind in wanted and not isinstance(value, wanted[kind]):
            raise Fault("psycopg2.errors.InvalidTextRepresentation", f"invalid input for {name}")

    def _name_search(self, model: str, name: str, args: Any = None, operator: str = "ilike", limit: int = 100) -> Any:
        assert operator == "="
        return [[id_, row["name"]] for id_, row in self.tables[model].items() if row["name"] == name][:limit]

    def _message_post(
        self,
        model: str,
        ids: list[int],
        body: str = "",
        message_type: str = "notification",
        subtype_xmlid: str = "",
        body_is_html: bool = False,
    ) -> Any:
        (id_,) = ids
        kept = body if body_is_html else f"<p>{html.escape(body)}</p>"
        told = {"model": model, "res_id": id_, "message_type": message_type, "body": kept, "date": self.now}
        return self.put("mail.message", UID, **told)


def _http_date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
