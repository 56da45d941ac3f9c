"""A process of its own that ingests: `python -m tests.gateway.store.feeder URL NAME COUNT MODE`.

`pairs` edits one field as fast as it can, of every pair one having seen what stands and one having seen nothing.
`stream` edits many fields and prints each once key after it was acknowledged, until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import time

from gateway.errors import Retry
from gateway.store.engine import Store
from gateway.store.ledger import Incoming, Ledger
from gateway.store.vault import Vault
from reconcile.model import Actor, Json, MergePolicy
from reconcile.policy import Policies
from reconcile.token import Seen
from tests.gateway.store.world import ACME, CARD, KEY

PAIRS = MergePolicy(mode="last_writer_wins")


def now() -> int:
    return time.time_ns() // 1_000_000


def incoming(name: str, field: str, value: Json, seen: tuple[str, ...], once: str) -> Incoming:
    actor = Actor("person", name)
    return Incoming(ACME, field, "set", value, CARD, actor, once, Seen("ok", seen), role_ok=True)


async def ingest(ledger: Ledger, what: Incoming) -> None:
    """As every caller does: a store that is busy for longer than it waits is asked again."""
    while True:
        try:
            await ledger.ingest(what)
            return
        except Retry as tired:
            await asyncio.sleep(tired.after)


async def pairs(ledger: Ledger, name: str, count: int) -> None:
    for n in range(count):
        state = await ledger.state(ACME, "phone")
        seen = state.heads if state is not None and n % 10 == 9 else ()
        await asyncio.gather(
            ingest(ledger, incoming(name, "phone", f"{name}{n}", seen, f"{name}-{n}-a")),
            ingest(ledger, incoming(name, "phone", f"{name}{n % 7}", (), f"{name}-{n}-b")),
        )


async def stream(ledger: Ledger, name: str) -> None:
    async def lane(field: str) -> None:
        n = 0
        while True:
            state = await ledger.state(ACME, field)
            once = f"{name}-{field}-{n}"
            await ledger.ingest(incoming(name, field, n, state.heads if state is not None else (), once))
            sys.stdout.write(f"{once}\n")
            sys.stdout.flush()
            n += 1

    await asyncio.gather(*(lane(f"f{n}") for n in range(8)))


async def main(url: str, name: str, count: int, mode: str) -> None:
    store = Store.open(url)
    ledger = Ledger(store, Vault(KEY), Policies(default=PAIRS), clock=now)
    await (pairs(ledger, name, count) if mode == "pairs" else stream(ledger, name))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
