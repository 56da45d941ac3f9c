"""The card tree: a closed set of blocks that every network's visitor knows how to draw.

Strings in a tree are raw text, never markup: each network encodes them once, last. Times are milliseconds
since the epoch; a block that shows one carries both the words to show and the exact time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone = Literal["neutral", "info", "warning", "danger"]


@dataclass(frozen=True, slots=True)
class Badge:
    text: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Title:
    text: str
    badges: tuple[Badge, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value. `source` is its watermark line (`[Slack card 1.0] 李婷 10:33`), empty when not shown."""

    label: str
    value: str
    source: str = ""
    at: int = 0
    editable: bool = False
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    date: str
    who: str
    text: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class OpenItem:
    text: str
    due: str = ""
    overdue: bool = False
    done: bool = False
    at: int = 0


@dataclass(frozen=True, slots=True)
class Risk:
    text: str
    level: Literal["low", "medium", "high"]
    word: str
    """The level in the reader's language: tone is never told by colour alone."""


@dataclass(frozen=True, slots=True)
class Button:
    """`action` is one of the gateway's action names; `data` an opaque signed token (at most 1,900 characters)."""

    label: str
    action: str
    data: str
    style: Literal["default", "primary", "danger"] = "default"


@dataclass(frozen=True, slots=True)
class Row:
    """One of several customers or choices on a card: a title, a line of text, at most one button."""

    title: str
    text: str = ""
    tone: Tone = "neutral"
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One side of a conflict: *before*, *now in the CRM*, *yours*; who and when under the value."""

    label: str
    value: str
    who: str = ""
    when: str = ""
    at: int = 0
    source: str = ""
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Divider:
    pass


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Code:
    """A short code a person types elsewhere, for example a link code."""

    text: str


@dataclass(frozen=True, slots=True)
class Actions:
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class FormField:
    name: str
    label: str
    value: str = ""
    kind: Literal["text", "phone", "email", "decimal", "date", "choice", "long"] = "text"
    options: tuple[str, ...] = ()
    option_labels: tuple[str, ...] = ()
    """What a reader sees instead of each option; as many as options, or none."""
    source: str = ""
    """The present value's watermark, shown under the field."""
    hint: str = ""
    error: str = ""
    max_length: int = 3000
    token: str = ""
    """The field's signed parents token; travels with the form, invisible."""


@dataclass(frozen=True, slots=True)
class Form:
    """`data` is the signed token that comes back with the values."""

    data: str
    fields: tuple[FormField, ...]
    submit: str
    cancel: str = ""


@dataclass(frozen=True, slots=True)
class Footer:
    """`10:32 · [CRM] 10:30 · trace 7F3A-19`. Each part may be empty."""

    as_of: str = ""
    source: str = ""
    trace: str = ""
    at: int = 0


Block: TypeAlias = (
    Title
    | Text
    | Heading
    | Fact
    | Note
    | OpenItem
    | Risk
    | Row
    | Columns
    | Divider
    | Link
    | Code
    | Actions
    | Form
    | Footer
)


@dataclass(frozen=True, slots=True)
class Card:
    """`name` is the template's; `summary` the one-line fallback for notifications, under the same disclosure."""

    name: str
    summary: str
    blocks: tuple[Block, ...]
    tone: Tone = "neutral"
    locale: str = "en"
