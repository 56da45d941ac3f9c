"""The parts of the pages that the code dictates. `python -m tests.docs.generated` writes them anew."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from channels.registry import NOT_CHANNELS
from crm.registry import NOT_CRMS
from gateway import metrics
from gateway.cli.main import app
from gateway.config.model import Config, Duration
from gateway.http.api_table import ENDPOINTS, Endpoint
from gateway.http.openapi import ERRORS, document

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PLACES = {dict: "<name>"}
PLUGGED = {"channels": "channels", "crms": "crm"}
NO_MODULES = NOT_CHANNELS | NOT_CRMS


# -- settings


def settings() -> str:
    plain = {name: each for name, each in Config.model_fields.items() if _inner(each.annotation) is None}
    lines = ["## At the top\n", *(line for name, each in plain.items() for line in _setting(name, each, ""))]
    for name, each in Config.model_fields.items():
        if name not in plain:
            lines += _section(name, each)
    return "\n".join([*lines, *_modules()])


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    inner = _inner(field.annotation)
    assert inner is not None
    key = f"{name}.<name>" if _is_mapping(field.annotation) else name
    yield f"## `[{key}]`\n"
    about = field.description or inner.__dict__.get("__doc__")
    if about:
        yield f"{_sentence(about)}\n"
    yield from _of_model(inner, f"{key}.")


def _of_model(model: type[BaseModel], prefix: str) -> Iterator[str]:
    said = _attribute_docs(model)
    for name, field in model.model_fields.items():
        assert _inner(field.annotation) is None, f"{prefix}{name}: one level of tables is what the page can tell"
        if (within := _optional(field.annotation)) is not None:
            yield from _of_model(within, f"{prefix}{name}.")
            continue
        yield from _setting(f"{prefix}{name}", field, said.get(name, ""))


def _inner(annotation: Any) -> type[BaseModel] | None:
    wanted = get_args(annotation)[-1] if _is_mapping(annotation) else annotation
    return wanted if isinstance(wanted, type) and issubclass(wanted, BaseModel) else None


def _optional(annotation: Any) -> type[BaseModel] | None:
    """A table that may be left out."""
    return next(filter(None, map(_inner, get_args(annotation))), None) if get_origin(annotation) is UnionType else None


def _is_mapping(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def _setting(key: str, field: FieldInfo, said: str) -> Iterator[str]:
    about = field.description or said
    assert about, f"{key} has no description"
    yield f"### `{key}`\n"
    yield f"{_sentence(about)}\n"
    yield f"{_kind(field)}. {_default(field)}.\n"


def _sentence(text: str) -> str:
    plain = " ".join(text.split())
    return plain if plain.endswith((".", "`.", ")")) else f"{plain}."


def _kind(field: FieldInfo) -> str:
    kind = _named(field.annotation, field.metadata)
    bounds = [
        f"{word} {getattr(each, sign)}" for each in field.metadata for sign, word in _BOUNDS if hasattr(each, sign)
    ]
    return kind + (f", {', '.join(bounds)}" if bounds else "")


_BOUNDS = (
    ("gt", "more than"),
    ("ge", "at least"),
    ("lt", "less than"),
    ("le", "at most"),
    ("min_length", "length from"),
)
_WORDS = {
    str: "Text",
    int: "A whole number",
    float: "A number",
    bool: "`true` or `false`",
    dict: "A table",
    tuple: "A list of texts",
}


def _named(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        return _named(get_args(annotation)[0], list(get_args(annotation)[1:]))
    if get_origin(annotation) in (Union, UnionType):
        (one,) = [each for each in get_args(annotation) if each is not type(None)]
        return _named(one, metadata)
    if get_origin(annotation) is Literal:
        choices = ", ".join(f"`{each}`" for each in get_args(annotation))
        return f"One of {choices}" if "," in choices else f"Only {choices}"
    if any(getattr(each, "func", None) is get_args(Duration)[1].func for each in metadata):
        return "A duration such as `90s`, `10m`, `2h` or `30d`"
    plain = get_origin(annotation) or annotation
    return "A secret, written `env:NAME` or `file:PATH`" if plain.__name__ == "SecretStr" else _WORDS[plain]


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "Required"
    if field.default is None:
        return "By default it is not set"
    if field.default in ("", (), {}):
        return "Empty by default"
    return f"Default: `{_as_toml(field.default)}`"


def _as_toml(value: Any) -> Any:
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else value


def _modules() -> Iterator[str]:
    for room, package in PLUGGED.items():
        for name in modules(package):
            config = importlib.import_module(f"{package}.{name}").Config
            yield f'## `{room}` of `type = "{name}"`\n'
            yield f"See [{name}]({'channels' if room == 'channels' else 'crm'}/{name}.md).\n"
            yield from _of_model(config, f"{room}.<name>.")


def modules(package: str) -> list[str]:
    found = [path for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    return sorted({path.stem for path in found} - NO_MODULES - {"__init__"})


def _attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """The texts that stand under a model's fields."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    pairs = zip(body.body, body.body[1:], strict=False)
    return {
        field.target.id: text.value.value
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


# -- commands


def commands() -> str:
    return "\n".join(_of_group(typer.main.get_command(app), "floatcard"))


def _of_group(command: Any, path: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from _of_group(each, f"{path} {name}")
        return
    yield f"## {path}\n"
    yield f"{_sentence(command.help)}\n"
    yield f"```console\n{path}{''.join(_usage(each) for each in command.params)}\n```\n"
    rows = [_parameter(each) for each in command.params if each.name != "help"]
    if rows:
        yield "| | |\n| --- | --- |"
        yield "\n".join(rows) + "\n"


def _usage(each: Any) -> str:
    if each.name == "help":
        return ""
    if each.param_type_name == "argument":
        named = each.name.upper() if each.required else f"[{each.name.upper()}]"
        return f" {named}{'...' if each.nargs == -1 else ''}"
    metavar = "" if each.is_flag else f" {each.name.upper()}"
    written = f"{each.opts[0]}{metavar}"
    return f" {written}" if each.required else f" [{written}]{'...' if each.multiple else ''}"


def _parameter(each: Any) -> str:
    argument = each.param_type_name == "argument"
    named = each.name.upper() if argument else ", ".join(each.opts)
    default = "" if each.required or each.default in (None, "", False, ()) else f" Default: `{each.default}`."
    default = " Required." if each.required and not argument else default
    variable = f" Or the variable `{each.envvar}`." if each.envvar else ""
    return f"| `{named}` | {_sentence(each.help or '')}{default}{variable} |".replace("| . ", "| ")


# -- the API


def endpoints() -> str:
    return "\n".join(line for each in ENDPOINTS for line in _endpoint(each))


def _endpoint(each: Endpoint) -> Iterator[str]:
    told = document()["paths"][each.full_path][each.method.lower()]
    yield f"### {each.method} {each.full_path}\n"
    yield f"{each.summary}. Scope `{each.scope}`.\n\n{textwrap.fill(each.about, 116)}\n"
    rows = [_asked(parameter) for parameter in told.get("parameters", [])]
    if each.body is not None:
        members = each.body.model_json_schema()["properties"]
        rows += [_member(name, schema, each.body) for name, schema in members.items()]
    if rows:
        yield "| | in | |\n| --- | --- | --- |"
        yield "\n".join(rows) + "\n"
    refused = ", ".join(str(status) for status in sorted(int(code) for code in told["responses"]) if status >= 400)
    answer = f"`{each.answer.__name__}`" if each.answer else "nothing"
    yield f"Answers {each.status} with {answer}; refuses with {refused}.\n"


def _asked(told: dict[str, Any]) -> str:
    return f"| `{told['name']}` | {told['in']} | {_sentence(told['description'])}{_bounds(told['schema'])} |"


def _member(name: str, schema: dict[str, Any], body: type[BaseModel]) -> str:
    must = " Required." if body.model_fields[name].is_required() else ""
    return f"| `{name}` | body | {_sentence(schema['description'])}{must}{_bounds(schema)} |"


def _bounds(schema: dict[str, Any]) -> str:
    if "maximum" in schema and schema["maximum"] < 1_000_000:
        return f" {schema['minimum']} to {schema['maximum']}, {schema['default']} by default."
    return ""


def refusals() -> str:
    return "\n".join(["| status | what happened |", "| --- | --- |", *(f"| {s} | {t} |" for s, t in ERRORS.items())])


# -- metrics


def counted() -> list[tuple[str, str, str, str]]:
    """Name as exposed, kind, labels, what it says."""
    found = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    return [_metric(each) for each in found]


def _metric(each: MetricWrapperBase) -> tuple[str, str, str, str]:
    kind = type(each).__name__.lower()
    (family,) = each.describe()
    name = family.name + {"counter": "_total", "info": "_info"}.get(kind, "")
    labels = ", ".join(f"`{label}`" for label in each._labelnames)
    return name, kind, labels, family.documentation


def metric_table() -> str:
    rows = [f"| `{name}` | {kind} | {labels} | {says} |" for name, kind, labels, says in counted()]
    return "\n".join(["| metric | kind | labels | |", "| --- | --- | --- | --- |", *rows])


# -- into the pages

PARTS = {
    "configuration.md": {"settings": settings},
    "commands.md": {"commands": commands},
    "api.md": {"endpoints": endpoints, "refusals": refusals},
    "operating.md": {"metrics": metric_table},
}


def written(page: str, text: str) -> str:
    """The page with its generated parts as the code would have them now."""
    for name, make in PARTS[page].items():
        marks = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
        assert marks.search(text), f"{page} has no place for {name}"
        body = make().strip("\n")
        text = marks.sub(lambda found, body=body: f"{found[1]}\n{body}\n\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    for page in PARTS:
        path = DOCS / page
        path.write_text(written(page, path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
