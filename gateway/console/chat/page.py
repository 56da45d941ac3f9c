"""The demo chat's one page. Everything a person wrote reaches it later, as data, never as markup."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
STATIC = HERE / "static"


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)


def chat_page(base: str) -> str:
    """`base` is the path the chat is mounted at, without a slash at the end."""
    return _environment().get_template("chat.html.j2").render(base=base)
