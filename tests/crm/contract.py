"""What the contract test asks of every connector's harness, and how the harnesses are found.

A connector `crm/acme.py` comes with `tests/crm/acme/harness.py`, which offers `harness(tmp_path)`: an asynchronous
context manager giving a `Harness` on a CRM that runs (a real server, an emulator, or a fake that says it is one).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, cast

import crm
from crm.model import Crm, Record, RecordRef
from crm.registry import NOT_CRMS
from reconcile.model import Json

HERE = Path(__file__).parent


class Harness(Protocol):
    remote: bool
    """Reached over HTTP. A CRM that is not has neither a 429 nor a 401; `tired` and `locked_out` are its own
    counterparts of them, and what the contract then leaves out is the number of seconds and the word *reconnect*."""
    concurrent: bool
    """Whether the CRM has a precondition that holds under concurrency. False needs a measured window in its docs."""
    field: str
    values: tuple[Json, Json, Json]
    """Three values of `field` that the CRM takes."""

    def client(self) -> Crm:
        """Another connector to the same CRM, with a connection of its own; the harness closes it."""
        ...

    async def seed(self, count: int) -> list[RecordRef]:
        """So many new records in the CRM."""
        ...

    async def native(self, ref: RecordRef, value: Json) -> None:
        """Somebody sets `field` in the CRM's own window."""
        ...

    async def remove(self, ref: RecordRef) -> None:
        """Somebody deletes the record in the CRM."""
        ...

    def tired(self, after: float) -> AbstractAsyncContextManager[Crm]:
        """A connector to the CRM while it answers 429 with Retry-After `after`."""
        ...

    def locked_out(self) -> AbstractAsyncContextManager[Crm]:
        """A connector to the CRM while it answers 401."""
        ...


Opener = Callable[[Path], AbstractAsyncContextManager[Harness]]


def connectors() -> tuple[str, ...]:
    """Every module of `crm/` that is a CRM."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(crm.__path__) if found.name not in NOT_CRMS))


def opener(name: str) -> Opener:
    if not (HERE / name / "harness.py").is_file():
        raise AssertionError(f"crm/{name} has no harness: write tests/crm/{name}/harness.py, see tests/crm/contract.py")
    module: Any = importlib.import_module(f"tests.crm.{name}.harness")
    return cast("Opener", module.harness)


async def walk(client: Crm, cursor: str = "") -> tuple[list[Record], str]:
    records: list[Record] = []
    async for record, position in client.changes(cursor):
        records.append(record)
        cursor = position
    return records, cursor


def by_ref(records: list[Record]) -> Mapping[RecordRef, Record]:
    found = {record.ref: record for record in records}
    assert len(found) == len(records), "changes() gave one record twice in one run"
    return found
