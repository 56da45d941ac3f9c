"""The OpenAPI 3.1 document, made from the models that validate the requests and from the table the routes come from."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.http.api_answers import ProblemBody
from gateway.http.api_table import BASE, ENDPOINTS, PATHS, Endpoint

Node = dict[str, Any]

ERRORS: dict[int, str] = {
    400: "The body is not JSON.",
    401: "No token, or none that is known here.",
    403: "The token's scopes, person or source do not reach that far, or its person may not.",
    404: "It is not there, or the token's person may not see it.",
    405: "This address takes other methods; `Allow` names them.",
    409: "It contradicts what is there; `say` tells what to do.",
    413: "The body is larger than the configured limit, 1 MiB by default.",
    415: "The body is not sent as application/json.",
    422: "A member or parameter does not fit; `at` names it.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "A bug here; the log has the details.",
    503: "The store does not answer just now; `Retry-After` says when to come back.",
}
_ALWAYS = (401, 403, 422, 429, 500, 503)
_WITH_BODY = (400, 413, 415)
_HEADERS: dict[int, Node] = {
    401: {"WWW-Authenticate": {"description": "What to send.", "schema": {"type": "string"}}},
    405: {"Allow": {"description": "The methods there are.", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}},
    503: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}},
}
_ABOUT = (
    "Times are milliseconds since the epoch, UTC. A customer is answered as the token's person may see it: what they "
    "may not see is absent. Every value carries its source, its watermark, its time and its decision."
)


@cache
def _document() -> Node:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Floatcard", "version": _version(), "description": _ABOUT, "license": _LICENCE},
        "servers": [{"url": "/", "description": "Where this document was read."}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(each) for each in ENDPOINTS)],
        "paths": {**_paths(), f"{BASE}/openapi.json": {"get": _own()}},
        "components": {
            "schemas": _schemas(),
            "responses": {str(status): _refusal(status) for status in ERRORS},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`floatcard token NAME --scope …` makes one, with scopes as docs/api.md lists them.",
                }
            },
        },
    }


_LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def document() -> Node:
    return dict(_document())


def _version() -> str:
    try:
        return version("floatcard")
    except PackageNotFoundError:
        return "0"


def _tag(endpoint: Endpoint) -> str:
    return endpoint.path.split("/")[1]


def _paths() -> Node:
    found: Node = {}
    for each in ENDPOINTS:
        found.setdefault(each.full_path, {})[each.method.lower()] = _operation(each)
    return found


def _operation(each: Endpoint) -> Node:
    told: Node = {
        "operationId": each.name,
        "tags": [_tag(each)],
        "summary": each.summary,
        "description": f"{each.about}\n\nScope: `{each.scope}`.",
        "security": [{"bearer": [each.scope]}],
        "responses": _responses(each),
    }
    parameters = [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", each.path)]
    parameters += _query_parameters(each.query)
    if parameters:
        told["parameters"] = parameters
    if each.body is not None:
        told["requestBody"] = {"required": True, "content": _content(each.body)}
    return told


def _responses(each: Endpoint) -> Node:
    good: Node = {"description": "Done."}
    if each.answer is not None:
        good["content"] = _content(each.answer)
    if each.name == "make_edit":
        about = "`true` when this `once` was answered before."
        good["headers"] = {"Idempotent-Replay": {"description": about, "schema": {"type": "string", "const": "true"}}}
    statuses = {*_ALWAYS, *each.errors, *(_WITH_BODY if each.body is not None else ())}
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}
    return {str(each.status): good, **refusals}


def _refusal(status: int) -> Node:
    # What broke for a reason nobody foresaw is answered by the server's last resort, in a shape of its own.
    schema: Node = {"type": "object"} if status == 500 else {"$ref": "#/components/schemas/ProblemBody"}
    media = "application/json" if status == 500 else "application/problem+json"
    told: Node = {"description": ERRORS[status], "content": {media: {"schema": schema}}}
    if status in _HEADERS:
        told["headers"] = _HEADERS[status]
    return told


def _own() -> Node:
    return {
        "operationId": "openapi",
        "summary": "This document",
        "security": [],
        "responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}},
    }


def _content(model: type[BaseModel]) -> Node:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _path_parameter(name: str) -> Node:
    about, longest, example = PATHS[name]
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": about,
        "schema": schema,
        "example": example,
    }


def _query_parameters(model: type[BaseModel]) -> list[Node]:
    told = model.model_json_schema(mode="validation")
    required = told.get("required", [])
    return [_query_parameter(name, schema, name in required) for name, schema in told.get("properties", {}).items()]


def _query_parameter(name: str, schema: Node, required: bool) -> Node:
    kept = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": schema.get("description", ""),
        "schema": kept,
    }


def _schemas() -> Node:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ProblemBody, "validation")]
    wanted += [(each.body, "validation") for each in ENDPOINTS if each.body is not None]
    wanted += [(each.answer, "serialization") for each in ENDPOINTS if each.answer is not None]
    _, told = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    found: Node = told["$defs"]
    return found
