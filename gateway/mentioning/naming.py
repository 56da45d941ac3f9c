"""What customers are called: by the CRM, by what follows from it, and by an admin, whose word goes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from crm.model import Record
from gateway.errors import Refused
from gateway.store.naming import Called, NamingStore
from mentions.derive import derive
from mentions.model import Name
from mentions.names import unusable
from mentions.normal import normalise_name

Kind = Literal["alias", "never", ""]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST = 200
MOST = 100
"""Names an admin may give to one customer."""


class Naming:
    """An admin's names, kept in memory: few customers have any."""

    def __init__(self, store: NamingStore) -> None:
        self._store = store
        self._by: dict[str, dict[str, Called]] = {}

    async def load(self) -> None:
        self._by = {}
        for each in await self._store.all():
            self._know(each)

    async def since(self, at: int) -> list[str]:
        """Customers of whom another gateway was told since then (ms) what this one did not know."""
        told = [each for each in await self._store.since(at) if self._know(each)]
        return list(dict.fromkeys(each.record for each in told))

    async def say(self, record: str, text: str, kind: Kind, by: str, now: Callable[[], int]) -> None:
        """Raises `Refused` for what cannot be a name. Without a kind that name is taken back."""
        plain = " ".join(text.split())
        if not plain.isprintable() or len(plain) > LONGEST or unusable(plain):
            raise Refused("This cannot be looked for: write a name of two to 200 signs, with a letter or digit.")
        name = normalise_name(plain)
        if kind and name not in self._of(record) and len(self.of(record)) >= MOST:
            raise Refused("This customer has as many names of its own as one may have.")
        self._know(await self._store.put(Called(record, name, plain, kind, by, 0), now))

    def drop(self, record: str) -> None:
        """It was erased: nobody calls it anything."""
        self._by.pop(record, None)

    def of(self, record: str) -> Sequence[Called]:
        return [each for each in self._of(record).values() if each.kind]

    def all(self) -> Sequence[Called]:
        """The latest first."""
        return sorted((each for record in self._by for each in self.of(record)), key=lambda each: (-each.at, each.name))

    def called(self, record: Record) -> tuple[Name, ...]:
        """Every name a customer goes by: an admin's, the CRM's, and what follows from those."""
        said = {each.name: each for each in self.of(record.ref.key)}
        rest = [name for name in derive(record.title, record.names) if normalise_name(name.text) not in said]
        return (*(Name(each.text, "never" if each.kind == "never" else "alias") for each in said.values()), *rest)

    def _of(self, record: str) -> dict[str, Called]:
        return self._by.get(record, {})

    def _know(self, each: Called) -> bool:
        """Whether it was news."""
        before = self._of(each.record).get(each.name)
        if before is not None and (before.at > each.at or before == each):
            return False
        self._by.setdefault(each.record, {})[each.name] = each
        return True
