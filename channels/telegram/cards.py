"""A card as one message: HTML above, an inline keyboard below. Text is escaped; markup is only in our own labels.

Sizes: 4,096 UTF-16 units of text once its markup is read (core.telegram.org/bots/api#sendmessage), and
`telegram.constants` for keyboards: 100 buttons, 8 in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlsplit

from cards import tree
from cards.inert import inert, safe_url
from channels.model import Limits, Rate
from channels.telegram.text import attribute, escaped, units

Json = dict[str, Any]

TEXT: Final = 4_096
CALLBACK: Final = 64
KEYS: Final = 100
LIMITS: Final = Limits(
    text=TEXT,
    title=200,
    button_label=60,
    button_data=1_900,  # kept by the channel; what goes out is the name it is kept under
    buttons=3,
    blocks=200,
    bytes=65_536,
    form_fields=0,
    room_rate=1.0,
    total_rate=29.0,  # with the one at once: 30 in any second
    deadline=8.0,
    editable_for=None,
    total_burst=1,
    room_also=(Rate(10 / 60, 10),),  # 20 in any minute
    room_also_prefix="-",  # to a group; a direct room's id is its person's, and positive
    asks_forms=True,
    answers_cards=False,
)
STEPS: Final = (2_000, 800, 300, 120, 40)
"""Characters left in each text, tried one after the other until the message holds all of it."""
WIDE: Final = 18
"""Columns of a button's label of which a row takes several."""
EMPTY: Final = "–"
_MARKS: Final[Mapping[tree.Tone, str]] = {"neutral": "", "info": "ⓘ ", "warning": "⚠ ", "danger": "⛔ "}
_LEVELS: Final[Mapping[str, tree.Tone]] = {"low": "info", "medium": "warning", "high": "danger"}
_STYLES: Final = {"primary": "primary", "danger": "danger"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A line or more: as sent, and as many units as a reader gets."""

    html: str
    units: int
    tight: bool = False
    """Follows the piece before it without a blank line."""

    def __add__(self, other: Piece) -> Piece:
        return Piece(self.html + other.html, self.units + other.units, self.tight)


def draw(card: tree.Card) -> Json:
    """`text` (HTML) and `reply_markup`. A button's `callback_data` is `action:data`, of any length."""
    return {"text": _text(card), "reply_markup": {"inline_keyboard": keyboard(card)}}


def _text(card: tree.Card) -> str:
    for limit in STEPS:
        kept, whole = _taken(_pieces(card.blocks, limit), TEXT)
        if whole:
            return _joined(kept) or EMPTY
    return _joined(_shortened(card, STEPS[-1]))


def _taken(pieces: Iterable[Piece], most: int) -> tuple[list[Piece], bool]:
    """As many as fit, and whether that is all of them; no further one is drawn."""
    kept: list[Piece] = []
    for piece in pieces:
        most -= piece.units + 2
        if most < 0:
            return kept, False
        kept.append(piece)
    return kept, True


def _shortened(card: tree.Card, limit: int) -> list[Piece]:
    """Too many lose their middle, never the last: a card's footer says how old it is."""
    gap = Piece("…", 1)
    ends = (list(_pieces((block,), limit)) for block in reversed(card.blocks))
    last = next((drawn[-1] for drawn in ends if drawn), gap)
    kept, _ = _taken(_pieces(card.blocks, limit), TEXT - gap.units - last.units - 4)
    return [*kept, gap, replace(last, tight=False)]


def _joined(pieces: list[Piece]) -> str:
    text = ""
    for piece in pieces:
        between = "" if not text else "\n" if piece.tight else "\n\n"
        text += between + piece.html
    return text


def _plain(text: str, limit: int, *, lines: bool = False) -> Piece:
    # More than this of it could only be what is not seen; reading a flood to its end takes long.
    shown = inert(text[: limit * 8 + 200], limit=limit, lines=lines).strip()
    return Piece(escaped(shown), units(shown))


def _tag(name: str, piece: Piece) -> Piece:
    return replace(piece, html=f"<{name}>{piece.html}</{name}>") if piece.units else piece


def _beside(pieces: Iterable[Piece], between: str) -> Piece:
    full = [piece for piece in pieces if piece.units]
    return Piece(between.join(piece.html for piece in full), sum(piece.units + len(between) for piece in full))


def _pieces(blocks: Iterable[tree.Block], limit: int) -> Iterator[Piece]:
    """The visitor. What follows one of its own kind follows it closely."""
    for kind, run in groupby(blocks, key=type):
        if kind not in _DRAWN:
            raise TypeError(f"channels.telegram cannot draw a {kind.__name__}")
        for number, block in enumerate(run):
            for line, piece in enumerate(_DRAWN[kind](block, limit)):
                if piece.units:
                    yield replace(piece, tight=bool(line) or (number > 0 and kind in _CLOSE))


def _title(block: tree.Title, limit: int) -> list[Piece]:
    badges = _beside((_plain(_MARKS[each.tone] + each.text, 80) for each in block.badges[:10]), " · ")
    title = _tag("b", _plain(block.text, min(limit, LIMITS.title)))
    return [title, badges, *([_anchor(urlsplit(block.url).hostname or "", block.url, 80)] if block.url else [])]


def _anchor(text: str, url: str, limit: int) -> Piece:
    piece, safe = _plain(text, min(limit, 300)), safe_url(url)
    if not safe or len(safe) > 2_000 or not piece.units:
        return piece
    return replace(piece, html=f'<a href="{attribute(safe)}">{piece.html}</a>')


def _fact(block: tree.Fact, limit: int) -> list[Piece]:
    label = _tag("b", _plain(block.label, min(limit, 100)))
    value = _plain(block.value, limit, lines=True)
    marks = _beside((_plain(mark, 2) for mark in ("⚠" * block.undecided, "✎" * block.editable)), " ")
    shown = _beside((value if value.units else Piece(EMPTY, 1), marks), " ")
    return [_beside((label, shown), ": "), _tag("i", _plain(block.source, min(limit, 200)))]


def _words(parts: Iterable[str], between: str, limit: int) -> Piece:
    return _plain(between.join(part for part in parts if part.strip()), limit)


def _note(block: tree.Note, limit: int) -> list[Piece]:
    return [_words((block.date, block.who, block.text), "  ", min(limit, 500))]


def _open_item(block: tree.OpenItem, limit: int) -> list[Piece]:
    due = f"({block.due})" if block.due else ""
    late = "⚠" if block.overdue and not block.done else ""
    return [_words(("☑" if block.done else "☐", block.text, due, late), " ", min(limit, 500))]


def _risk(block: tree.Risk, limit: int) -> list[Piece]:
    return [_plain(_MARKS[_LEVELS[block.level]] + _words_of(block.word, block.text), limit)]


def _words_of(*parts: str) -> str:
    return ": ".join(part for part in parts if part.strip())


def _row(block: tree.Row, limit: int) -> list[Piece]:
    return [_tag("b", _plain(_MARKS[block.tone] + block.title, limit)), _plain(block.text, limit, lines=True)]


def _columns(block: tree.Columns, limit: int) -> list[Piece]:
    drawn: list[Piece] = []
    for column in block.columns[:10]:
        value = _plain(column.value, limit, lines=True)
        drawn.append(_beside((_tag("b", _plain(column.label, 100)), value if value.units else Piece(EMPTY, 1)), ": "))
        drawn.append(_tag("i", _words((column.who, column.when, column.source), " · ", 250)))
    return drawn


def _form(block: tree.Form, limit: int) -> list[Piece]:
    """Nothing can be typed into a message: a form shows what is there, and is asked in a dialogue."""
    facts = [tree.Fact(each.label, each.value, each.source) for each in block.fields]
    return [piece for fact in facts for piece in _fact(fact, limit)]


def _footer(block: tree.Footer, limit: int) -> list[Piece]:
    return [_tag("i", _words((block.as_of, block.source, block.trace), " · ", min(limit, 300)))]


_DRAWN: Final[Mapping[type, Callable[[Any, int], list[Piece]]]] = {
    tree.Title: _title,
    tree.Text: lambda block, limit: [_plain(_MARKS[block.tone] + block.text, limit, lines=True)],
    tree.Heading: lambda block, limit: [_tag("b", _plain(block.text, min(limit, 300)))],
    tree.Fact: _fact,
    tree.Note: _note,
    tree.OpenItem: _open_item,
    tree.Risk: _risk,
    tree.Row: _row,
    tree.Columns: _columns,
    tree.Divider: lambda _block, _limit: [Piece("———", 3)],
    tree.Link: lambda block, limit: [_anchor(block.text, block.url, limit)],
    tree.Code: lambda block, limit: [_tag("code", _plain(block.text, limit))],
    tree.Actions: lambda _block, _limit: [],
    tree.Form: _form,
    tree.Footer: _footer,
}
_CLOSE: Final = frozenset({tree.Fact, tree.Note, tree.OpenItem, tree.Risk})


def keyboard(card: tree.Card) -> list[list[Json]]:
    """All buttons stand below the text: one that belongs to a row or a column says which."""
    rows: list[list[Json]] = []
    for block in card.blocks:
        if isinstance(block, tree.Actions):
            rows += _rows(block.buttons)
        elif isinstance(block, tree.Row) and block.button:
            rows.append([_button(block.button, block.title)])
        elif isinstance(block, tree.Columns):
            rows += [[_button(each.button, each.label)] for each in block.columns if each.button]
    return _at_most(rows, KEYS)


def _rows(buttons: Iterable[tree.Button]) -> list[list[Json]]:
    """Short labels stand side by side."""
    rows: list[list[Json]] = []
    wide = True
    for button in buttons:
        drawn = _button(button)
        short = units(drawn["text"]) + sum(char > "\u2e80" for char in drawn["text"]) <= WIDE
        if short and not wide and len(rows[-1]) < LIMITS.buttons:
            rows[-1].append(drawn)
        else:
            rows.append([drawn])
        wide = not short
    return rows


def _at_most(rows: list[list[Json]], most: int) -> list[list[Json]]:
    kept: list[list[Json]] = []
    for row in rows:
        if sum(map(len, kept)) + len(row) > most:
            break
        kept.append(row)
    return kept


def _button(button: tree.Button, about: str = "") -> Json:
    about = inert(about, limit=30, lines=False).strip()
    label = inert(f"{about} · {button.label}" if about else button.label, limit=LIMITS.button_label, lines=False)
    drawn: Json = {"text": label.strip() or EMPTY, "callback_data": f"{button.action}:{button.data}"}
    return drawn | ({"style": _STYLES[button.style]} if button.style in _STYLES else {})
