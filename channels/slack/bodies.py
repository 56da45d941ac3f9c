"""The shapes of what Slack tells us: what is read of it, and nothing more."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from channels.slack.text import written
from channels.wire import Body

Id = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,40}$")]
Stamp = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$")]
Words = Annotated[str, BeforeValidator(lambda said: "" if said is None else said)]
"""A message of blocks alone may have no text at all."""


class Authorization(Body):
    team_id: str | None = None
    user_id: str | None = None
    is_bot: bool = False


class Envelope(Body):
    team_id: str = ""
    event_id: Annotated[str, Field(min_length=1, max_length=100)]
    authorizations: tuple[Authorization, ...] = ()
    event: dict[str, Any]

    def bot(self) -> str:
        return next((each.user_id or "" for each in self.authorizations if each.is_bot), "")

    def meant_for(self, team: str) -> bool:
        return team == self.team_id or any(team == (each.team_id or "") for each in self.authorizations)


class Edit(Body):
    ts: Stamp


class Message(Body):
    ts: Stamp
    thread_ts: Stamp | None = None
    text: Words = ""
    subtype: Words = ""
    user: Id | None = None
    bot_id: Id | None = None
    username: Words = ""
    user_team: Words = ""
    team: Words = ""
    edited: Edit | None = None
    blocks: tuple[Any, ...] | None = None

    def markup(self) -> str:
        """What it says, as markup; where that is in blocks alone, what was written into those."""
        return self.text or written(self.blocks or ())


class Posted(Message):
    channel: Id
    channel_type: str = ""


class Changed(Body):
    channel: Id
    ts: Stamp
    message: Message
    previous_message: Message | None = None


class Removed(Body):
    channel: Id
    ts: Stamp
    deleted_ts: Stamp
    previous_message: Message | None = None


class Member(Body):
    user: Id
    channel: Id
    team: str = ""
    event_ts: Stamp | None = None


class User(Body):
    id: Id
    name: str = ""
    username: str = ""
    team_id: str = ""
    locale: str = ""


class Room(Body):
    id: Id


class Container(Body):
    message_ts: Stamp | None = None
    thread_ts: Stamp | None = None
    is_ephemeral: bool = False
    app_unfurl_url: Annotated[Words, Field(max_length=3_000)] = ""


class Action(Body):
    type: str = ""
    action_id: str = ""
    value: Words = ""
    action_ts: Stamp | None = None


class View(Body):
    id: str = ""
    type: str = "modal"
    private_metadata: str = ""
    blocks: tuple[dict[str, Any], ...] = ()
    state: dict[str, Any] = Field(default_factory=dict)


class Interaction(Body):
    user: User
    callback_id: str = ""
    trigger_id: Annotated[str, Field(min_length=1, max_length=300, repr=False)]
    channel: Room | None = None
    container: Container = Container()
    message: Message | None = None
    actions: tuple[Action, ...] = ()
    view: View | None = None


class Command(Body):
    team_id: str = ""
    channel_id: Id
    user_id: Id
    user_name: str = ""
    command: Annotated[str, Field(min_length=1, max_length=100)]
    text: str = ""
    trigger_id: Annotated[str, Field(min_length=1, max_length=300, repr=False)]


class Ours(Body):
    channel: Id
    connected_team_id: Id | None = None
    event_ts: Stamp | None = None


class Link(Body):
    url: Annotated[str, Field(min_length=1, max_length=3_000)]


class Shared(Body):
    channel: Id
    message_ts: Stamp
    user: Id
    links: Annotated[tuple[Link, ...], Field(max_length=100)]


class HomeOpened(Body):
    user: Id
    tab: str = "home"
    event_ts: str = ""


def millis(stamp: str) -> int:
    """Slack's seconds with a fraction as milliseconds."""
    seconds, _, fraction = stamp.partition(".")
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))
