"""What each template is handed. Everything here has passed disclosure: what the room may not see is absent.

Strings are raw text. Times are milliseconds since the epoch; the templates' filters word them for the
reader's locale and zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cards.tree import Button, FormField, Tone


@dataclass(frozen=True, slots=True)
class FactView:
    """One field: `label` in the reader's language, `value` formatted, `source` a watermark, `who` who set it."""

    field: str
    label: str
    value: str
    source: str = ""
    who: str = ""
    at: int = 0
    editable: bool = False
    undecided: bool = False
    write_state: Literal["", "saved_here", "in_crm", "refused", "in_doubt", "disputed"] = ""
    write_at: int = 0
    """When the CRM took it, where that is known."""
    write_why: str = ""
    """What the CRM said, or who keeps writing over it there."""


@dataclass(frozen=True, slots=True)
class TagView:
    text: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class NoteView:
    text: str
    who: str
    at: int


@dataclass(frozen=True, slots=True)
class OpenItemView:
    text: str
    due: int | None
    done: bool = False


@dataclass(frozen=True, slots=True)
class RiskView:
    text: str
    level: Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class ContactView:
    name: str
    title: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class CustomerView:
    """One customer as this audience may see it. Lists are None when their class is withheld, () when empty."""

    title: str
    url: str = ""
    tags: tuple[TagView, ...] = ()
    facts: tuple[FactView, ...] = ()
    notes: tuple[NoteView, ...] | None = None
    open_items: tuple[OpenItemView, ...] | None = None
    risks: tuple[RiskView, ...] | None = None
    contacts: tuple[ContactView, ...] | None = None
    buttons: tuple[Button, ...] = ()
    as_of: int = 0
    """When this was computed from the newest value."""
    source: str = ""
    """Watermark of the newest value shown."""
    source_at: int = 0
    trace: str = ""


# Facts by template name, as keyword arguments of Deck.draw:
#
#   customer      customer: CustomerView                       (tags, top risk, facts, notes, open items, footer)
#   customers     customers: tuple[CustomerView, ...], trace   (several in one message: one row each, button each)
#   picker        surface: str, options: tuple[OptionView, ...]               whisper: which one did you mean?
#   edit_form     title: str, fields: tuple[FormField, ...], data: str
#   conflict      conflict: ConflictView
#   alert         alert: AlertView
#   link          code: str, expires: int, url: str            whisper: type this code to link your account
#   show_me       customer: CustomerView                       whisper: everything you yourself may see
#   withheld      reasons: tuple[WithheldView, ...]            whisper to the author: what is hidden here, and why
#   notice        title: str, text: str, tone: Tone, buttons   a short answer that needs a card
#   home          home: HomeView                               one person's own page: customers, open items, alerts
#   why           why: WhyView                                 /why: what matched, who hears it, what was withheld


@dataclass(frozen=True, slots=True)
class TaskView:
    """An open item, with whose it is."""

    title: str
    item: OpenItemView


@dataclass(frozen=True, slots=True)
class HomeView:
    """One person's own page."""

    customers: tuple[CustomerView, ...]
    tasks: tuple[TaskView, ...]
    alerts: tuple[AlertView, ...]
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionView:
    """One of several customers of a name; `hints` tell them apart: city, owner, last contact."""

    title: str
    hints: tuple[str, ...]
    button: Button


@dataclass(frozen=True, slots=True)
class SideView:
    """One side of a conflict. `role`: the value both had seen, in the CRM, standing now, yours, or another's."""

    role: Literal["before", "crm", "stands", "yours", "theirs"]
    value: str
    who: str = ""
    at: int = 0
    source: str = ""
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class ConflictView:
    title: str
    field: str
    label: str
    sides: tuple[SideView, ...]
    settled: str = ""
    """The value it was settled to, once it is; then no side has a button."""
    settled_by: str = ""
    settled_at: int = 0
    undo: Button | None = None
    trace: str = ""
    proposal: bool = False
    """Nothing is in dispute: a value is proposed to those who may decide the field."""
    gone: str = ""
    """Why nobody can decide it just now: the customer was deleted in its CRM, or merged away. No side has a button."""


@dataclass(frozen=True, slots=True)
class AlertView:
    rule: str
    title: str
    """The customer's name."""
    what: str
    """One sentence, worded in the reader's language by the handler."""
    since: int
    tone: Tone
    proposal: str = ""
    state: Literal["open", "acknowledged", "snoozed", "over"] = "open"
    by: str = ""
    until: int = 0
    buttons: tuple[Button, ...] = ()
    trace: str = ""


@dataclass(frozen=True, slots=True)
class WithheldView:
    """`fields` are labels; `because` says whose presence hides them, never a name."""

    fields: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class WhyStep:
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class WhyView:
    title: str
    steps: tuple[WhyStep, ...]
    trace: str = ""


__all__ = [
    "AlertView",
    "ConflictView",
    "ContactView",
    "CustomerView",
    "FactView",
    "FormField",
    "NoteView",
    "OpenItemView",
    "OptionView",
    "RiskView",
    "SideView",
    "TagView",
    "WhyStep",
    "WhyView",
    "WithheldView",
]
