"""How the chat's things look as JSON to its page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gateway.chat.model import Entry, RoomView, Snapshot
from gateway.chat.ports import DeskRecord


def entry_view(entry: Entry, viewer: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": entry.id,
        "seq": entry.seq,
        "room": entry.room,
        "kind": entry.kind,
        "author": entry.author,
        "at": entry.at,
        "edited": entry.edited_at,
        "deleted": entry.deleted,
        "mine": entry.author == viewer,
        "whisper": entry.only != "",
        "pending": entry.pending,
        "by": entry.by,
    }
    if entry.kind == "text" and not entry.deleted:
        view |= {"parts": _parts(entry), "own": entry.own_text}
    return view if entry.card is None else view | {"card": entry.card}


def _parts(entry: Entry) -> list[dict[str, Any]]:
    """The text cut at its quotations, so that the page never counts code points."""
    parts: list[dict[str, Any]] = []
    here = 0
    for start, stop in entry.quotes:
        parts += [{"quote": False, "text": entry.text[here:start]}, {"quote": True, "text": entry.text[start:stop]}]
        here = stop
    rest = entry.text[here:]
    parts.append({"quote": False, "text": rest.removeprefix("\n") if parts else rest})
    return [part for part in parts if part["text"]]


def room_view(view: RoomView) -> dict[str, Any]:
    return {**asdict(view.room), "members": list(view.members), "latest": view.latest}


def snapshot_view(snapshot: Snapshot, now: int, features: dict[str, bool]) -> dict[str, Any]:
    return {
        "me": snapshot.me.id,
        "persons": [asdict(person) for person in snapshot.persons],
        "rooms": [room_view(room) for room in snapshot.rooms],
        "feed": snapshot.feed,
        "now": now,
        "features": features,
    }


def record_view(record: DeskRecord) -> dict[str, Any]:
    return asdict(record)
