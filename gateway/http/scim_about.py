"""What our SCIM endpoint says of itself: what it can do, and which attributes it keeps (RFC 7643 §5 to §7)."""

from __future__ import annotations

from typing import Any

from identity.scim import ENTERPRISE, GROUP, USER

Json = dict[str, Any]
_META = "urn:ietf:params:scim:schemas:core:2.0:"


def told(what: str, name: str, url: str) -> Json | list[Json] | None:
    """None where there is nothing of that name."""
    if what == "ServiceProviderConfig":
        return _config(url) if not name else None
    found = _types(url) if what == "ResourceTypes" else _schemas(url)
    return found if not name else next((each for each in found if each["id"] == name), None)


def _config(url: str) -> Json:
    no = {"supported": False}
    bearer = {
        "type": "oauthbearertoken",
        "name": "Bearer token",
        "description": "A token of the scope scim, made with `floatcard token`.",
        "primary": True,
    }
    return {
        "schemas": [f"{_META}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": 200},
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [bearer],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{url}/ServiceProviderConfig"},
    }


def _types(url: str) -> list[Json]:
    user = _type(url, "User", "/Users", USER) | {"schemaExtensions": [{"schema": ENTERPRISE, "required": False}]}
    return [user, _type(url, "Group", "/Groups", GROUP)]


def _type(url: str, name: str, endpoint: str, schema: str) -> Json:
    return {
        "schemas": [f"{_META}ResourceType"],
        "id": name,
        "name": name,
        "endpoint": endpoint,
        "schema": schema,
        "meta": {"resourceType": "ResourceType", "location": f"{url}/ResourceTypes/{name}"},
    }


def _schemas(url: str) -> list[Json]:
    name = _attribute("name", "complex", sub=[_attribute(each) for each in ("formatted", "familyName", "givenName")])
    emails = _attribute(
        "emails", "complex", many=True, sub=[_attribute("value"), _attribute("type"), _attribute("primary", "boolean")]
    )
    groups = _attribute(
        "groups", "complex", many=True, read_only=True, sub=[_attribute("value"), _attribute("display")]
    )
    plain = ("displayName", "title", "userType", "preferredLanguage", "locale", "timezone")
    user = [_attribute("userName", required=True, unique=True), name, *(_attribute(each) for each in plain)]
    user += [_attribute("active", "boolean"), emails, groups]
    members = _attribute("members", "complex", many=True, sub=[_attribute("value"), _attribute("type")])
    enterprise = [_attribute(each) for each in ("department", "division", "costCenter", "organization")]
    return [
        _schema(url, USER, "User", user),
        _schema(url, GROUP, "Group", [_attribute("displayName", required=True), members]),
        _schema(url, ENTERPRISE, "EnterpriseUser", enterprise),
    ]


def _schema(url: str, id_: str, name: str, attributes: list[Json]) -> Json:
    return {
        "schemas": [f"{_META}Schema"],
        "id": id_,
        "name": name,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": f"{url}/Schemas/{id_}"},
    }


def _attribute(
    name: str,
    kind: str = "string",
    *,
    many: bool = False,
    required: bool = False,
    unique: bool = False,
    read_only: bool = False,
    sub: list[Json] | None = None,
) -> Json:
    return {
        "name": name,
        "type": kind,
        "multiValued": many,
        "required": required,
        "caseExact": False,
        "mutability": "readOnly" if read_only else "readWrite",
        "returned": "default",
        "uniqueness": "server" if unique else "none",
        **({"subAttributes": sub} if sub else {}),
    }
