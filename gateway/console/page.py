"""The console's pages: server-rendered, in the reader's language, with nothing that needs a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cards.inert import safe_url
from cards.words import N_, Reader
from gateway.console.chat.page import STATIC as CHAT_STATIC

HERE = Path(__file__).parent
FILES: dict[str, tuple[Path, str]] = {
    "tokens.css": (CHAT_STATIC / "tokens.css", "text/css"),
    "mark.svg": (CHAT_STATIC / "mark.svg", "image/svg+xml"),
    "console.css": (HERE / "static" / "console.css", "text/css"),
    "form.css": (HERE / "static" / "form.css", "text/css"),
}
"""What a page loads. The look's own words are the chat's, shared and not copied."""

LONGEST = 80
NAVIGATION = (
    ("overview", "/console", N_("Overview")),
    ("identities", "/console/identities", N_("Identities")),
    ("rooms", "/console/rooms", N_("Rooms")),
    ("customers", "/console/customers", N_("Customers")),
    ("conflicts", "/console/conflicts", N_("Conflicts")),
    ("policies", "/console/policies", N_("Policies")),
    ("mentions", "/console/mentions", N_("Mentions")),
    ("alerts", "/console/alerts", N_("Alerts")),
    ("audit", "/console/audit", N_("Audit")),
)
"""Every page with its address."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around every page. `me` is empty before anybody signed in."""

    reader: Reader
    me: str = ""
    csrf: str = ""
    page: str = ""
    demo: bool = False
    said: str = ""
    wrong: bool = False
    nav: Sequence[tuple[str, str, str]] = ()
    """The pages that are for the reader's role: name, address, words."""
    here: str = ""
    """What was asked of this page, so that it is the same in another language."""


@dataclass(frozen=True, slots=True)
class Plugged:
    name: str
    type: str
    about: str = ""
    wrong: Sequence[str] = ()
    """Nothing while it answers."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """`key`: its name in the configuration; `numbers`: how far it was taken, in words; `back`: it was set back."""

    key: str
    name: str
    state: str
    at: int
    lag: str
    numbers: str
    wrong: bool
    back: bool


@dataclass(frozen=True, slots=True)
class Overview:
    channels: Sequence[Plugged]
    crms: Sequence[Plugged]
    others: Sequence[Plugged]
    """Whom else this gateway calls."""
    persons: int
    unmapped: int
    conflicts: int
    parked: int
    sources: Sequence[SourceLine]
    may: bool
    """Begin a new epoch."""


@dataclass(frozen=True, slots=True)
class Likely:
    id: str
    name: str
    percent: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Account:
    key: str
    name: str
    kind: str
    also_in: Sequence[str]
    seen_at: int
    likely: Sequence[Likely]


@dataclass(frozen=True, slots=True)
class RoomTail:
    title: str
    key: str
    accounts: Sequence[Account]


@dataclass(frozen=True, slots=True)
class LinkRow:
    id: str
    kind: str
    key: str
    step: str
    evidence: str
    made_by: str
    at: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: str
    name: str
    roles: Sequence[str]
    team: str
    region: str
    emails: str
    active: bool
    external: bool
    me: bool
    links: Sequence[LinkRow]


@dataclass(frozen=True, slots=True)
class Double:
    """`persons`: id and name, two or more."""

    email: str
    persons: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Doubles:
    """`turned`: who signed in with an address that was somebody else's, and when: id, name, time."""

    shared: Sequence[Double]
    more: int
    turned: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Identities:
    """`more_*`: how many are not on this page. Persons are offered in a list up to a size, else by their ids."""

    rooms: Sequence[RoomTail]
    unmapped: int
    more_unmapped: int
    persons: Sequence[PersonRow]
    more_persons: int
    query: str
    offered: Sequence[tuple[str, str]]
    roles: Sequence[str]
    doubles: Doubles
    admin: bool


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["address"] = safe_url
    environment.filters["query"] = lambda text: quote(text, safe="", errors="replace")
    return environment


def short(text: str, longest: int = LONGEST) -> str:
    """A name of ten thousand signs is told by its beginning."""
    return text if len(text) <= longest else text[:longest] + "…"


def render(template: str, frame: Frame, **facts: object) -> bytes:
    """UTF-8; what UTF-8 cannot say (a lone surrogate in a name) is a question mark."""
    reader = frame.reader
    told = _environment().get_template(f"{template}.html.j2")
    html = told.render(frame=frame, say=reader.say, reader=reader, lang=reader.locale, **facts)
    return html.encode("utf-8", "replace")
