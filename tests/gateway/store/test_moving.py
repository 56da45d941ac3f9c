"""A room with another id: what was known of it is known of the new one, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from channels.model import MessageRef, Place
from gateway.store.moving import move_room
from gateway.store.slots import Shown, slot_id
from gateway.turn import Slot
from tests.gateway.house import HERO, NAME, START, opened

OLD, NEW = Place("web", "east"), Place("web", "west")


async def test_slots_choices_and_silence_go_along_and_again_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        rooms, slots = live.s.rooms.store, live.s.slots
        slot = Slot(replace(OLD, thread="t"), "card", "m1")
        shown = Shown(slot_id(slot), slot, MessageRef(OLD, "5"), (HERO,), "d", painted_at=START)
        await slots.keep(shown)
        await rooms.quiet(OLD.room_key, START + 1_000)
        await rooms.choose(OLD.room_key, NAME, HERO, "p", START)
        await rooms.choose(NEW.room_key, "other", HERO, "p", START)
        await rooms.note_floated(OLD.room_key, HERO, START, shown.id)
        assert await move_room(live.s.store, OLD, NEW) == 1
        (moved,) = await slots.in_room(NEW.room_key)
        assert moved.slot == Slot(replace(NEW, thread="t"), "card", "m1") and moved.id == slot_id(moved.slot)
        assert moved.message == MessageRef(OLD, "5") and moved.records == (HERO,)
        assert [each.id for each in await slots.about(HERO)] == [moved.id]
        assert (await rooms.state(NEW.room_key)).quiet_until == START + 1_000
        floated = await rooms.floated(NEW.room_key, HERO)
        assert floated is not None and floated[1] == moved.id
        assert await live.rows("choice", f"room = '{NEW.room_key}'") == 2
        assert await live.rows("choice", f"room = '{OLD.room_key}'") == 0
        assert await move_room(live.s.store, OLD, NEW) == 0
