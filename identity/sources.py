"""What a directory says of people, held against whom we know. Pure: a plan that can be shown before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from cards.words import N_
from identity.model import Person
from identity.steps import canonical

Account = tuple[Literal["im", "crm", "device", "oidc", "contact"], str]
Outcome = Literal["new", "linked", "changed", "same", "ended", "failed"]

NAMELESS: Final = N_("It has neither a name nor an address, id or account.")
TWICE: Final = N_("Its id is there twice.")
SHARED: Final = N_("Two of the directory have this e-mail address: nobody is found by it.")
AMBIGUOUS: Final = N_("Two persons here have this e-mail address: nobody is found by it.")
TORN: Final = N_("Its accounts belong to two persons here. Merge them first.")
STRANGER: Final = N_("Nobody here is found by its id, accounts or address, and nobody is to be made.")
HELD: Final = N_("Deactivated here by an admin, and stays so.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a directory. None: it says nothing about that."""

    id: str
    name: str = ""
    emails: tuple[str, ...] = ()
    roles: frozenset[str] | None = None
    team: str | None = None
    region: str | None = None
    external: bool | None = None
    active: bool = True
    locale: str = ""
    zone: str = ""
    accounts: tuple[Account, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an entry. `person`: as they shall be; None where nothing is done. `reason` is a message id."""

    entry: Entry
    outcome: Outcome
    person: Person | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Whom we know. `entries`: the person of each id of this source; `owners`: of each account."""

    persons: Sequence[Person]
    entries: Mapping[str, str]
    owners: Mapping[Account, str]
    aliases: Mapping[str, str]

    def find(self) -> Finder:
        return Finder(self)


class Finder:
    """Persons by id and by address."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.by_id = {each.id: each for each in known.persons}
        self._having: dict[tuple[str, bool], list[str]] = {}
        for each in known.persons:
            for address in self.addresses(each.emails):
                self._having.setdefault((address, each.active), []).append(each.id)

    def addresses(self, emails: Sequence[str]) -> tuple[str, ...]:
        found = (canonical(each, self._known.aliases) for each in emails)
        return tuple(dict.fromkeys(each for each in found if each))

    def having(self, entry: Entry) -> set[str]:
        """Who has one of its addresses; who was deactivated, where nobody else has."""
        said = self.addresses(entry.emails)
        found = {id_ for address in said for id_ in self._having.get((address, True), ())}
        return found or {id_ for address in said for id_ in self._having.get((address, False), ())}


def judge(entries: Sequence[Entry], known: Known, new_id: Callable[[], str], *, make: bool) -> list[Verdict]:
    """One verdict an entry, in their order. `make`: whether somebody nobody knows becomes a person."""
    find = known.find()
    ids = Counter(each.id for each in entries if each.id)
    said = Counter(address for each in entries for address in find.addresses(each.emails))
    taken: set[str] = set()
    verdicts = []
    for entry in entries:
        if not (entry.name.strip() and (entry.id or entry.emails or entry.accounts)):
            verdicts.append(Verdict(entry, "failed", reason=NAMELESS))
        elif entry.id and ids[entry.id] > 1:
            verdicts.append(Verdict(entry, "failed", reason=TWICE))
        else:
            shared = any(said[address] > 1 for address in find.addresses(entry.emails))
            verdicts.append(_judged(entry, known, find, taken, new_id, shared=shared, make=make))
    return verdicts


def _judged(
    entry: Entry,
    known: Known,
    find: Finder,
    taken: set[str],
    new_id: Callable[[], str],
    *,
    shared: bool,
    make: bool,
) -> Verdict:
    person, how = _whose(entry, known, find, shared=shared)
    if isinstance(person, str):
        return Verdict(entry, "failed", reason=person)
    if person is None and not (make and entry.active):
        return Verdict(entry, "failed", reason=STRANGER)
    if person is not None and person.id in taken:
        return Verdict(entry, "failed", reason=TWICE)
    if person is None:
        made = shaped(Person(new_id(), entry.name, frozenset({"employee"})), entry, find.addresses(entry.emails))
        return Verdict(entry, "new", made)
    taken.add(person.id)
    shall = shaped(person, entry, find.addresses(entry.emails))
    if person.active and not entry.active:
        return Verdict(entry, "ended", shall)
    if not person.active and entry.active:
        return Verdict(entry, "same" if shall == person else "changed", shall, HELD)
    more = how == "email" or any(account not in known.owners for account in entry.accounts)
    return Verdict(entry, "linked" if more else "changed" if shall != person else "same", shall)


def _whose(entry: Entry, known: Known, find: Finder, *, shared: bool) -> tuple[Person | str | None, str]:
    """The person and by what they were found; or why not, as a message id."""
    if entry.id in known.entries and (found := find.by_id.get(known.entries[entry.id])) is not None:
        return found, "id"
    owners = {known.owners[account] for account in entry.accounts if account in known.owners}
    if len(owners) > 1:
        return TORN, ""
    if owners and (found := find.by_id.get(owners.pop())) is not None:
        return found, "account"
    if shared:
        return SHARED, ""
    having = find.having(entry)
    if len(having) > 1:
        return AMBIGUOUS, ""
    return (find.by_id[having.pop()], "email") if having else (None, "")


def shaped(person: Person, entry: Entry, addresses: Sequence[str], before: Sequence[str] = ()) -> Person:
    """The person as the directory has them; what it says nothing about stays, and whether they are active.

    `before`: the addresses it said last time; those it does not say any more go.
    """
    kept = (each for each in person.emails if each not in before or each in addresses)
    return replace(
        person,
        name=entry.name.strip() or person.name,
        roles=person.roles if entry.roles is None else entry.roles,
        team=person.team if entry.team is None else entry.team,
        region=person.region if entry.region is None else entry.region,
        external=person.external if entry.external is None else entry.external,
        locale=entry.locale or person.locale,
        zone=entry.zone or person.zone,
        emails=tuple(dict.fromkeys((*kept, *addresses))),
    )


def standing(active: bool, ended: bool, said: bool, others: bool) -> tuple[bool, bool]:
    """(whether the person is active, whether it is by this directory that they are not).

    `active`: the person now; `ended`: by this directory's word; `said`: what it says now; `others`: whether another
    directory says they left. Deactivated anywhere is deactivated; only who deactivated somebody brings them back, and
    nobody whom an admin deactivated.
    """
    if not said:
        return False, ended or active or others
    if ended and not active:
        return not others, others
    return active, False


def tally(verdicts: Sequence[Verdict]) -> dict[Outcome, int]:
    counts = Counter(each.outcome for each in verdicts)
    order: tuple[Outcome, ...] = ("new", "linked", "changed", "ended", "same", "failed")
    return {outcome: counts[outcome] for outcome in order}


def given(roles: frozenset[str], groups: frozenset[str], mapping: Mapping[str, str]) -> frozenset[str]:
    """The roles the mapping has groups for are the directory's to give and to take; others stay."""
    return (roles - frozenset(mapping.values())) | {role for group, role in mapping.items() if group in groups}
