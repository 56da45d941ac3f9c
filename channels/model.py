"""What a chat network is. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from cards.tree import Card, Tone
from channels.letter import Letter as Letter
from channels.limits import MESSAGES as MESSAGES
from channels.limits import Limits as Limits
from channels.limits import Rate as Rate
from channels.value import ordered, value


@ordered
class ImId:
    """One account on one network. `scope` is the workspace, corp or app: an id alone is never unique."""

    channel: str  # the configured name of the channel, not the vendor's
    scope: str
    kind: str
    id: str

    @property
    def key(self) -> str:
        plain = f"{self.channel}/{self.scope}/{self.kind}/{self.id}"
        if plain.count("/") == 3 and "%" not in plain:  # nearly all: a list of members asks for very many
            return plain
        return "/".join(_escape(part) for part in (self.channel, self.scope, self.kind, self.id))

    @staticmethod
    def parse(key: str) -> ImId:
        channel, scope, kind, id_ = (_unescape(part) for part in key.split("/"))
        return ImId(channel, scope, kind, id_)


@ordered
class Place:
    """Where something is said. `room` and `thread` are opaque outside their channel."""

    channel: str
    room: str
    thread: str = ""

    @property
    def key(self) -> str:
        return "/".join(_escape(part) for part in (self.channel, self.room, self.thread))

    @property
    def room_key(self) -> str:
        """The room without the thread: the lane, the audience, the cool-down."""
        plain = f"{self.channel}/{self.room}"
        if plain.count("/") == 1 and "%" not in plain:  # nearly all, and every event asks
            return plain
        return "/".join(_escape(part) for part in (self.channel, self.room))

    @staticmethod
    def parse(key: str) -> Place:
        channel, room, thread = (_unescape(part) for part in key.split("/"))
        return Place(channel, room, thread)


@ordered
class MessageRef:
    place: Place
    id: str


def _escape(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


def _unescape(part: str) -> str:
    return part.replace("%2F", "/").replace("%25", "%")


@value
class Sender:
    """Who the network says it is. `member` = full member of our own workspace."""

    id: ImId
    name: str
    kind: Literal["member", "guest", "outsider", "bot", "account", "unknown"] = "unknown"
    """`account`: the network knows no companies; what somebody may see hangs on whom the account is linked to alone."""


@value
class Said:
    once: str
    where: Place
    who: Sender
    message: MessageRef
    text: str
    at: int
    quoted: tuple[tuple[int, int], ...] = ()
    """Stretches of `text` that were said by somebody else: never a mention."""
    addressed: bool = False
    """Said to the bot: a direct room, an @mention of it, or a slash command (then `text` starts with `/`)."""
    locale: str = ""
    trigger: str = field(default="", repr=False)
    """Short-lived permission to open a form, where the network gives one with a command. Never stored."""


@dataclass(frozen=True, slots=True)
class Edited:
    once: str
    where: Place
    who: Sender
    message: MessageRef
    text: str
    at: int
    quoted: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Deleted:
    once: str
    where: Place
    who: Sender
    message: MessageRef
    at: int


@dataclass(frozen=True, slots=True)
class Pressed:
    once: str
    where: Place
    who: Sender
    action: str
    data: str
    at: int
    message: MessageRef | None = None
    trigger: str = field(default="", repr=False)
    locale: str = ""
    typed: str = field(default="", repr=False)
    """What was said with it, where a press is a word in reply to a card: `phone +86 512…` after *edit*."""
    painted_at: int = 0
    """When what was pressed was painted last, where the network tells; needed with `typed`."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """`values` holds what was typed; `tokens` the parents token of each field as the form carried it."""

    once: str
    where: Place
    who: Sender
    data: str
    values: Mapping[str, str]
    tokens: Mapping[str, str]
    at: int
    message: MessageRef | None = None
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    once: str
    where: Place
    who: Sender
    at: int
    ourselves: bool = False
    """It is the bot itself that came in: it introduces itself."""


@dataclass(frozen=True, slots=True)
class Left:
    once: str
    where: Place
    who: Sender
    at: int
    ourselves: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """Somebody shared the address of a page of ours. A card sent to `where` becomes that link's preview."""

    once: str
    where: Place
    who: Sender
    message: MessageRef
    url: str
    at: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody opened the page the bot has for each of them alone. A card sent to `where` becomes that page."""

    once: str
    where: Place
    who: Sender
    at: int
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The network gave the room `where` another id; what it was known by before means nothing any more."""

    once: str
    where: Place
    who: Sender
    to: Place
    at: int


Event: TypeAlias = Said | Edited | Deleted | Pressed | Submitted | Joined | Left | Linked | Opened | Moved


# What a press or a form is answered with. The handler says it, the channel words it.
@dataclass(frozen=True, slots=True)
class Toast:
    text: str
    tone: Tone = "neutral"
    url: str = ""
    """Opened for the one who pressed, where the network can."""


@dataclass(frozen=True, slots=True)
class ShowCard:
    """A card for the one who pressed, and nobody else."""

    card: Card
    records: tuple[str, ...] = ()
    """Keys of the records it tells of: where it stays in a chat, it goes when they may not be seen any more."""
    live: bool = False
    """It is the whole card of its one record: where it stays, it is drawn again."""


@dataclass(frozen=True, slots=True)
class OpenForm:
    card: Card  # holds exactly one Form block


@dataclass(frozen=True, slots=True)
class FieldErrors:
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


Answer: TypeAlias = Toast | ShowCard | OpenForm | FieldErrors | Nothing


@value
class Inbound:
    """A request as the sender saw it. Header names: in small letters; `url` is built on the configured `public_url`."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    peer_certificate: str | None = None


@value
class Reply:
    """What to answer the network and what it told us. With `wait` the answer to `events[0]` goes into this response."""

    events: tuple[Event, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait: bool = False
    letters: tuple[Letter, ...] = ()


@dataclass(frozen=True, slots=True)
class Roster:
    """Who can read a room. `complete` is False whenever the network did not give the whole list."""

    members: tuple[Sender, ...]
    complete: bool
    at: int
    title: str = ""
    kind: Literal["group", "direct", "public"] = "group"
    external: bool = False
    """The room is shared with people outside the company's own workspace."""


class Channel(Protocol):
    """The required part. Raises `Rejected`, `Unreadable` from receive; `Retry`, `Refused` from send."""

    name: str
    limits: Limits

    async def receive(self, request: Inbound) -> Reply:
        """Verify, then the pure parse. Touches no network."""
        ...

    async def send(self, place: Place, card: Card, *, once: str) -> MessageRef: ...

    async def close(self) -> None: ...


@runtime_checkable
class Edits(Protocol):
    async def edit(self, message: MessageRef, card: Card) -> None: ...


@runtime_checkable
class Deletes(Protocol):
    async def delete(self, message: MessageRef) -> None: ...


@runtime_checkable
class Whispers(Protocol):
    """A message in a room that one member sees."""

    async def whisper(self, place: Place, to: ImId, card: Card, *, once: str) -> MessageRef: ...


@runtime_checkable
class Members(Protocol):
    async def members(self, place: Place) -> Roster: ...


@dataclass(frozen=True, slots=True)
class Account:
    """One of our own workspace's accounts as its user list has it; `email` only where the network checked it."""

    id: ImId
    name: str
    email: str = ""
    kind: Literal["member", "guest", "bot"] = "member"
    active: bool = True


@runtime_checkable
class Accounts(Protocol):
    """The whole user list of our own workspace, those that were deactivated too."""

    async def accounts(self) -> tuple[Account, ...]: ...


@runtime_checkable
class Directs(Protocol):
    """The room shared by the bot and one person alone."""

    async def direct(self, to: ImId) -> Place: ...


@runtime_checkable
class Invites(Protocol):
    """Nobody can be written to directly who has not spoken to the bot first (`gateway.errors.Unmet`)."""

    def invitation(self, to: ImId) -> str:
        """The address where they can; it says nothing of anybody."""
        ...


@runtime_checkable
class Forms(Protocol):
    async def open(self, trigger: str, card: Card) -> None: ...


@runtime_checkable
class Holds(Protocol):
    """Where a trigger ends sooner than an answer may take: a form that says so is opened, and filled in later."""

    async def hold(self, trigger: str, card: Card) -> str:
        """The trigger to `open` with from then on; it lasts."""
        ...


@runtime_checkable
class Answers(Protocol):
    """Words an Answer in the body of the response to the press it answers."""

    def answer(self, event: Event, answer: Answer) -> Reply: ...


class Put(Protocol):
    """Returns only when the event is stored. With `wait`, and for a press or a form alone: what it is answered with, or
    None when that was not ready in time: then it goes its own way. `stored` is called as soon as it is stored."""

    def __call__(
        self, event: Event, *, wait: bool = False, stored: Callable[[], None] | None = None
    ) -> Awaitable[Answer | None]: ...


@runtime_checkable
class Listens(Protocol):
    """Whatever we connect to ourselves. May return when nothing is configured to be listened to."""

    async def listen(self, put: Put) -> None: ...


@runtime_checkable
class Pages(Protocol):
    """Requests to `/in/<name>/<path>`: an installation, a page that the network opens. May call the network."""

    async def page(self, path: str, request: Inbound) -> Reply: ...
