"""SCIM 2.0 resources (RFC 7643) and patches (RFC 7644 §3.5.2) as pure values, as Entra ID and Okta send them too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"

Json = Any
Resource = dict[str, Json]

LONGEST: Final = 256
MANY: Final = 20
MEMBERS: Final = 50_000
_TEXTS: Final = (
    "userName",
    "externalId",
    "displayName",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
)
_NAMES: Final = ("formatted", "familyName", "givenName")
_TEAMS: Final = ("department", "division", "costCenter", "organization")
_PATH: Final = re.compile(
    r"(?:(?P<urn>urn:[A-Za-z0-9:._-]+):)?(?P<attr>[A-Za-z$][\w$-]*)"
    r"(?:\[\s*(?P<by>[A-Za-z]\w*)\s+eq\s+(?P<value>\"(?:[^\"\\]|\\.)*\"|true|false)\s*\])?(?:\.(?P<sub>[A-Za-z$]\w*))?",
    re.IGNORECASE,
)
_FILTER: Final = re.compile(
    r"\s*(?P<attr>[A-Za-z][\w.:$-]*(?:\[[^\]]*\])?(?:\.\w+)?)\s+eq\s+(?P<value>\"(?:[^\"\\]|\\.)*\"|true|false)\s*",
    re.IGNORECASE,
)


class Wrong(Exception):
    """What a client sent cannot be taken. `kind` is SCIM's own word for it, `say` is for whoever set it up."""

    def __init__(self, say: str, kind: str = "invalidValue", status: int = 400) -> None:
        super().__init__(kind)
        self.say = say
        self.kind = kind
        self.status = status


# -- resources


def user(sent: Json) -> Resource:
    """What we keep of a user as it was sent. Raises `Wrong` naming the attribute that is missing or does not fit."""
    body = _object(sent, USER)
    found: Resource = {name: text for name in _TEXTS if (text := _text(body, name))}
    if "userName" not in found:
        raise Wrong("A user needs a userName, a text.")
    name = body.get("name")
    if name is not None and not isinstance(name, dict):
        raise Wrong("name: send an object with givenName and familyName, or formatted.")
    if parts := {each: text for each in _NAMES if (text := _text(name or {}, each, "name."))}:
        found["name"] = parts
    found["active"] = truth(body.get("active", True), "active")
    if emails := _emails(body.get("emails")):
        found["emails"] = emails
    more = body.get(ENTERPRISE.lower(), {})
    if not isinstance(more, dict):
        raise Wrong(f"{ENTERPRISE}: send an object.")
    if teams := {each: text for each in _TEAMS if (text := _text(_low(more), each))}:
        found[ENTERPRISE] = teams
    return found


def group(sent: Json) -> Resource:
    body = _object(sent, GROUP)
    name = _text(body, "displayName")
    if not name:
        raise Wrong("A group needs a displayName, a text.")
    found: Resource = {"displayName": name, "members": members(body.get("members"))}
    if external := _text(body, "externalId"):
        found["externalId"] = external
    return found


def members(sent: Json) -> list[str]:
    """The ids of those meant."""
    listed = [] if sent is None else sent if isinstance(sent, list) else [sent]
    if len(listed) > MEMBERS:
        raise Wrong(f"members: at most {MEMBERS} in one request.", "tooMany")
    ids: list[Json] = [each.get("value") if isinstance(each, dict) else each for each in listed]
    if not all(
        isinstance(each, str) and 0 < len(each) <= LONGEST and each.isascii() and each.isprintable() for each in ids
    ):
        raise Wrong('members: send a list of objects with a "value", the id of a user.')
    return list(dict.fromkeys(ids))


def shown_name(found: Mapping[str, Json]) -> str:
    """What a person is called: displayName, else name.formatted, else its parts, else the userName."""
    name = found.get("name", {})
    parts = " ".join(part for part in (name.get("givenName", ""), name.get("familyName", "")) if part)
    return str(found.get("displayName") or name.get("formatted") or parts or found.get("userName", ""))


def addresses(found: Mapping[str, Json]) -> tuple[str, ...]:
    """The primary one first."""
    listed = sorted(found.get("emails", ()), key=lambda each: not each.get("primary", False))
    return tuple(each["value"] for each in listed)


def truth(sent: Json, name: str) -> bool:
    """A boolean, also as the text that some clients send."""
    if isinstance(sent, bool):
        return sent
    if isinstance(sent, str) and sent.strip().lower() in ("true", "false"):
        return sent.strip().lower() == "true"
    raise Wrong(f"{name}: send true or false.")


def _object(sent: Json, schema: str) -> dict[str, Json]:
    """With small names: SCIM's are the same in every case. Texts we cannot keep are refused."""
    if not isinstance(sent, dict):
        raise Wrong("Send one JSON object.", "invalidSyntax")
    body = _low(sent)
    schemas = body.get("schemas")
    if not isinstance(schemas, list) or schema.lower() not in [str(each).lower() for each in schemas]:
        raise Wrong(f'schemas: send a list with "{schema}" in it.')
    return body


def _low(body: Mapping[str, Json]) -> dict[str, Json]:
    return {str(name).lower(): value for name, value in body.items()}


def _text(body: Mapping[str, Json], name: str, before: str = "") -> str:
    value = {**_low(body)}.get(name.lower())
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Wrong(f"{before}{name}: send a text.")
    if len(value) > LONGEST:
        raise Wrong(f"{before}{name}: at most {LONGEST} signs.")
    if any(sign == "\0" or 0xD800 <= ord(sign) < 0xE000 for sign in value):
        raise Wrong(f"{before}{name}: it has signs that are no text.")
    return "".join(sign for sign in value if sign.isprintable()).strip()


def _emails(sent: Json) -> list[Resource]:
    if sent is None:
        return []
    if not isinstance(sent, list) or len(sent) > MANY:
        raise Wrong(f'emails: send a list of at most {MANY} objects with a "value".')
    found = []
    for each in sent:
        value = _text(each, "value", "emails.") if isinstance(each, dict) else ""
        if not value or "@" not in value:
            raise Wrong('emails: each needs a "value", an e-mail address.')
        primary = truth(_low(each).get("primary", False), "emails.primary")
        kept: Resource = {"value": value, "primary": primary}
        found.append({**kept, "type": kind} if (kind := _text(each, "type", "emails.")) else kept)
    return found


# -- filters


def wanted(text: str) -> tuple[str, str] | None:
    """(attribute in small letters, value) of a filter with one `eq`; None without a filter."""
    if not text.strip():
        return None
    found = _FILTER.fullmatch(text) if len(text) <= 1000 else None
    if found is None:
        raise Wrong('Only one comparison by eq is understood, such as userName eq "li@acme.com".', "invalidFilter")
    attr = found["attr"].lower().removeprefix(f"{USER.lower()}:").removeprefix(f"{GROUP.lower()}:")
    return attr, _unquoted(found["value"])


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text.lower()


# -- patches


def operations(sent: Json) -> list[tuple[str, str, Json]]:
    """(`add`, `replace` or `remove`; the path or ""; the value)."""
    body = _object(sent, PATCH)
    listed = body.get("operations")
    if not isinstance(listed, list) or not listed or len(listed) > 1000:
        raise Wrong("Operations: send a list of one to 1000 operations.", "invalidSyntax")
    return [_operation(each) for each in listed]


def _operation(sent: Json) -> tuple[str, str, Json]:
    each = _low(sent) if isinstance(sent, dict) else {}
    kind, path = each.get("op"), each.get("path") or ""
    if not isinstance(kind, str) or kind.lower() not in ("add", "replace", "remove"):
        raise Wrong("op: send add, replace or remove.", "invalidSyntax")
    if not isinstance(path, str) or len(path) > 1000 or (path and _PATH.fullmatch(path.strip()) is None):
        raise Wrong("path: it is not understood.", "invalidPath")
    if kind.lower() == "remove" and not path:
        raise Wrong("remove needs a path.", "noTarget")
    return kind.lower(), path.strip(), each.get("value")


def patched(before: Resource, changes: list[tuple[str, str, Json]]) -> Resource:
    """The user after all of them. What we do not keep is passed over. Raises `Wrong`, and then nothing is done."""
    now: Resource = {**before, "schemas": [USER]}
    for kind, path, value in changes:
        if path:
            _set(now, kind, path, value)
        elif isinstance(value, dict):
            for name, each in value.items():
                _set(now, kind, str(name), each)
        else:
            raise Wrong("Without a path, value is an object of attributes.")
    return user(now)


def _set(now: Resource, kind: str, path: str, value: Json) -> None:
    if path.lower() == ENTERPRISE.lower():
        merged = {} if kind == "remove" or not isinstance(value, dict) else {**now.get(ENTERPRISE, {}), **value}
        now[ENTERPRISE] = merged
        return
    found = _PATH.fullmatch(path)
    if found is None:
        raise Wrong("path: it is not understood.", "invalidPath")
    if (found["urn"] or "").lower() == ENTERPRISE.lower():
        now[ENTERPRISE] = _with(now.get(ENTERPRISE, {}), found["attr"], None if kind == "remove" else value, _TEAMS)
    elif (found["urn"] or USER).lower() != USER.lower():
        return  # of an extension we know nothing of: its `active` is not ours
    elif found["attr"].lower() == "name":
        _set_name(now, kind, found["sub"] or "", value)
    elif found["attr"].lower() == "emails":
        now["emails"] = _patched_emails(now.get("emails", []), kind, found, value)
    else:
        kept = (*_TEXTS, "active")
        changed = _with(now, found["attr"], None if kind == "remove" else value, kept)
        now.clear()
        now.update(changed)


def _set_name(now: Resource, kind: str, sub: str, value: Json) -> None:
    if sub:
        now["name"] = _with(now.get("name", {}), sub, None if kind == "remove" else value, _NAMES)
    elif kind == "remove":
        now.pop("name", None)
    elif isinstance(value, dict):
        now["name"] = {**now.get("name", {}), **value}
    else:
        raise Wrong("name: send an object with givenName and familyName, or formatted.")


def _with(before: Mapping[str, Json], name: str, value: Json, kept: tuple[str, ...]) -> Resource:
    """With one attribute set, by its name in any case; None takes it away. What is not kept is passed over."""
    named = next((each for each in kept if each.lower() == name.lower()), None)
    if named is None:
        return dict(before)
    rest = {key: each for key, each in before.items() if key != named}
    return rest if value is None else {**rest, named: value}


def _patched_emails(before: list[Resource], kind: str, found: re.Match[str], value: Json) -> list[Resource]:
    if not found["by"]:
        if kind == "remove":
            return []
        sent = value if isinstance(value, list) else [{"value": value} if isinstance(value, str) else value]
        if not all(isinstance(each, dict) for each in sent):
            raise Wrong('emails: send a list of objects with a "value".')
        return sent if kind == "replace" else [*before, *(each for each in sent if each not in before)]
    by, wanted_ = found["by"].lower(), _unquoted(found["value"])
    fits = [str(each.get(by, "")).lower() == wanted_.lower() for each in before]
    if kind == "remove":
        return [each for each, fit in zip(before, fits, strict=True) if not fit]
    set_ = {found["sub"].lower(): value} if found["sub"] else dict(value) if isinstance(value, dict) else {}
    if any(fits):
        return [{**each, **set_} if fit else each for each, fit in zip(before, fits, strict=True)]
    return [*before, {by: truth(wanted_, by) if by == "primary" else wanted_, **set_}]


def patched_group(before: Resource, changes: list[tuple[str, str, Json]]) -> Resource:
    now: Resource = {**before, "members": list(before["members"])}
    for kind, path, value in changes:
        if path:
            _set_group(now, kind, path, value)
        elif isinstance(value, dict):
            for name, each in value.items():
                _set_group(now, kind, str(name), each)
        else:
            raise Wrong("Without a path, value is an object of attributes.")
    return group({**now, "schemas": [GROUP], "members": [{"value": each} for each in now["members"]]})


def _set_group(now: Resource, kind: str, path: str, value: Json) -> None:
    found = _PATH.fullmatch(path)
    if found is None:
        raise Wrong("path: it is not understood.", "invalidPath")
    name = found["attr"].lower()
    if (found["urn"] or GROUP).lower() != GROUP.lower():
        return
    if name == "members":
        now["members"] = _patched_members(now["members"], kind, found, value)
    elif name in ("displayname", "externalid"):
        key = "displayName" if name == "displayname" else "externalId"
        now[key] = None if kind == "remove" else value


def _patched_members(before: list[str], kind: str, found: re.Match[str], value: Json) -> list[str]:
    if found["by"]:
        if found["by"].lower() != "value" or kind != "remove":
            raise Wrong('members: only remove with [value eq "…"] is understood.', "invalidPath")
        return [each for each in before if each != _unquoted(found["value"])]
    meant = members(value)
    if kind == "remove":
        gone = frozenset(meant)
        return [] if value is None else [each for each in before if each not in gone]
    return meant if kind == "replace" else list(dict.fromkeys([*before, *meant]))
