"""Buttons carry ids and a MAC, never a value or a closure: they work after a restart, and anywhere only here."""

from __future__ import annotations

from typing import Literal, cast

from cards.tree import Button
from cards.words import say
from gateway.errors import Rejected, Unreadable
from reconcile.model import Json
from reconcile.token import read_button, sign_button

Name = Literal[
    "edit",
    "save",
    "show_me",
    "list",
    "mean",
    "pick",
    "none",
    "wrong",
    "settle",
    "decide",
    "undo",
    "acknowledge",
    "code",
    "map",
    "snooze",
    "answer",
    "consent",
]
Style = Literal["default", "primary", "danger"]


class Press(dict[str, Json]):
    """A verified button's payload. A missing or mistyped entry is a button of another version: `Unreadable`."""

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str):
            raise Unreadable(f"a button without {key}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Unreadable(f"a button without {key}")
        return tuple(cast("list[str]", value))


class Buttons:
    """Signs and reads buttons of one deployment."""

    def __init__(self, key: bytes, deployment: str) -> None:
        self._key = key
        self._deployment = deployment

    def data(self, name: Name, **payload: Json) -> str:
        return sign_button({"a": name, "d": self._deployment, **payload}, self._key)

    def make(self, locale: str, label: str, name: Name, style: Style = "default", **payload: Json) -> Button:
        """`label` is a message id; it is put into the reader's language here."""
        return Button(say(locale, label), name, self.data(name, **payload), style)

    def read(self, data: str, action: str | None = None) -> tuple[Name, Press]:
        """Raises `Rejected` for what was not signed here, or was signed for another action."""
        payload = Press(read_button(data, self._key))
        name = payload.text("a")
        if payload.get("d") != self._deployment or (action is not None and action != name):
            raise Rejected("a button of another deployment or action")
        return cast("Name", name), payload
