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
from typing import Any, Literal, Protocol, cast

import pytest
from _pytest.mark import ParameterSet

import crm
from crm.model import Crm, Record, RecordRef
from crm.registry import NOT_CRMS
from reconcile.model import Json

HERE = Path(__file__).parent


Bad = Literal[
    "a page", "half an answer", "twice", "a field gone", "a strange choice", "a number as text", "an error inside"
]
"""What a CRM may answer instead of what it should; each has a named outcome in test_contract.py."""


class Harness(Protocol):
    remote: bool
    """Reached over HTTP. A CRM that is not has neither a 429 nor a 401; `tired` and `locked_out` are its own
    counterparts of them, and what the contract then leaves out is the number of seconds and the word *reconnect*."""
    concurrent: bool
    """Whether the CRM has a precondition that holds under concurrency. False needs a measured window in its docs."""
    field: str
    values: tuple[Json, Json, Json]
    """Three values of `field` that the CRM takes."""
    page: int
    """Records in one page of the feed, as this harness configures its connectors: small, so that few are many."""
    number: str | None
    """A field of ours declared `decimal`; None where the harness maps none."""
    choice: str | None
    """A field of ours declared `choice`, with options; None where the harness maps none."""

    def client(self) -> Crm:
        """Another connector to the same CRM, with a connection of its own; the harness closes it."""
        ...

    def usual(self) -> Crm:
        """The same, looking back as far as it does when nobody says anything else."""
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

    def answering(self, bad: Bad) -> AbstractAsyncContextManager[Crm] | None:
        """A connector to the CRM while it answers like that; None where this CRM cannot.

        "twice": each record of a page stands in it twice. "a field gone": `field` is not there. "a strange choice":
        `choice` is `no-such-option` there. "a number as text": `number` is the text `480,000.50`. "an error inside":
        200 and an error of its own. `tests/crm/between.py` makes the most of them out of a good answer.
        """
        ...


Opener = Callable[[Path], AbstractAsyncContextManager[Harness]]


def connectors() -> tuple[str, ...]:
    """Every module of `crm/` that is a CRM."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(crm.__path__) if found.name not in NOT_CRMS))


ALONE = ("tryton",)
"""Those with a real server of their own, which wants the machine for itself."""


def asked() -> list[ParameterSet]:
    """Each connector, and what its harness module offers besides, in `MORE`, as `name/other`."""
    return [
        pytest.param(name, marks=[pytest.mark.alone, pytest.mark.timeout(600)] if connector in ALONE else [])
        for connector in connectors()
        for name in (connector, *(f"{connector}/{other}" for other in _more(connector)))
    ]


def _more(connector: str) -> tuple[str, ...]:
    return tuple(getattr(_module(connector), "MORE", ())) if (HERE / connector / "harness.py").is_file() else ()


def opener(name: str) -> Opener:
    connector, _, other = name.partition("/")
    module = _module(connector)
    return cast("Opener", module.MORE[other] if other else module.harness)


def _module(name: str) -> Any:
    if not (HERE / name / "harness.py").is_file():
        raise AssertionError(f"crm/{name} has no harness: write tests/crm/{name}/harness.py, see tests/crm/contract.py")
    return importlib.import_module(f"tests.crm.{name}.harness")


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
