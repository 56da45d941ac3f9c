"""`floatcard crm join` and `part`: which records of several CRMs are one customer, looked at before it is so."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm.model import Record
from gateway.clock import SystemClock
from gateway.config import Config, load
from gateway.errors import Misconfigured, Refused
from gateway.joining import differing, normaliser, two
from gateway.services import Keys
from gateway.store.engine import Store
from gateway.store.joined import Join, JoinedStore
from gateway.store.mirror import MirrorStore
from gateway.store.vault import Vault
from reconcile.canonical import image
from reconcile.model import Json

SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Works:
    config: Config
    mirror: MirrorStore
    joined: JoinedStore


@contextlib.asynccontextmanager
async def _opened(config: Path) -> AsyncIterator[_Works]:
    loaded = load(config)
    store = Store.open(loaded.store)
    try:
        vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
        await vault.check(store)
        yield _Works(loaded, MirrorStore(store, vault), JoinedStore(store))
    finally:
        await store.close()


async def join(config: Path, record: str, ref: str, sure: Callable[[str], bool]) -> str:
    """`sure` is asked with what differs. Raises `Refused` where they cannot be one."""
    two(record, ref)
    async with _opened(config) as works:
        pair = [await works.mirror.get(key) for key in (record, ref)]
        missing = next((key for key, found in zip((record, ref), pair, strict=True) if found is None), None)
        if missing is not None:
            raise Refused("{record} is not known here.", record=missing)
        home, other = (each for each in pair if each is not None)
        if not sure(
            "\n".join([f"{home.title} ({record}) is {other.title} ({ref})?", *_differences(works, home, other)])
        ):
            return "Nothing was joined."
        await works.joined.join([Join(ref, record)], "cli", SystemClock().now())
        return f"{ref} is {record} from now on; both are read anew within seconds of a gateway's running."


async def join_by(config: Path, home: str, other: str, field: str, sure: Callable[[str], bool]) -> str:
    """Every pair that alone has the same value of `field` in both CRMs."""
    async with _opened(config) as works:
        for crm in (home, other):
            if crm not in works.config.crms:
                raise Misconfigured([("floatcard crm join", crm, "there is no CRM of that name")])
        known = {each.ref: each.record for each in await works.joined.all()}
        left = _by(works, await works.mirror.all(home), field, known)
        right = _by(works, await works.mirror.all(other), field, known)
        pairs = [(left[key][0], some[0]) for key, some in right.items() if len(some) == len(left.get(key, ())) == 1]
        doubtful = sum(1 for key, some in right.items() if key in left and len(some) * len(left[key]) > 1)
        text = "\n".join(_pairs(works, pairs, doubtful))
        if not pairs or not sure(text):
            return f"{text}\nNothing was joined." if not pairs else "Nothing was joined."
        joins = [Join(there.ref.key, here.ref.key) for here, there in pairs]
        await works.joined.join(joins, "cli", SystemClock().now())
        return f"{len(joins)} joined; they are read anew as soon as a gateway runs."


async def part(config: Path, ref: str) -> str:
    """What is joined to another customer is one of its own again, with what its CRM holds."""
    async with _opened(config) as works:
        if not any(each.ref == ref and each.record != ref for each in await works.joined.all()):
            raise Refused("{record} is joined to no other customer.", record=ref)
        await works.joined.join([Join(ref, ref)], "cli", SystemClock().now())
        return f"{ref} is a customer of its own again."


async def odd(config: Path, crm: str) -> list[str]:
    """A line for each: the record, the field and why; never the value."""
    async with _opened(config) as works:
        if crm not in works.config.crms:
            raise Misconfigured([("floatcard crm odd", crm, "there is no CRM of that name")])
        records = await works.mirror.all(crm)
    return [f"{each.ref.key}  {name}  {it.odd}" for each in records for name, it in each.fields.items() if it.odd]


def _by(works: _Works, records: Sequence[Record], field: str, known: dict[str, str]) -> dict[bytes, list[Record]]:
    found: dict[bytes, list[Record]] = defaultdict(list)
    for each in records:
        value = each.fields[field].value if field in each.fields else None
        if value not in (None, "") and known.get(each.ref.key, each.ref.key) == each.ref.key:
            found[image(normaliser(works.config, field), value)].append(each)
    return found


def _differences(works: _Works, home: Record, other: Record) -> list[str]:
    """What the two CRMs hold otherwise; each is decided by its field's policy."""
    differ = differing(works.config, home, other)
    return [f"  {name}: {_values(home, other, name)[0]!r} and {_values(home, other, name)[1]!r}" for name in differ]


def _values(home: Record, other: Record, name: str) -> tuple[Json, Json]:
    return home.fields[name].value, other.fields[name].value


def _pairs(works: _Works, pairs: Sequence[tuple[Record, Record]], doubtful: int) -> list[str]:
    differ = [len(_differences(works, *pair)) for pair in pairs]
    lines = [f"{len(pairs)} pairs; values that differ: {sum(differ)}; left out, as more than two have it: {doubtful}"]
    lines += [f"  {here.ref.key} = {there.ref.key}  {here.title}" for here, there in pairs[:SHOWN]]
    return lines + (["  …"] if len(pairs) > SHOWN else [])
