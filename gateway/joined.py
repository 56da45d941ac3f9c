"""One customer, several CRMs: one of their records is what the customer is called here, the others are joined to it.

The ledger knows the customer by that one key. What any of the CRMs says is an edit of the one customer, and an edit
goes to each CRM that takes the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from crm import registry
from gateway.config import Config
from gateway.mapped import mappings
from gateway.policies import policies
from gateway.store.engine import Store
from gateway.store.joined import JoinedStore
from gateway.store.ledger import Ledger
from gateway.store.vault import Vault


class Joined:
    def __init__(self, store: JoinedStore, config: Config) -> None:
        self._store = store
        self._of: dict[str, str] = {}
        self._parts: dict[str, dict[str, str]] = {}
        self._version = -1
        self._takes = takers(config)
        self.several = len(config.crms) > 1

    async def follow(self) -> frozenset[str]:
        """What others joined and parted since: the records whose customer is another now."""
        version = await self._store.version()
        if version == self._version:
            return frozenset()
        of = {each.ref: each.record for each in await self._store.all() if each.ref != each.record}
        changed = frozenset(ref for ref in {*of, *self._of} if of.get(ref) != self._of.get(ref))
        parts: dict[str, dict[str, str]] = {}
        for ref, record in of.items():
            parts.setdefault(record, {})[ref.partition(":")[0]] = ref
        self._of, self._parts, self._version = of, parts, version
        return changed

    def of(self, ref: str) -> str:
        """The customer that a CRM's record is; itself where it is joined to none."""
        return self._of.get(ref, ref)

    def __contains__(self, ref: object) -> bool:
        """Whether it is no customer of its own."""
        return ref in self._of

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._of))

    def parts(self, record: str) -> Mapping[str, str]:
        """The customer's records in other CRMs, by CRM."""
        return self._parts.get(record, {})

    def there(self, record: str, crm: str) -> str | None:
        """The customer's record in that CRM."""
        return record if record.partition(":")[0] == crm else self.parts(record).get(crm)

    def targets(self, record: str, field: str) -> Sequence[str]:
        """The CRMs a field is written to: those that take it; where none does, the customer's own, which says why."""
        home, colon, _ = record.partition(":")
        parts = self._parts.get(record)
        if not colon or not parts:
            return (home,) if colon else ()
        return [crm for crm in (home, *parts) if self._takes_it(crm, field)] or [home]

    def _takes_it(self, crm: str, field: str) -> bool:
        taken = self._takes.get(crm)
        return taken is None or field in taken


async def beside(config: Config, store: Store, vault: Vault, clock: Callable[[], int]) -> Ledger:
    """A ledger for a command, which knows what is joined as it begins."""
    known = Joined(JoinedStore(store), config)
    await known.follow()
    return Ledger(
        store,
        vault,
        policies(config),
        deployment=config.deployment,
        clock=clock,
        targets=known.targets,
        alias=known.of,
    )


def takers(config: Config) -> dict[str, frozenset[str]]:
    """By CRM the fields that can be written there; a CRM that does not say takes any."""
    mapped = mappings(config)
    found = {crm: frozenset(f for f, spec in each.mapping if spec.writes) for crm, each in mapped.items()}
    for crm, spec in config.crms.items():
        fields = getattr(registry.load(spec.type), "WRITES", None)
        if crm not in found and fields is not None:
            found[crm] = frozenset(fields)
    return found
