"""What Telegram tells us: an `Update` into events. Pure; read before written for.

Shapes: core.telegram.org/bots/api#update. Every update has one `update_id`, by which it is known when it comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from channels import model
from channels.telegram.text import Entity, said_plainly
from channels.wire import Body, Source, read
from gateway.errors import Unreadable

# 52 significant bits at most; group ids are negative.
Id = Annotated[int, Field(ge=-(2**53), le=2**53, strict=True)]
Serial = Annotated[int, Field(ge=0, le=2**53, strict=True)]
Seconds = Annotated[int, Field(ge=0, le=2**40, strict=True)]
Words = Annotated[str, Field(max_length=1_000)]
THERE = frozenset({"creator", "administrator", "member"})


class _User(Body):
    id: Id
    is_bot: bool = False
    first_name: Words = ""
    last_name: Words | None = None
    username: Words | None = None
    language_code: Annotated[str, Field(max_length=40)] | None = None


class _Chat(Body):
    id: Id
    type: Literal["private", "group", "supergroup", "channel"]
    title: Words | None = None
    username: Words | None = None
    is_direct_messages: bool = False

    @property
    def is_room(self) -> bool:
        """A channel is a broadcast, and what its readers write to it is a room of strangers, each for themselves."""
        return self.type != "channel" and not self.is_direct_messages


class _Replied(Body):
    from_: _User | None = Field(default=None, alias="from")


class _Message(Body):
    message_id: Serial
    date: Seconds = 0
    chat: _Chat
    from_: _User | None = Field(default=None, alias="from")
    sender_chat: _Chat | None = None
    via_bot: _User | None = None
    message_thread_id: Serial | None = None
    is_topic_message: bool = False
    edit_date: Seconds | None = None
    text: str | None = None
    entities: tuple[Entity, ...] = ()
    caption: str | None = None
    caption_entities: tuple[Entity, ...] = ()
    forward_origin: dict[str, Any] | None = None
    reply_to_message: _Replied | None = None
    new_chat_members: tuple[_User, ...] = ()
    left_chat_member: _User | None = None
    migrate_to_chat_id: Id | None = None
    migrate_from_chat_id: Id | None = None


class _Query(Body):
    id: Annotated[str, Field(min_length=1, max_length=100, repr=False)]
    from_: _User = Field(alias="from")
    message: _Message
    data: Annotated[str, Field(min_length=1, max_length=4_000)]


class _Standing(Body):
    user: _User
    status: Literal["creator", "administrator", "member", "restricted", "left", "kicked"]
    is_member: bool = False

    @property
    def there(self) -> bool:
        return self.status in THERE or (self.status == "restricted" and self.is_member)


class _Change(Body):
    chat: _Chat
    from_: _User = Field(alias="from")
    date: Seconds
    old_chat_member: _Standing
    new_chat_member: _Standing


class _Update(Body):
    update_id: Serial


@dataclass(frozen=True, slots=True)
class Told:
    """One update: where it came in, its serial, and who we are there."""

    source: Source
    serial: int
    username: str

    def once(self, kind: str, at: int = 0) -> str:
        return f"{self.source.channel}:{self.source.scope}:{kind}:{self.serial}" + (f":{at}" if at else "")

    def place(self, chat: int, message: _Message | None = None) -> model.Place:
        """Only a forum's topics are threads: a supergroup numbers its chains of replies in the same way."""
        topic = message.message_thread_id if message is not None and message.is_topic_message else None
        return model.Place(self.source.channel, str(chat), str(topic) if topic else "")

    def sender(self, user: _User) -> model.Sender:
        id_ = model.ImId(self.source.channel, self.source.scope, "user", str(user.id))
        name = " ".join(part for part in (user.first_name, user.last_name or "") if part)
        return model.Sender(id_, name, "bot" if user.is_bot else "account")

    def author(self, message: _Message) -> model.Sender:
        """An anonymous administrator speaks as the group, a linked channel as itself: nobody in particular, so that
        nobody's rights are theirs, even if somebody enters a code there."""
        if message.sender_chat is not None:
            id_ = model.ImId(self.source.channel, self.source.scope, "chat", str(message.sender_chat.id))
            return model.Sender(id_, message.sender_chat.title or "", "outsider")
        if message.from_ is None:
            raise Unreadable("from: missing")
        return self.sender(message.from_)

    def ourselves(self, user: _User) -> bool:
        return str(user.id) == self.source.scope


Events = tuple[model.Event, ...]
Reader = Callable[[Told, Mapping[str, Any]], Events]


def _text(message: _Message) -> tuple[str, tuple[Entity, ...]]:
    if message.text is not None:
        return message.text, message.entities
    return message.caption or "", message.caption_entities


def _plainly(told: Told, message: _Message) -> tuple[str, tuple[tuple[int, int], ...], bool]:
    """What somebody else said, forwarded or put there by another bot, is quoted as a whole."""
    words, entities = _text(message)
    text, quoted, called = said_plainly(words, entities, told.username, told.source.scope)
    if message.forward_origin is not None or message.via_bot is not None:
        quoted = ((0, len(text)),)
    return text, quoted, called


def _said(told: Told, payload: Mapping[str, Any]) -> Events:
    message = read(_Message, payload["message"])
    if (message.text is None and message.caption is None) or not message.chat.is_room:
        return ()
    where, who = told.place(message.chat.id, message), told.author(message)
    text, quoted, called = _plainly(told, message)
    replied = message.reply_to_message.from_ if message.reply_to_message else None
    addressed = called or message.chat.type == "private" or (replied is not None and told.ourselves(replied))
    ref = model.MessageRef(where, str(message.message_id))
    locale = message.from_.language_code or "" if message.from_ else ""
    at = message.date * 1000
    return (model.Said(told.once("message"), where, who, ref, text, at, quoted, addressed, locale),)


_WORDLESS = frozenset({"location", "venue", "poll", "dice", "game", "checklist", "story"})
"""What has no text of its own; a place that somebody shares live is edited every few seconds."""


def _edited(told: Told, payload: Mapping[str, Any]) -> Events:
    message = read(_Message, payload["edited_message"])
    if not message.chat.is_room or _WORDLESS & payload["edited_message"].keys():
        return ()
    where, who = told.place(message.chat.id, message), told.author(message)
    text, quoted, _ = _plainly(told, message)
    at = (message.edit_date or message.date) * 1000
    ref = model.MessageRef(where, str(message.message_id))
    return (model.Edited(told.once("edited_message"), where, who, ref, text, at, quoted),)


def _came(told: Told, payload: Mapping[str, Any]) -> Events:
    message = read(_Message, payload["message"])
    where, at = told.place(message.chat.id), message.date * 1000
    return tuple(
        model.Joined(told.once("joined", number), where, told.sender(user), at, told.ourselves(user))
        for number, user in enumerate(message.new_chat_members)
        if not told.ourselves(user)  # `my_chat_member` says that, and what we may do there
    )


def _went(told: Told, payload: Mapping[str, Any]) -> Events:
    message = read(_Message, payload["message"])
    user = message.left_chat_member
    if user is None or told.ourselves(user):
        return ()
    where = told.place(message.chat.id)
    return (model.Left(told.once("left"), where, told.sender(user), message.date * 1000),)


def _moved(told: Told, payload: Mapping[str, Any]) -> Events:
    """Told twice, in the old group and in the supergroup: once for us."""
    message = read(_Message, payload["message"])
    here = message.chat.id
    old, new = message.migrate_from_chat_id or here, message.migrate_to_chat_id or here
    if old == new:
        raise Unreadable("migrate_to_chat_id: the same room")
    source = told.source
    once = f"{source.channel}:{source.scope}:moved:{old}:{new}"
    return (model.Moved(once, told.place(old), told.author(message), told.place(new), message.date * 1000),)


def _pressed(told: Told, payload: Mapping[str, Any]) -> Events:
    """A button's data is `action:data`, or the short name under which the channel keeps that."""
    query = read(_Query, payload["callback_query"])
    where = told.place(query.message.chat.id, query.message)
    ref = model.MessageRef(where, str(query.message.message_id))
    action, colon, data = query.data.partition(":")
    action, data = (action, data) if colon else ("", action)
    who, once, locale = told.sender(query.from_), told.once("callback_query"), query.from_.language_code or ""
    return (model.Pressed(once, where, who, action, data, told.source.at, ref, query.id, locale),)


def _ours(told: Told, payload: Mapping[str, Any]) -> Events:
    return _changed(told, "my_chat_member", read(_Change, payload["my_chat_member"]))


def _theirs(told: Told, payload: Mapping[str, Any]) -> Events:
    return _changed(told, "chat_member", read(_Change, payload["chat_member"]))


def _changed(told: Told, kind: str, change: _Change) -> Events:
    """A direct room is not joined, and who is made an administrator was there before."""
    user, was, there = change.new_chat_member.user, change.old_chat_member.there, change.new_chat_member.there
    if change.chat.type == "private" or not change.chat.is_room or was == there:
        return ()
    event = model.Joined if there else model.Left
    where, at = told.place(change.chat.id), change.date * 1000
    return (event(told.once(kind), where, told.sender(user), at, told.ourselves(user)),)


EVENTS: Mapping[str, Reader] = {
    "message": _said,
    "message/new_chat_members": _came,
    "message/left_chat_member": _went,
    "message/migrate_to_chat_id": _moved,
    "message/migrate_from_chat_id": _moved,
    "edited_message": _edited,
    "callback_query": _pressed,
    "my_chat_member": _ours,
    "chat_member": _theirs,
}
WANTED = ("message", "edited_message", "callback_query", "my_chat_member", "chat_member")
"""`allowed_updates`: `chat_member` comes only when it is asked for by name."""

SKIPPED = frozenset(
    {"channel_post", "edited_channel_post", "inline_query", "chosen_inline_result", "poll", "poll_answer"}
    | {"shipping_query", "pre_checkout_query", "purchased_paid_media", "chat_join_request"}
    | {"chat_boost", "removed_chat_boost", "message_reaction", "message_reaction_count"}
    | {"business_connection", "business_message", "edited_business_message", "deleted_business_messages"}
    | {"managed_bot", "guest_message"}
)
"""Known, and nothing to us."""


def name(payload: Mapping[str, Any]) -> str:
    """The key of `EVENTS` or `SKIPPED`: the one key beside `update_id`, a service message's own after a slash."""
    kind = next((key for key in payload if key in WANTED or key in SKIPPED), "")
    message = payload.get("message")
    if kind == "message" and isinstance(message, dict):
        inner = next((key for key in message if f"message/{key}" in EVENTS), "")
        return f"message/{inner}" if inner else kind
    return kind


def parse(source: Source, payload: Mapping[str, Any], username: str = "") -> tuple[model.Event, ...]:
    """`source.scope` is the bot's own id. `()` for what is known and skipped. Raises `Unreadable` for what is not."""
    serial = read(_Update, payload).update_id
    kind = name(payload)
    if kind in SKIPPED:
        return ()
    if kind not in EVENTS:
        raise Unreadable("an update of a kind that is not known")
    return EVENTS[kind](Told(source, serial, username), payload)
