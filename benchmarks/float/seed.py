"""A gateway's store with very many customers: `python -m benchmarks.float.seed CONFIG CUSTOMERS`.

All of them are in the mirror and in the name index; the first few thousand, which messages will name, have their values
decided in the ledger as a sweep of their CRM would have.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from channels.model import ImId
from crm.model import FieldValue, Item, Record, RecordRef
from gateway.app import open_house
from gateway.config import load
from gateway.house import House
from identity.model import Person
from reconcile.model import Source

NAMED = 3000
PERSONS = 50
AT = 1_790_000_000_000
_ONE = [
    "Bran",
    "Cor",
    "Del",
    "Fen",
    "Gal",
    "Har",
    "Ister",
    "Jor",
    "Kel",
    "Lor",
    "Mar",
    "Nor",
    "Orv",
    "Pel",
    "Quin",
    "Ros",
    "Sel",
    "Tor",
    "Ulv",
    "Ver",
    "Wes",
    "Xan",
    "Yor",
    "Zel",
]
_TWO = [
    "vale",
    "mont",
    "field",
    "gate",
    "ridge",
    "holm",
    "wick",
    "stead",
    "bourne",
    "crest",
    "ford",
    "haven",
    "lund",
    "mark",
    "ster",
    "worth",
]
_LAST = [
    "Logistics",
    "Medical",
    "Foods",
    "Optics",
    "Textiles",
    "Energy",
    "Robotics",
    "Systems",
    "Ceramics",
    "Marine",
    "Paper",
    "Glass",
]


def names(count: int) -> Iterator[str]:
    """Made-up companies, always the same ones in the same order."""
    every = [f"{a}{b.lower()}{c} {d}" for a in _ONE for b in _ONE for c in _TWO for d in _LAST]
    random.Random(7).shuffle(every)
    more = (f"{name} {n}" for n in range(2, 100) for name in every)
    return islice((name for some in (every, more) for name in some), count)


def record(n: int, name: str) -> Record:
    values = {
        "phone": f"+86 512 555{n:05d}",
        "address": f"{n} Harbour Road",
        "stage": "qualified",
        "renewal": "2027-03-01",
    }
    fields = {key: FieldValue(value, "[CRM]", AT) for key, value in values.items()}
    notes = (Item(f"n{n}", "note", "Wants a comparison before the renewal", AT, "Li Ting"),)
    return Record(
        RecordRef("local", "account", f"c{n}"), name, "", 1, fields, {"note": notes}, team="east", modified=AT
    )


async def people(house: House) -> None:
    for n in range(PERSONS):
        person = Person(f"p{n}", f"Person {n}", frozenset({"rep", "employee"}), "east", "", locale="en")
        await house.services.people.put(person)
        key = ImId("slack", "T0BENCH", "user", f"U0USER{n:04d}").key
        await house.services.people.link(person.id, "im", key, step="import", evidence="bench", made_by="bench")


async def seed(config: Path, count: int) -> None:
    house = await open_house(load(config))
    await people(house)
    every = [record(n, name) for n, name in enumerate(names(count))]
    for first in range(0, count, 2000):
        some = every[first : first + 2000]
        await asyncio.gather(*(house.services.mirror.put([each], lambda: AT) for each in some))
    crm = Source("local", "CRM")
    for first in range(0, min(count, NAMED), 500):
        await asyncio.gather(
            *(house.services.ledger.observe(each, crm) for each in every[first : min(first + 500, NAMED)])
        )
    await house.close()


if __name__ == "__main__":
    asyncio.run(seed(Path(sys.argv[1]), int(sys.argv[2])))
    print("ready", flush=True)
