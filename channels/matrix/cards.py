"""A card as formatted text (`org.matrix.custom.html`) with a plain body that says the same, and what a reply presses.

Sizes: an event may have 65,536 bytes (spec.matrix.org/latest/client-server-api, Size limits); a card is in it once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

from cards import tree
from cards.inert import inert, safe_url
from cards.words import say
from channels.fit import lightest, within
from channels.model import Limits

Json = dict[str, Any]

LIMITS: Final = Limits(
    text=4_000,
    title=200,
    button_label=80,
    button_data=2_000,
    buttons=10,
    blocks=120,
    bytes=40_000,
    form_fields=40,
    room_rate=1.0,
    total_rate=5.0,  # a server says by itself when this is more than it takes; see the page
    deadline=10.0,
    editable_for=None,
    room_burst=5,
    total_burst=20,
    idempotent=True,
    command="!",  # clients keep what begins with a slash for themselves
    answers_cards=False,  # it stays in a room of two: it has to go, or be drawn again, as what it tells does
)
KEY: Final = "org.floatcard.card"
"""Where our own message says what a reply to it presses."""
EMPTY: Final = "–"
_MARKS: Final[Mapping[tree.Tone, str]] = {"neutral": "", "info": "ⓘ ", "warning": "⚠ ", "danger": "⛔ "}
_LEVELS: Final[Mapping[str, tree.Tone]] = {"low": "info", "medium": "warning", "high": "danger"}
# What some client would call everybody by, or turn into somebody who is called; there is no escape for either.
_CALLS: Final = (
    (re.compile(r"@(?=room)", re.IGNORECASE), "＠"),
    (re.compile(r"(?<=matrix)\.(?=to)", re.IGNORECASE), "․"),
    (re.compile(r"(?<=matrix):", re.IGNORECASE), "："),
)


def draw(card: tree.Card) -> Json:
    """The content of a message: `body`, `formatted_body`, and under `KEY` what its replies press."""
    return lightest(card, _content, LIMITS.bytes)


def _content(card: tree.Card) -> Json:
    drawing = _Drawing(card.locale)
    for block in within(card.blocks, LIMITS.blocks, tree.Text("…")):
        drawing.put(block)
    drawn: Json = {
        "msgtype": "m.notice",  # no bot answers one, and no phone rings for it
        "body": "\n".join(drawing.plain) or EMPTY,
        "format": "org.matrix.custom.html",
        "formatted_body": "".join(drawing.html) or EMPTY,
        "m.mentions": {},
    }
    return drawn | ({KEY: {"presses": drawing.presses}} if drawing.presses else {})


def summary(card: tree.Card) -> str:
    """One line of it, for whoever sees no edits."""
    return one_line(card.summary, 300) or EMPTY


def one_line(text: str, limit: int) -> str:
    return _words(text, limit).strip()


def _words(text: str, limit: int = LIMITS.text, *, lines: bool = False) -> str:
    shown = inert(text, limit=limit, lines=lines)
    for calls, harmless in _CALLS:
        shown = calls.sub(harmless, shown)
    return shown


def _address(url: str) -> str:
    """Nobody is called by a link either."""
    return "" if urlsplit(url).hostname == "matrix.to" else safe_url(url)


class _Drawing:
    """The visitor. A line of the plain body and a paragraph of HTML come from the same words."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self.plain: list[str] = []
        self.html: list[str] = []
        self.presses: list[Json] = []

    def put(self, block: tree.Block) -> None:
        draws = _DRAWS.get(type(block))
        if draws is None:
            raise TypeError(f"channels.matrix cannot draw a {type(block).__name__}")
        draws(self, block)

    def line(self, *parts: str, html: str = "") -> None:
        """One line of one paragraph; `html` in place of the escaped words."""
        text = "".join(parts)
        if text.strip():
            self.plain.append(text)
            self.html.append(f"<p>{html or _html(text)}</p>")

    def press(self, button: tree.Button) -> str:
        """Its number, and its label."""
        if len(button.data) > LIMITS.button_data:
            raise ValueError(f"a button's data has {len(button.data)} characters, {LIMITS.button_data} fit")
        label = one_line(button.label, LIMITS.button_label) or EMPTY
        self.presses.append({"label": label, "action": button.action, "data": button.data})
        return f"[{len(self.presses)}] {label}"


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _joined(parts: Iterable[str], between: str) -> str:
    return between.join(part for part in parts if part.strip())


def _title(at: _Drawing, block: tree.Title) -> None:
    name = _words(block.text, LIMITS.title) or EMPTY
    badges = [_MARKS[badge.tone] + _words(badge.text, 80) for badge in block.badges]
    rest = "".join(f"  ·  {badge}" for badge in badges if badge.strip())
    url = _address(block.url)
    shown = f'<a href="{escape(url)}">{_html(name)}</a>' if url else _html(name)
    at.line(name, rest, html=f"<strong>{shown}</strong>{_html(rest)}")
    if url:
        at.plain.append(url)


def _text(at: _Drawing, block: tree.Text) -> None:
    at.line(_MARKS[block.tone], _words(block.text, lines=True))


def _heading(at: _Drawing, block: tree.Heading) -> None:
    words = _words(block.text, 300)
    at.line(words, html=f"<strong>{_html(words)}</strong>")


def _fact(at: _Drawing, fact: tree.Fact) -> None:
    label, source = _words(fact.label, 100), _words(fact.source, 200)
    value = _words(fact.value, LIMITS.text - 400, lines=True) or EMPTY
    shown = _joined(("⚠" if fact.undecided else "", value, "✎" if fact.editable else ""), " ")
    tail = f"  {source}" if source.strip() else ""
    at.line(label, ": ", shown, tail, html=f"{_html(label)}: <strong>{_html(shown)}</strong><em>{_html(tail)}</em>")


def _note(at: _Drawing, note: tree.Note) -> None:
    at.line(_joined((_words(note.date, 60), _words(note.who, 100), _words(note.text, 1_000)), "  "))


def _open_item(at: _Drawing, item: tree.OpenItem) -> None:
    due = f"({_words(item.due, 100)})" if item.due else ""
    late = "⚠" if item.overdue and not item.done else ""
    at.line(_joined(("☑" if item.done else "☐", _words(item.text, 1_000), due, late), " "))


def _risk(at: _Drawing, risk: tree.Risk) -> None:
    words = _joined((_words(risk.word, 100), _words(risk.text, 1_000)), ": ")
    at.line(_MARKS[_LEVELS[risk.level]], words)


def _row(at: _Drawing, row: tree.Row) -> None:
    title, text = _words(row.title, 300), _words(row.text, 1_000, lines=True)
    button = at.press(row.button) if row.button else ""
    rest = "".join(f"\n{part}" for part in (text, button) if part.strip())
    at.line(_MARKS[row.tone], title, rest, html=f"{_MARKS[row.tone]}<strong>{_html(title)}</strong>{_html(rest)}")


def _columns(at: _Drawing, block: tree.Columns) -> None:
    for column in block.columns:
        signed = _joined((_words(column.who, 100), _words(column.when, 60), _words(column.source, 200)), " · ")
        value = _words(column.value, LIMITS.text - 400, lines=True) or EMPTY
        button = at.press(column.button) if column.button else ""
        label = _words(column.label, 100)
        rest = "".join(f"\n{part}" for part in (signed, button) if part.strip())
        at.line(label, ": ", value, rest, html=f"{_html(label)}: <strong>{_html(value)}</strong>{_html(rest)}")


def _divider(at: _Drawing, _: tree.Divider) -> None:
    at.plain.append("—")
    at.html.append("<hr>")


def _link(at: _Drawing, block: tree.Link) -> None:
    url, label = _address(block.url), _words(block.text, 300)
    if not url:
        at.line(label)
        return
    shown = label.strip() or _words(urlsplit(url).hostname or "", 100)
    at.line(shown, "\n", url, html=f'<a href="{escape(url)}">{_html(shown)}</a>')


def _code(at: _Drawing, block: tree.Code) -> None:
    code = _words(block.text, 300)
    at.line(code, html=f"<code>{_html(code)}</code>")


def _actions(at: _Drawing, block: tree.Actions) -> None:
    presses = "  ".join([at.press(button) for button in block.buttons])
    if presses:
        at.line(say(at.locale, "Reply with a number or a word:"), "  ", presses)


def _form(at: _Drawing, form: tree.Form) -> None:
    """Nothing can be typed into a message: a form still shows what is there."""
    for field in form.fields:
        _fact(at, tree.Fact(field.label, field.value, field.source))


def _footer(at: _Drawing, footer: tree.Footer) -> None:
    words = _joined((_words(part, 200) for part in (footer.as_of, footer.source, footer.trace)), " · ")
    at.line(words, html=f"<em>{_html(words)}</em>")


_DRAWS: Final[Mapping[type, Callable[[_Drawing, Any], None]]] = {
    tree.Title: _title,
    tree.Text: _text,
    tree.Heading: _heading,
    tree.Fact: _fact,
    tree.Note: _note,
    tree.OpenItem: _open_item,
    tree.Risk: _risk,
    tree.Row: _row,
    tree.Columns: _columns,
    tree.Divider: _divider,
    tree.Link: _link,
    tree.Code: _code,
    tree.Actions: _actions,
    tree.Form: _form,
    tree.Footer: _footer,
}
