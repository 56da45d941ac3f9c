"""A card trimmed into a network's limits: the least important goes first, and what went is counted on the card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache, singledispatch
from operator import attrgetter
from typing import Any, Final, TypeAlias

from cards import tree
from cards.graphemes import cut
from cards.tree import Actions, Block, Button, Card, Form, Heading, Text
from cards.words import N_, say

FEWEST: Final = 4
"""No network has room for fewer blocks than a title, a line that says what is missing, the buttons, the footer."""

# What goes first. Blocks of one rank go from the last to the first; what is not named goes after these.
_RANK: Final[dict[type, int]] = {
    tree.Divider: 0,
    tree.Note: 1,
    tree.OpenItem: 2,
    tree.Row: 3,
    tree.Heading: 4,
    tree.Link: 5,
    tree.Fact: 6,
    tree.Text: 7,
    tree.Risk: 8,
    tree.Code: 9,
    tree.Columns: 10,
    tree.Form: 11,
    tree.Actions: 12,
    tree.Title: 13,
    tree.Footer: 13,
}
_UNCOUNTED: Final = (tree.Divider, tree.Heading)
_MORE: Final = N_("… {n} more")


def fit(
    card: Card,
    *,
    text: int,
    title: int,
    button_label: int,
    blocks: int,
    buttons: int,
    form_fields: int,
    total: int = 0,
    size: Callable[[Block], int] | None = None,
) -> Card:
    """`card` within these limits: characters of one text, of a title, of a button's label; blocks of a card,
    buttons of one row, fields of a form; with `total`, of all blocks together as `size` measures each (characters
    when not given).

    Text is cut between graphemes and ends with `…`. Dropped blocks, choices and fields leave one line
    `… n more` before the actions. Title, buttons and footer stay; more buttons than a row holds make more rows.
    A form's values are never cut: a field whose value is too long to be shown whole is dropped and counted. A
    form with the same fields still saves the others. An idempotent function; a card that fits is itself.
    """
    if blocks < FEWEST:
        raise ValueError(f"a card needs {FEWEST} blocks at least, not {blocks}")
    least, lengths = min(text, title, button_label), _Lengths(text, title, button_label)
    small = len(card.blocks) <= blocks and not total and all(_is_slim(it, buttons, form_fields) for it in card.blocks)
    if small and _is_short((card.summary, card.blocks), least):
        return card
    trimmed = [_cut(block, lengths) for block in card.blocks]
    trimmed, lost = _shorten_forms(_rows_of(trimmed, buttons), form_fields, text)
    kept = _keep(trimmed, blocks, total, size or length, said=lost > 0)
    lost += sum(1 for block in _gone(trimmed, kept) if not isinstance(block, _UNCOUNTED))
    fitted = replace(card, summary=cut(card.summary, text), blocks=_with_line(kept, lost, card.locale))
    return card if fitted == card else fitted


def _is_slim(block: Block, buttons: int, form_fields: int) -> bool:
    if isinstance(block, Actions):
        return len(block.buttons) <= buttons
    return not isinstance(block, Form) or len(block.fields) <= form_fields


def _is_short(value: Any, most: int) -> bool:
    """No text in it is longer: nothing to cut, whichever limit is whose."""
    kind: Any = type(value)
    for part in value if kind is tuple else _values(kind)(value):
        if isinstance(part, str):
            if len(part) > most:
                return False
        elif type(part) not in _BARE and not _is_short(part, most):
            return False
    return True


_BARE: Final = frozenset({int, bool, type(None)})
"""Holds no text."""
_Parts: TypeAlias = Callable[[Any], tuple[Any, ...]]


@lru_cache(maxsize=64)
def _values(kind: Any) -> _Parts:
    """Reads every field of a block at once."""
    names = [field.name for field in fields(kind)]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda block: tuple(getattr(block, name) for name in names)


class _Lengths:
    def __init__(self, text: int, title: int, label: int) -> None:
        self.text, self.title, self.label = text, title, label

    def button(self, button: Button | None) -> Button | None:
        return button and replace(button, label=cut(button.label, self.label))


@singledispatch
def _cut(block: Any, to: _Lengths) -> Any:
    """The block with its texts cut. A code, an address, a form's values and every token stay whole."""
    return block


@_cut.register
def _(block: tree.Title, to: _Lengths) -> Block:
    badges = tuple(replace(badge, text=cut(badge.text, to.title)) for badge in block.badges)
    return replace(block, text=cut(block.text, to.title), badges=badges)


@_cut.register
def _(block: tree.Heading, to: _Lengths) -> Block:
    return replace(block, text=cut(block.text, to.title))


@_cut.register(tree.Text)
@_cut.register(tree.Link)
def _(block: Any, to: _Lengths) -> Any:
    return replace(block, text=cut(block.text, to.text))


@_cut.register
def _(block: tree.Fact, to: _Lengths) -> Block:
    label, value, source = cut(block.label, to.title), cut(block.value, to.text), cut(block.source, to.text)
    return replace(block, label=label, value=value, source=source)


@_cut.register
def _(block: tree.Note, to: _Lengths) -> Block:
    return replace(block, who=cut(block.who, to.title), text=cut(block.text, to.text))


@_cut.register
def _(block: tree.OpenItem, to: _Lengths) -> Block:
    return replace(block, text=cut(block.text, to.text), due=cut(block.due, to.title))


@_cut.register
def _(block: tree.Risk, to: _Lengths) -> Block:
    return replace(block, text=cut(block.text, to.text), word=cut(block.word, to.title))


@_cut.register
def _(block: tree.Row, to: _Lengths) -> Block:
    return replace(
        block, title=cut(block.title, to.title), text=cut(block.text, to.text), button=to.button(block.button)
    )


@_cut.register
def _(block: tree.Columns, to: _Lengths) -> Block:
    return replace(block, columns=tuple(_cut_column(column, to) for column in block.columns))


def _cut_column(column: tree.Column, to: _Lengths) -> tree.Column:
    return replace(
        column,
        label=cut(column.label, to.title),
        value=cut(column.value, to.text),
        who=cut(column.who, to.title),
        source=cut(column.source, to.title),
        button=to.button(column.button),
    )


@_cut.register
def _(block: tree.Actions, to: _Lengths) -> Block:
    return Actions(tuple(replace(button, label=cut(button.label, to.label)) for button in block.buttons))


@_cut.register
def _(block: tree.Form, to: _Lengths) -> Block:
    submit, cancel = cut(block.submit, to.label), cut(block.cancel, to.label)
    return replace(block, fields=tuple(_cut_field(each, to) for each in block.fields), submit=submit, cancel=cancel)


def _cut_field(field: tree.FormField, to: _Lengths) -> tree.FormField:
    return replace(
        field,
        label=cut(field.label, to.title),
        option_labels=tuple(cut(label, to.title) for label in field.option_labels),
        source=cut(field.source, to.text),
        hint=cut(field.hint, to.text),
        error=cut(field.error, to.text),
    )


@_cut.register
def _(block: tree.Footer, to: _Lengths) -> Block:
    as_of, source, trace = (cut(part, to.title) for part in (block.as_of, block.source, block.trace))
    return replace(block, as_of=as_of, source=source, trace=trace)


def _rows_of(blocks: Sequence[Block], buttons: int) -> list[Block]:
    """Actions in rows that the network takes."""
    rows: list[Block] = []
    for block in blocks:
        if isinstance(block, Actions) and len(block.buttons) > buttons:
            rows += [Actions(block.buttons[at : at + buttons]) for at in range(0, len(block.buttons), buttons)]
        else:
            rows.append(block)
    return rows


def _shorten_forms(blocks: list[Block], most: int, text: int) -> tuple[list[Block], int]:
    """The forms with what the network can hold of their fields, and how many fields went."""
    shortened: list[Block] = []
    lost = 0
    for block in blocks:
        if isinstance(block, Form):
            fields = tuple(field for field in block.fields if len(field.value) <= text)[:most]
            lost += len(block.fields) - len(fields)
            block = replace(block, fields=fields)
        shortened.append(block)
    return shortened, lost


def _keep(blocks: list[Block], most: int, total: int, size: Callable[[Block], int], *, said: bool) -> list[Block]:
    """The blocks that stay. As soon as one has gone, the line that says so (`said`) takes a place of its own."""
    kept = dict(enumerate(blocks))
    weight = sum(map(size, blocks)) if total else 0
    line = size(Text(_MORE + "00"))
    for at, block in sorted(kept.items(), key=_first_to_go):
        fits = len(kept) <= most - said and (not total or weight <= total - line * said)
        if fits or isinstance(block, tree.Title | tree.Footer):
            break
        said = said or not isinstance(block, _UNCOUNTED)
        del kept[at]
        weight -= size(block) if total else 0
    return _without_bare_headings(list(kept.values()))


def _first_to_go(placed: tuple[int, Block]) -> tuple[int, int]:
    at, block = placed
    return _RANK[type(block)], -at


def _without_bare_headings(blocks: list[Block]) -> list[Block]:
    """A heading with nothing left under it says nothing."""
    ends = (Heading, Actions, tree.Footer, tree.Divider)
    after: list[Block | None] = [*blocks[1:], None]
    return [
        block
        for block, then in zip(blocks, after, strict=True)
        if not (isinstance(block, Heading) and (then is None or isinstance(then, ends)))
    ]


def _gone(before: list[Block], after: list[Block]) -> Iterator[Block]:
    left = iter(after)
    waiting = next(left, None)
    for block in before:
        if block is waiting:
            waiting = next(left, None)
        else:
            yield block


def _with_line(blocks: list[Block], lost: int, locale: str) -> tuple[Block, ...]:
    if not lost:
        return tuple(blocks)
    at = next((i for i, block in enumerate(blocks) if isinstance(block, Actions | tree.Footer)), len(blocks))
    return (*blocks[:at], Text(say(locale, _MORE, n=lost)), *blocks[at:])


def length(block: object) -> int:
    """The characters of every text in a block."""
    if isinstance(block, str):
        return len(block)
    if isinstance(block, tuple):
        return sum(map(length, block))
    names = getattr(type(block), "__dataclass_fields__", ())
    return sum(length(getattr(block, name)) for name in names)
