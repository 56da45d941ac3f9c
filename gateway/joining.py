"""Two CRMs' records become one customer, or two again: looked at first, for the command, the API and the console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crm.model import Record
from gateway.config import Config
from gateway.errors import Refused
from gateway.services import Services
from gateway.store.joined import Join, JoinedStore
from reconcile.canonical import equal


@dataclass(frozen=True, slots=True)
class Pair:
    """`differs`: the fields that the two CRMs hold otherwise. Each is decided by its policy, once they are one."""

    home: Record
    other: Record
    differs: tuple[str, ...]


def normaliser(config: Config, field: str) -> str:
    spec = config.fields.get(field)
    return spec.normaliser if spec is not None else "trimmed"


def differing(config: Config, home: Record, other: Record) -> tuple[str, ...]:
    both = sorted(home.fields.keys() & other.fields.keys())
    return tuple(
        name for name in both if not equal(normaliser(config, name), home.fields[name].value, other.fields[name].value)
    )


class Joining:
    def __init__(self, s: Services) -> None:
        self._s = s
        self._store = JoinedStore(s.store)

    async def all(self) -> list[Join]:
        found = [each for each in await self._store.all() if each.ref != each.record]
        return sorted(found, key=lambda each: (each.record, each.ref))

    async def of(self, record: str) -> Sequence[str]:
        """The customer's records in other CRMs."""
        return [each.ref for each in await self.all() if each.record == record]

    async def look(self, record: str, ref: str) -> Pair:
        """Raises `Refused` where one of them is not known, or both are the same."""
        two(record, ref)
        home, other = [await self._known(key) for key in (record, ref)]
        return Pair(home, other, differing(self._s.config, home, other))

    async def _known(self, key: str) -> Record:
        found = await self._s.records.mirrored(key)
        if found is None:
            raise Refused("{record} is not known here.", record=key[:200])
        return found

    async def join(self, record: str, ref: str, by: str) -> None:
        """Raises `Refused` where they cannot be one."""
        two(record, ref)
        await self._store.join([Join(ref, record)], by, self._s.clock.now())

    async def part(self, ref: str, by: str) -> None:
        if not any(each.ref == ref for each in await self.all()):
            raise Refused("{record} is joined to no other customer.", record=ref[:200])
        await self._store.join([Join(ref, ref)], by, self._s.clock.now())


def two(record: str, ref: str) -> None:
    """Joined to itself a record would be parted."""
    if record == ref:
        crm = record.partition(":")[0][:200]
        raise Refused("Both are records of {crm}: one customer has one record in a CRM. Merge them there.", crm=crm)
