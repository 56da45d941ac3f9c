"""From what the house knows to what the console's pages show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from cards.words import N_, Reader
from channels.model import ImId, Sender
from gateway.console.doubles import doubles
from gateway.console.lately import lately
from gateway.console.ours import evidence
from gateway.console.page import Account, Identities, Likely, LinkRow, Overview, PersonRow, Plugged, RoomTail
from gateway.console.sources import lines
from gateway.outgoing.targets import Kind, Part, Standing, standing, targets
from gateway.services import Services
from gateway.store.console import ConsoleStore
from gateway.store.people import PeopleStore, Unmapped
from identity.model import Link, Person
from identity.suggest import Suggester

ACCOUNTS: Final = 50
PERSONS: Final = 50
OFFERED: Final = 300
ROLES: Final = ("admin", "auditor", "manager", "rep", "marketing", "employee")

KINDS: Final[Mapping[str, str]] = {
    "member": N_("colleague"),
    "guest": N_("guest"),
    "outsider": N_("outsider"),
    "unknown": N_("unknown"),
}
LINK_KINDS: Final[Mapping[str, str]] = {
    "im": N_("chat"),
    "crm": N_("CRM"),
    "device": N_("device"),
    "oidc": N_("sign-in"),
    "contact": N_("customer's contact"),
}
STEPS: Final[Mapping[str, str]] = {
    "link": N_("known before"),
    "email": N_("by e-mail address"),
    "crm_field": N_("by the CRM's own field"),
    "code": N_("by one-time code"),
    "admin": N_("by an admin"),
    "import": N_("imported"),
    "self": N_("by themselves, signed in"),
    "rotation": N_("by its key before"),
}
_CRM: Final = N_("Customers known here: {n}")
_SILENT: Final[Mapping[Part, str]] = {
    "calls": N_("does not answer; asked again in {n} s"),
    "feed": N_("its changes cannot be read; asked again in {n} s"),
    "users": N_("its user list cannot be read; asked again in {n} s"),
}
_ASKED: Final[Mapping[Part, str]] = {
    "calls": N_("does not answer; is being asked again"),
    "feed": N_("its changes cannot be read; it is being asked again"),
    "users": N_("its user list cannot be read; it is being asked again"),
}
_OTHERS: Final[Mapping[Kind, str]] = {"sign-in": N_("Sign-in provider"), "traces": N_("Collector of traces")}


async def overview(s: Services, reader: Reader, me: Person) -> Overview:
    wrong = defaultdict[tuple[Kind, str], list[str]](list)
    called = standing(s.gate.breakers, targets(s.config, s.channels, s.crms))
    for each in called:
        wrong[each.target.kind, each.target.name] += _wrong(each, reader)
    channels = [Plugged(name, spec.type, "", wrong["channel", name]) for name, spec in s.config.channels.items()]
    crms = [
        Plugged(name, spec.type, reader.say(_CRM, n=await _customers(s, name)), wrong["crm", name])
        for name, spec in s.config.crms.items()
    ]
    kinds = [kind for kind in _OTHERS if (kind, "") in wrong]
    return Overview(
        channels=channels,
        crms=crms,
        others=[Plugged(reader.say(_OTHERS[kind]), "", "", wrong[kind, ""]) for kind in kinds],
        persons=sum(1 for each in s.people.persons() if each.active),
        unmapped=len(await s.people.unmapped()),
        conflicts=await ConsoleStore(s.store).open_count(),
        parked=(await s.bus.aside())[0],
        sources=await lines(s, reader),
        may="admin" in me.roles,
    )


async def _customers(s: Services, crm: str) -> int:
    return await lately(s, ("customers", crm), lambda: s.mirror.count(crm))


def _wrong(found: Standing, reader: Reader) -> list[str]:
    """As this gateway finds it."""
    if found.state == "closed":
        return []
    if found.state == "open":
        return [reader.say(_SILENT[found.target.part], n=max(1, round(found.after)))]
    return [reader.say(_ASKED[found.target.part])]


async def identities(s: Services, reader: Reader, me: Person, query: str) -> Identities:
    unmapped, persons = await s.people.unmapped(), s.people.persons()
    titles = {room.key: room.title for room in await s.rooms.store.rooms()}
    links = defaultdict[str, list[Link]](list)
    for link in s.people.links():
        links[link.person].append(link)
    found = [each for each in persons if not query.strip() or _fits(each, links[each.id], query)]
    active = [(each.id, each.name) for each in persons if each.active]
    known = {role for each in persons for role in each.roles}
    return Identities(
        rooms=_tails(s, unmapped[:ACCOUNTS], titles, reader),
        unmapped=len(unmapped),
        more_unmapped=max(0, len(unmapped) - ACCOUNTS),
        persons=[_person(s, reader, each, links[each.id], me) for each in found[:PERSONS]],
        more_persons=max(0, len(found) - PERSONS),
        query=query,
        offered=sorted(active, key=lambda each: each[1]) if len(active) <= OFFERED else (),
        roles=(*ROLES, *sorted(known - set(ROLES))),
        doubles=await doubles(s),
        admin="admin" in me.roles,
    )


_SUGGESTERS: WeakKeyDictionary[PeopleStore, tuple[int, Suggester]] = WeakKeyDictionary()


def suggester(people: PeopleStore) -> Suggester:
    """Made anew once somebody changed."""
    version, known = _SUGGESTERS.get(people, (-1, None))
    if known is None or version != people.version:
        known = Suggester(people.persons())
        _SUGGESTERS[people] = people.version, known
    return known


def _fits(person: Person, links: Sequence[Link], query: str) -> bool:
    wanted = query.strip().casefold()
    said = (person.id, person.name, *person.emails, *(link.key for link in links))
    return any(wanted in each.casefold() for each in said)


def _tails(s: Services, unmapped: Sequence[Unmapped], titles: Mapping[str, str], reader: Reader) -> list[RoomTail]:
    """Each account once, under its first room."""
    by_room: dict[str, list[Account]] = {}
    for each in unmapped:
        rooms = sorted(each.rooms) or [""]
        also = [titles.get(key) or key for key in rooms[1:]]
        by_room.setdefault(rooms[0], []).append(_account(s, each, also, reader))
    return [RoomTail(titles.get(key, ""), key, accounts) for key, accounts in sorted(by_room.items())]


def _account(s: Services, each: Unmapped, also: Sequence[str], reader: Reader) -> Account:
    sender = Sender(ImId.parse(each.im), each.name, each.kind)  # type: ignore[arg-type]
    address = s.identities.address(sender, s.config.audience.domain_aliases)
    likely = [
        Likely(
            one.person.id,
            one.person.name,
            round(one.score * 100),
            " · ".join(reader.say(words) for words in one.evidence),
        )
        for one in suggester(s.people).suggest(sender, limit=3, address=address)
    ]
    kind = each.kind if each.kind in KINDS else "unknown"
    return Account(each.im, each.name, kind, also, each.seen_at, likely)


def _person(s: Services, reader: Reader, person: Person, links: Sequence[Link], me: Person) -> PersonRow:
    return PersonRow(
        id=person.id,
        name=person.name,
        roles=sorted(person.roles),
        team=person.team,
        region=person.region,
        emails=", ".join(person.emails),
        active=person.active,
        external=person.external,
        me=person.id == me.id,
        links=[_link(s, reader, each) for each in links],
    )


def _link(s: Services, reader: Reader, link: Link) -> LinkRow:
    maker = s.people.person(link.made_by)
    by = maker.name if maker is not None else link.made_by
    return LinkRow(link.id, link.kind, link.key, link.step, evidence(reader, link.evidence), by, link.at)
