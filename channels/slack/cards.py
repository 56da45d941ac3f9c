"""A card as Block Kit. Text is `plain_text` wherever Slack takes it; markup is only in links and headings, escaped.

Sizes are those slack_sdk's models enforce, or the vendor's Block Kit reference where the models are silent
(50 blocks in a message, 100 in a view, 2,000 characters in one field of a section).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlsplit

from cards import tree
from cards.inert import inert, legal, safe_url
from channels.fit import lightest, within
from channels.model import Limits, Rate
from channels.slack.text import escaped

Json = dict[str, Any]

LIMITS: Final = Limits(
    text=3_000,
    title=150,
    button_label=75,
    button_data=2_000,
    buttons=25,
    blocks=50,
    bytes=100_000,  # the vendor names no sum for blocks; this is our own budget
    form_fields=40,
    room_rate=1.0,
    total_rate=20.0,  # the vendor names none; this is our own bound
    deadline=3.0,
    editable_for=None,
    room_counts=("send", "whisper"),
    methods={  # docs.slack.dev/apis/web-api/rate-limits: tier 3 is 50 a minute and method, tier 4 is 100
        "edit": Rate(40 / 60, 10),
        "delete": Rate(40 / 60, 10),
        "whisper": Rate(80 / 60, 20),
        "open": Rate(80 / 60, 20),
        "direct": Rate(40 / 60, 10),
        "members": Rate(40 / 60, 10),
    },
    silent=True,
    command="/floatcard ",  # `/help` is Slack's own, and `/quiet` may be another app's
)
FIELDS, FIELD, CONTEXTS, OPTION, OPTIONS, OPTION_LABEL = 10, 2_000, 10, 150, 100, 75
VIEW_BLOCKS, VIEW_TITLE, VIEW_BUTTON, METADATA, BLOCK_ID, INPUT = 100, 24, 24, 3_000, 255, 3_000
EMPTY: Final = "–"  # Slack refuses a text without a character
_MARKS: Final[Mapping[tree.Tone, str]] = {"neutral": "", "info": "ⓘ ", "warning": "⚠ ", "danger": "⛔ "}
_LEVELS: Final[Mapping[str, tree.Tone]] = {"low": "info", "medium": "warning", "high": "danger"}


def draw(card: tree.Card) -> Json:
    """A message's `text` and `blocks`; a card that holds a form is a view (a modal) instead."""
    if any(isinstance(block, tree.Form) for block in card.blocks):
        return view(card)
    return message(card)


def message(card: tree.Card) -> Json:
    return lightest(card, _message, LIMITS.bytes)


def _message(card: tree.Card) -> Json:
    # `text` is what a notification reads: Slack takes it as markup.
    summary = escaped(inert(card.summary, limit=500, lines=False)).strip() or EMPTY
    return {"text": summary, "blocks": _at_most(_blocks(card.blocks), LIMITS.blocks)}


def view(card: tree.Card, where: Sequence[str] = ("", "", "")) -> Json:
    """`where` is room, thread and message: a submitted view itself does not say where it was opened."""
    form = next((block for block in card.blocks if isinstance(block, tree.Form)), None)
    title = next((block.text for block in card.blocks if isinstance(block, tree.Title)), card.summary)
    drawn: Json = {"type": "modal", "title": _plain(title, VIEW_TITLE, lines=False)}
    carried: Json = {"w": list(where)}
    if form is not None:
        drawn["submit"] = _plain(form.submit, VIEW_BUTTON, lines=False)
        carried |= {"d": form.data, "t": {field.name: field.token for field in form.fields if field.token}}
    if form is not None and form.cancel:
        drawn["close"] = _plain(form.cancel, VIEW_BUTTON, lines=False)
    blocks = _at_most(_blocks(card.blocks, _inputs), VIEW_BLOCKS - 20)
    return drawn | _carrying(carried, blocks)


def page(card: tree.Card, where: Sequence[str]) -> Json:
    """What one person sees on the app's own page."""
    carried = json.dumps({"w": list(where)}, separators=(",", ":"))
    return {"type": "home", "private_metadata": carried, "blocks": _at_most(_blocks(card.blocks), VIEW_BLOCKS)}


def unfurl(card: tree.Card) -> Json:
    """The preview of a link: a message without its notification line."""
    return {"blocks": message(card)["blocks"]}


def _carrying(carried: Json, blocks: list[Json]) -> Json:
    """What comes back unseen: 3,000 characters of metadata, the rest in block ids, for which dividers are added.

    When even those do not hold it, the tokens stay behind: an edit without its parents is compared with everything.
    """
    packed = json.dumps(carried, separators=(",", ":"))
    room = VIEW_BLOCKS - len(blocks)
    if len(packed) > METADATA + room * (BLOCK_ID - 5):
        packed = json.dumps(carried | {"t": {}}, separators=(",", ":"))
    rest, step = packed[METADATA:], BLOCK_ID - 5
    ids = [f"~{at // step}:{rest[at : at + step]}" for at in range(0, len(rest), step)]
    more: list[Json] = [{"type": "divider", "block_id": id_} for id_ in ids]
    return {"private_metadata": packed[:METADATA], "blocks": blocks + more}


def _blocks(blocks: Iterable[tree.Block], form: Callable[[tree.Form], list[Json]] | None = None) -> list[Json]:
    """The visitor. Facts, notes and open items that follow one another share a section."""
    drawn: list[Json] = []
    for kind, run in groupby(blocks, key=type):
        if kind is tree.Form:
            drawn += [block for each in run for block in (form or _read_only)(each)]  # type: ignore[arg-type]
        elif kind in _TOGETHER:
            drawn += _TOGETHER[kind](list(run))
        elif kind in _EACH:
            drawn += [block for each in run for block in _EACH[kind](each)]
        else:
            raise TypeError(f"channels.slack cannot draw a {kind.__name__}")
    return drawn


def _at_most(blocks: list[Json], most: int) -> list[Json]:
    return within(blocks, most, _section("…")) or [_section(EMPTY)]


def _plain(text: str, limit: int, *, lines: bool = True) -> Json:
    shown = inert(text, limit=limit, lines=lines)
    return {"type": "plain_text", "text": shown if shown.strip() else EMPTY, "emoji": False}


def _markup(text: str) -> Json:
    # `verbatim`: Slack looks for no names, addresses or rooms in it.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str) -> Json:
    return {"type": "section", "text": _plain(text, LIMITS.text)}


def _context(texts: Iterable[str]) -> list[Json]:
    elements = [_plain(text, LIMITS.text) for text in texts if text.strip()]
    return [{"type": "context", "elements": elements[:CONTEXTS]}] if elements else []


def _joined(parts: Iterable[str], between: str) -> str:
    return between.join([part for part in parts if part.strip()])


def _title(block: tree.Title) -> list[Json]:
    header: Json = {"type": "header", "text": _plain(block.text, LIMITS.title, lines=False)}
    link = [_link(tree.Link(urlsplit(block.url).hostname or "", block.url))] if safe_url(block.url) else []
    return [header, *_context(_MARKS[badge.tone] + badge.text for badge in block.badges), *link]


def _link(block: tree.Link) -> Json:
    url = safe_url(block.url)
    label = inert(block.text, limit=300, lines=False)
    if not url or len(url) > LIMITS.text - 600:
        return _section(block.text)
    shown = escaped(label).replace("|", "¦") if label.strip() else EMPTY
    return {"type": "context", "elements": [_markup(f"<{url.replace('&', '&amp;')}|{shown}>")]}


def _heading(block: tree.Heading) -> list[Json]:
    words = escaped(inert(block.text, limit=300, lines=False)).strip()
    return [{"type": "section", "text": _markup(f"*{words or EMPTY}*")}]


def _facts(facts: list[tree.Fact]) -> list[Json]:
    fields = [_plain(_fact(fact), FIELD) for fact in facts]
    return [{"type": "section", "fields": fields[at : at + FIELDS]} for at in range(0, len(fields), FIELDS)]


def _fact(fact: tree.Fact) -> str:
    value = inert(fact.value, limit=FIELD - 400) or EMPTY
    shown = _joined(("⚠" if fact.undecided else "", value, "✎" if fact.editable else ""), " ")
    return "\n".join((inert(fact.label, limit=100, lines=False), shown, inert(fact.source, limit=200))).rstrip()


def _lines(lines: Iterable[str]) -> list[Json]:
    """One-line texts gathered into sections."""
    sections: list[list[str]] = [[]]
    room = LIMITS.text
    for line in lines:
        shown = inert(line, limit=500, lines=False)
        if len(shown) > room:
            sections.append([])
            room = LIMITS.text
        sections[-1].append(shown)
        room -= len(shown) + 1
    return [_section("\n".join(each)) for each in sections if each]


def _note(note: tree.Note) -> str:
    return _joined((note.date, note.who, note.text), "  ")


def _open_item(item: tree.OpenItem) -> str:
    due = f"({item.due})" if item.due else ""
    return _joined(("☑" if item.done else "☐", item.text, due, "⚠" if item.overdue and not item.done else ""), " ")


def _risk(risk: tree.Risk) -> list[Json]:
    return [_section(f"{_MARKS[_LEVELS[risk.level]]}{_joined((risk.word, risk.text), ': ')}")]


def _row(row: tree.Row) -> list[Json]:
    block = _section(_joined((_MARKS[row.tone] + row.title, row.text), "\n"))
    return [block | {"accessory": _button(row.button)} if row.button else block]


def _columns(block: tree.Columns) -> list[Json]:
    fields = [_plain(_column(column), FIELD) for column in block.columns[:FIELDS]]
    sections: list[Json] = [{"type": "section", "fields": fields}] if fields else []
    return sections + _actions(tree.Actions(tuple(each.button for each in block.columns if each.button)))


def _column(column: tree.Column) -> str:
    signed = _joined((column.who, column.when, column.source), " · ")
    value = inert(column.value, limit=FIELD - 400) or EMPTY
    return _joined((inert(column.label, limit=100, lines=False), value, inert(signed, limit=250, lines=False)), "\n")


def _actions(block: tree.Actions) -> list[Json]:
    buttons = [_button(button, at) for at, button in enumerate(block.buttons)]
    rows = [buttons[at : at + LIMITS.buttons] for at in range(0, len(buttons), LIMITS.buttons)]
    return [{"type": "actions", "elements": row} for row in rows]


def _button(button: tree.Button, at: int = 0) -> Json:
    """The place before the colon: Slack wants each action id once in a block."""
    if len(button.data) > LIMITS.button_data:
        raise ValueError(f"a button's data has {len(button.data)} characters, Slack takes {LIMITS.button_data}")
    label = _plain(button.label, LIMITS.button_label, lines=False)
    drawn: Json = {"type": "button", "text": label, "action_id": f"{at}:{button.action}", "value": button.data}
    return drawn if button.style == "default" else drawn | {"style": button.style}


def _footer(footer: tree.Footer) -> list[Json]:
    return _context([_joined((footer.as_of, footer.source, footer.trace), " · ")])


def _read_only(form: tree.Form) -> list[Json]:
    """Where nothing can be typed, a form still shows what is there."""
    return _facts([tree.Fact(field.label, field.value, field.source) for field in form.fields])


def _inputs(form: tree.Form) -> list[Json]:
    return [block for field in form.fields for block in _input(field)]


def _input(field: tree.FormField) -> list[Json]:
    """What does not fit Slack's input is shown and not asked: saving again what was cut off would lose the rest."""
    if len(field.value) > INPUT or len(field.name) > BLOCK_ID:
        return _facts([tree.Fact(field.label, field.value, field.source)])
    words = _joined((field.error, field.hint, field.source), " · ")
    block: Json = {
        "type": "input",
        "block_id": field.name,
        "optional": True,
        "label": _plain(field.label, FIELD, lines=False),
        "element": _element(field),
    }
    return [block | ({"hint": _plain(words, FIELD, lines=False)} if words else {})]


def _element(field: tree.FormField) -> Json:
    value = legal(field.value)
    options = _options(field, value)
    if field.kind == "date" and (not value or _is_date(value)):
        return {"type": "datepicker", "action_id": "value", **({"initial_date": value} if value else {})}
    if field.kind == "choice" and 0 < len(options) <= OPTIONS and all(len(each["value"]) <= OPTION for each in options):
        select: Json = {"type": "static_select", "action_id": "value", "options": options}
        chosen = next((each for each in options if each["value"] == value), None)
        return select | ({"initial_option": chosen} if chosen else {})
    long = field.kind == "long" or "\n" in value
    size = {"multiline": long, "max_length": min(max(field.max_length, len(value), 1), INPUT)}
    return {"type": "plain_text_input", "action_id": "value", **size, **({"initial_value": value} if value else {})}


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _options(field: tree.FormField, value: str) -> list[Json]:
    """The present value is always among them, so that saving a form unchanged changes nothing."""
    known = [legal(option) for option in field.options if option]
    labels = dict(zip(known, field.option_labels, strict=False)) if field.option_labels else {}
    values = known if not value or value in known else [value, *known]
    return [{"text": _plain(labels.get(each, each), OPTION_LABEL, lines=False), "value": each} for each in values]


_EACH: Final[Mapping[type, Callable[[Any], list[Json]]]] = {
    tree.Title: _title,
    tree.Text: lambda block: [_section(_MARKS[block.tone] + block.text)],
    tree.Heading: _heading,
    tree.Risk: _risk,
    tree.Row: _row,
    tree.Columns: _columns,
    tree.Divider: lambda _: [{"type": "divider"}],
    tree.Link: lambda block: [_link(block)],
    tree.Code: lambda block: [_section(block.text)],
    tree.Actions: _actions,
    tree.Footer: _footer,
}
_TOGETHER: Final[Mapping[type, Callable[[list[Any]], list[Json]]]] = {
    tree.Fact: _facts,
    tree.Note: lambda notes: _lines(_note(note) for note in notes),
    tree.OpenItem: lambda items: _lines(_open_item(item) for item in items),
}
