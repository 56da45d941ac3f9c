"""A ledger in a store of its own, with a clock that moves a millisecond each time it is asked."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch

from crm.model import FieldValue, Record, RecordRef
from gateway.store import connect
from gateway.store.connect import address
from gateway.store.engine import Store
from gateway.store.ledger import Incoming, Ledger, Snapshot
from gateway.store.ledger.ledger import Targets, own_crm
from gateway.store.migrate import prepare
from gateway.store.vault import Vault
from reconcile.model import Actor, EditKind, Json, MergePolicy, Source
from reconcile.policy import Policies
from reconcile.token import Seen

KEY = bytes(range(32))
ACME = "local:account:acme"
CARD = Source("web", "Web card", "1.0")
CRM = Source("local", "CRM")


def NOBODY(record: str, field: str) -> Sequence[str]:  # noqa: N802 -- stands where a setting stands
    """Nothing is written back."""
    return ()


@cache
def _empty() -> bytes:
    """An empty SQLite database of the newest schema, made once."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(address(f"sqlite:///{folder}/floatcard.db"))
        return Path(folder, "floatcard.db").read_bytes()


def quick(url: str) -> Store:
    """Opens `url`; an SQLite file trusts the power supply: what these tests ask does not depend on it."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and not path.exists():
        path.write_bytes(_empty())
    with patch.object(connect, "SYNCHRONOUS", "OFF"):
        return Store.open(url)


@dataclass
class Ticking:
    at: int = 1_800_000_000_000

    def __call__(self) -> int:
        self.at += 1
        return self.at


@dataclass
class World:
    store: Store
    vault: Vault
    ledger: Ledger
    clock: Ticking
    serial: itertools.count[int] = field(default_factory=itertools.count)

    @staticmethod
    def open(
        url: str,
        policies: Policies | MergePolicy | None = None,
        targets: Targets = own_crm,
    ) -> World:
        store, vault, clock = quick(url), Vault(KEY), Ticking()
        if not isinstance(policies, Policies):
            policies = Policies(default=policies or MergePolicy())
        return World(store, vault, Ledger(store, vault, policies, clock=clock, targets=targets), clock)

    def edit(
        self,
        value: Json,
        *,
        name: str = "phone",
        record: str = ACME,
        kind: EditKind = "set",
        who: str = "p1",
        source: Source = CARD,
        seen: Sequence[str] | None = (),
        once: str = "",
        role_ok: bool = True,
        roles: frozenset[str] | None = None,
        binding: bool = True,
        parents: frozenset[str] = frozenset(),
        stream: str | None = None,
        watermark: int | None = None,
        source_time: int | None = None,
        online: bool = True,
    ) -> Incoming:
        return Incoming(
            record=record,
            field=name,
            kind=kind,
            value=value,
            source=source,
            actor=Actor("person", who),
            once=once or f"once-{next(self.serial)}",
            seen=None if seen is None else Seen("ok", tuple(seen)),
            parents=parents,
            stream=stream,
            watermark=watermark,
            source_time=source_time,
            online=online,
            trace="turn-1",
            role_ok=role_ok,
            roles=roles,
            binding=binding,
        )


def record(
    version: int, fields: Mapping[str, Json], *, crm: str = "local", id_: str = "acme", by: str = "u1"
) -> Record:
    return Record(
        ref=RecordRef(crm, "account", id_),
        title="Acme",
        url="",
        version=version,
        fields={name: FieldValue(value) for name, value in fields.items()},
        related={},
        modified=1_799_999_000_000 + version,
        modified_by=by,
    )


def snapshot(
    version: int, fields: Mapping[str, Json], *, source: Source = CRM, began: int = 0, by: str = "u1"
) -> Snapshot:
    return Snapshot(record(version, fields, by=by), source, began=began)
