"""Whether PostgreSQL gives a gateway as many connections as it works with: found out before anything is served."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.errors import Misconfigured
from gateway.store.faults import SAY, unavailable
from gateway.store.patience import Patience

WITHIN_S = 2.0
"""A predecessor's connections, and our own of a moment ago, may take as long to be counted as gone."""
AGAIN_S = 0.1
SILENT_S, LONG_S = 10.0, 4.0
"""A pooler without a free place takes a connection and answers nothing until another one is given back: so long is
waited, and one that was so long in vain, while those before it stand, counts as refused."""
FEW = (
    "gives this gateway {had} of the {needs} connections it works with; raise the user's CONNECTION LIMIT, "
    "max_connections or the pooler's size, or run fewer gateways"
)

Patiently = Callable[[], contextlib.AbstractContextManager[None]]


def fill(pools: Sequence[tuple[Engine, Patience, int]], where: str, beside: int) -> None:
    """Takes so many out of each pool, all at once, and puts them back open. `beside`: held already.

    Raises `Misconfigured` where there are fewer.
    """
    each = [(engine, patience) for engine, patience, size in pools for _ in range(size)]
    until = time.monotonic() + WITHIN_S
    with contextlib.ExitStack() as opened:
        for had, (engine, patience) in enumerate(each, beside):
            began = time.monotonic()
            try:
                opened.enter_context(taken(engine, until, partial(patience, seconds=SILENT_S)))
            except DBAPIError as broke:
                why = unavailable(broke)
                if why is None:
                    raise
                silent = why == "unreachable" and time.monotonic() - began > LONG_S
                few = FEW.format(had=had, needs=beside + len(each))
                say = few if had and (silent or why == "too_many") else SAY[why]
                raise Misconfigured([(where, "store", say)]) from broke


def taken(engine: Engine, until: float, patiently: Patiently = contextlib.nullcontext) -> Connection:
    """Of a pool that is empty. What was closed a moment ago may count still: it is tried again for as long."""
    while True:
        try:
            with patiently():
                return engine.connect()
        except DBAPIError as broke:
            if unavailable(broke) != "too_many" or time.monotonic() > until:
                raise
            time.sleep(AGAIN_S)
