"""Events as bytes for the bus and back. A trigger is a short-lived permission and never stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from pydantic import TypeAdapter

from channels.model import Deleted, Edited, Event, Joined, Left, Linked, Moved, Opened, Pressed, Said, Submitted

_KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (Said, Edited, Deleted, Pressed, Submitted, Joined, Left, Linked, Opened, Moved)
}


def encode(event: Event) -> bytes:
    if isinstance(event, (Said, Pressed)) and event.trigger:
        event = replace(event, trigger="")
    return orjson.dumps({"kind": type(event).__name__, "event": event})


def decode(body: bytes) -> Event:
    """Raises ValueError when it is not an event of this or an earlier version."""
    raw = orjson.loads(body)
    adapter = _KINDS.get(raw["kind"])
    if adapter is None:
        raise ValueError(f"no event is called {raw['kind']!r}")
    event: Event = adapter.validate_python(raw["event"])
    return event
