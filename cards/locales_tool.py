"""`python -m cards.locales_tool`: the catalogues brought up to date with the code, in one command.

Extracts message ids from every room's Python and templates, keeps the translations there are, takes out what
nobody says any more, compiles, and lists what has no translation yet. Ends with 1 when something has none.

A message id is the literal first argument of `Refused(...)`, `N_(...)`, `_(...)`, `gettext(...)` and `….say(...)`,
or the literal second of `say(locale, ...)`; in templates that of `say(...)` and `_(...)`, and `{% trans %}`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Final, TextIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from cards.words import DOMAIN, LOCALES, supported

ROOT: Final = LOCALES.parent.parent
ROOMS: Final = ("cards", "channels", "crm", "gateway", "identity", "mentions", "reconcile")
_FIRST: Final = {"Refused", "N_", "_", "gettext"}
_TEMPLATE_WORDS: Final = ("_", "gettext", "say")


def messages(root: Path = ROOT) -> dict[str, str]:
    """Every message id said anywhere -> the file that says it first."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            for msgid in _in_file(path):
                found.setdefault(msgid, path.relative_to(root).as_posix())
    return found


def _in_file(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        yield from in_python(path.read_text("utf-8"))
    elif path.suffix in {".j2", ".html"} and path.is_file():
        yield from in_template(path.read_text("utf-8"))


def in_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (msgid := _said(node)):
            yield msgid


def _said(call: ast.Call) -> str:
    words = [each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else "" for each in call.args]
    if not words:
        return ""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _FIRST:
            return words[0]
        case ast.Name(id="say") | ast.Attribute(value=ast.Name(id="words"), attr="say"):
            return words[1] if len(words) > 1 else words[0]
        case ast.Attribute(attr="say"):
            return words[0]
    return ""


def in_template(source: str) -> Iterator[str]:
    options = {"trimmed": "false", "silent": "false"}
    for _, _, message, _ in babel_extract(BytesIO(source.encode()), _TEMPLATE_WORDS, [], options):
        for msgid in message if isinstance(message, tuple) else (message,):
            if msgid:
                yield msgid


def po_path(locale: str) -> Path:
    return LOCALES / locale.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(locale: str) -> Catalog:
    path = po_path(locale)
    if not path.exists():
        return Catalog(locale=locale.replace("-", "_"))
    with path.open("rb") as file:
        return read_po(file, locale=locale.replace("-", "_"), domain=DOMAIN)


def updated(locale: str, said: dict[str, str]) -> Catalog:
    """A catalogue of exactly what is said, with the translations there were; English says the message id itself."""
    old, new = read(locale), Catalog(locale=locale.replace("-", "_"), domain=DOMAIN, fuzzy=False)
    for msgid in sorted(said):
        known = old.get(msgid)
        new.add(msgid, known.string if known and known.string else "", locations=[(said[msgid], 0)])
    return new


def po_bytes(locale: str, catalog: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalog, width=100, omit_header=True, include_lineno=False)
    quoted = "".join(f'"{line}\\n"\n' for line in _header(locale).splitlines())
    return f'msgid ""\nmsgstr ""\n{quoted}\n'.encode() + out.getvalue()


def _header(locale: str) -> str:
    return f"Language: {locale.replace('-', '_')}\nContent-Type: text/plain; charset=utf-8\n"


def compiled(locale: str) -> bytes:
    """What the committed `.po` compiles to. No dates and no tool's name: it changes with a translation only."""
    said = {str(each.id): str(each.string) for each in read(locale) if each.id and each.string}
    return mo_bytes({"": _header(locale), **said})


def mo_bytes(said: dict[str, str]) -> bytes:
    """The GNU `.mo` layout: header, two tables of (length, offset), message ids and translations, no hash table."""
    ids, words = ([each.encode() for each in side] for side in zip(*sorted(said.items()), strict=True))
    head = 28
    first, second, at = head, head + 8 * len(ids), head + 16 * len(ids)
    tables, body = b"", b""
    for each in (*ids, *words):
        tables += pack("<2I", len(each), at + len(body))
        body += each + b"\0"
    return pack("<7I", 0x950412DE, 0, len(ids), first, second, 0, at) + tables + body


def untranslated(locale: str) -> list[str]:
    return [str(message.id) for message in read(locale) if message.id and not message.string]


def main(out: TextIO = sys.stdout) -> int:
    said, missing = messages(), 0
    for locale in supported:
        po_path(locale).parent.mkdir(parents=True, exist_ok=True)
        po_path(locale).write_bytes(po_bytes(locale, updated(locale, said)))
        po_path(locale).with_suffix(".mo").write_bytes(compiled(locale))
        lacking = [] if locale == "en" else untranslated(locale)
        missing += len(lacking)
        out.write(f"{locale}: {len(said)} messages, {len(lacking)} without a translation\n")
        out.writelines(f"  {said[msgid]}: {msgid}\n" for msgid in lacking)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
