"""For a network of plain texts with a few buttons under them: a signature, a drawing and a call that are good enough.

A channel that stands on these is its network's words and nothing else: `examples/bulletin.py`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import aiohttp

from cards import tree
from cards.fit import fit
from cards.inert import inert
from channels.limits import Limits
from channels.model import Inbound
from channels.seal import TOLERANCE
from channels.wire import TIRED, json_object, settle, wall_clock
from gateway.errors import Refused, Rejected, Retry, Unreadable


def verify(secret: str, seconds: str, mac: str, request: Inbound) -> None:
    """`mac` is the hex HMAC-SHA256 of `seconds.body`, no older than five minutes. Raises `Rejected`."""
    wanted = hmac.new(secret.encode(), f"{seconds}.".encode() + request.body, "sha256").hexdigest()
    if not hmac.compare_digest(wanted.encode(), mac.encode("utf-8", "replace")):
        raise Rejected("the signature is missing or wrong")
    fresh = seconds.isascii() and seconds.isdigit() and len(seconds) <= 12
    if not fresh or abs(int(seconds) - wall_clock() // 1000) > TOLERANCE:
        raise Rejected("the signature is too old, or from a clock that is off")


def plainly(card: tree.Card, limits: Limits) -> tuple[str, list[tree.Button]]:
    """The card as lines of inert text, and its buttons, labels inert as well; within the limits."""
    names = ("text", "title", "button_label", "blocks", "buttons", "form_fields")
    blocks = fit(card, **{name: getattr(limits, name) for name in names}).blocks
    lines = [inert(text, limit=limits.text, lines=False) for text in map(_line, blocks) if text]
    buttons = [each for block in blocks for each in _buttons(block)][: limits.buttons]
    label = {each: inert(each.label, limit=limits.button_label, lines=False) for each in buttons}
    return "\n".join(lines), [tree.Button(label[each], each.action, each.data, each.style) for each in buttons]


def _line(block: tree.Block) -> str:
    if isinstance(block, tree.Form | tree.Actions):
        return ""
    parts = block.columns if isinstance(block, tree.Columns) else (block,)
    told = (getattr(part, each.name) for part in parts for each in fields(part) if each.name not in ("tone", "level"))
    return " ".join(text for text in told if isinstance(text, str) and text)


def _buttons(block: tree.Block) -> tuple[tree.Button, ...]:
    if isinstance(block, tree.Actions):
        return block.buttons
    parts = block.columns if isinstance(block, tree.Columns) else (block,) if isinstance(block, tree.Row) else ()
    return tuple(part.button for part in parts if part.button is not None)


class Simple:
    """What every channel is made with. The session is the gateway's and stays open after `close`."""

    def __init__(self, name: str, config: Any, *, session: aiohttp.ClientSession, clock: Callable[[], int]) -> None:
        self.name = name
        self.config = config
        self.session = session
        self.clock = clock

    async def close(self) -> None:
        return None

    async def call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """JSON both ways. Raises `Retry` for a side that is down or tired, `Refused` for what it does not take."""
        try:
            async with self.session.request(method, url, json=body, allow_redirects=False) as response:
                settle(response.status, response.headers, wall_clock(), _refused)
                return json_object(await response.read())
        except (aiohttp.ClientError, TimeoutError, Unreadable) as fault:
            raise Retry(TIRED, f"{self.name}: {type(fault).__name__}") from fault


def _refused(status: int) -> Refused:
    return Refused("The chat refused this with status {status}.", status=status)
