"""Every table says what it grows with, and when its rows go."""

from __future__ import annotations

import re

from gateway.clock import ShiftedClock
from gateway.store.aging import AgingStore
from gateway.store.devices import DeviceStore
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from gateway.store.schema import complete
from identity.model import Person
from tests.docs.generated import DOCS


def told() -> list[str]:
    page = (DOCS / "backpressure.md").read_text("utf-8").partition("### Every table")[2]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_the_page_names_every_table_once_and_no_other() -> None:
    assert sorted(told()) == sorted(complete().tables)


async def test_codes_of_devices_go_with_the_others(store_url: str) -> None:
    clock = ShiftedClock()
    store = Store.open(store_url)
    try:
        people = PeopleStore(store, clock)
        await people.put(Person("ann", "Ann", frozenset({"sales"})))
        devices = DeviceStore(store, people, clock)
        device = await devices.add("ann", "phone", frozenset({"read"}), by="cli")
        expires = await devices.code(device.id, "0" * 64)
        aging = AgingStore(store)
        assert await aging.codes(expires) == 0
        assert await aging.codes(expires + 1) == 1
        assert await aging.codes(expires + 1) == 0
    finally:
        await store.close()
