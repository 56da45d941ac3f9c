"""Everyone who can read a room, counted by attributes. In doubt somebody counts as `BOTTOM`."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias, TypeVar

from channels.model import Roster, Sender
from identity.model import BOTTOM, Application, Attributes, Audience, Person, Scene

RoomKind: TypeAlias = Literal["group", "direct", "public"]

UNMAPPED: Final = Attributes(external=False)
"""A full member of the company's own workspace whom nobody has mapped to a person yet."""

MAX_AGE: Final = 600_000
_V = TypeVar("_V")
_FOLD: Final = 64


def attributes_of(person: Person) -> Attributes:
    """What the policies may know of a person; nothing, once deactivated."""
    if not person.active:
        return BOTTOM
    return Attributes(tuple(sorted(person.roles)), person.team, person.region, person.external, mapped=True)


def attributes_in(sender: Sender, person: Person | None) -> Attributes:
    """What a member of a room counts as. `person` is who the sender is linked to, if anybody.

    A guest or outsider counts as `BOTTOM` even when linked: what the network says of them in this room wins.
    """
    if sender.kind in ("guest", "outsider"):
        return BOTTOM
    if person is not None and sender.kind != "bot":
        return attributes_of(person)
    return UNMAPPED if sender.kind == "member" else BOTTOM


def audience(
    roster: Roster,
    people: Mapping[str, Person],
    *,
    now: int,
    room_kind: RoomKind | None = None,
    exempt_bots: frozenset[str] = frozenset(),
    public_channel_audience: Literal["workspace", "members"] = "workspace",
    max_age: int = MAX_AGE,
) -> Audience:
    """The readers of a room. `people` by `ImId.key`; `exempt_bots` too (our own bot belongs there).

    `room_kind` overrides the roster's. An incomplete list, one older than `max_age` ms, or a room shared with
    outsiders adds `BOTTOM`; a public room adds the whole workspace unless `public_channel_audience` says otherwise.
    """
    kind = room_kind or roster.kind
    complete = roster.complete and abs(now - roster.at) <= max_age
    counts: dict[Attributes, int] = {}
    persons: dict[str, Attributes] = {}
    for sender in roster.members:
        if sender.kind == "bot" and sender.id.key in exempt_bots:
            continue
        person = people.get(sender.id.key)
        seen = attributes_in(sender, person)
        _count(counts, seen, 1)
        if person is not None and seen.mapped:
            persons[person.id] = seen
    others = [BOTTOM] if not complete or roster.external else []
    others += [UNMAPPED] if kind == "public" and public_channel_audience == "workspace" else []
    for seen in others:
        _count(counts, seen, 1)
    return Audience(_scene(roster, kind), counts, persons, complete, roster.at, kind, presumed=frozenset(others))


def others(audience: Audience) -> Iterator[str]:
    """Who is presumed to read along without being on the list: `incomplete`, `shared`, `public`."""
    if BOTTOM in audience.presumed and not audience.complete:
        yield "incomplete"
    if BOTTOM in audience.presumed and audience.scene == "external_group":
        yield "shared"
    if UNMAPPED in audience.presumed:
        yield "public"


def _scene(roster: Roster, kind: RoomKind) -> Scene:
    """Told by the room, never by who is in it: a join must not change it."""
    if roster.external:
        return "external_group"
    return "direct" if kind == "direct" else "group"


def _count(counts: dict[Attributes, int], seen: Attributes, by: int) -> None:
    counts[seen] = counts.get(seen, 0) + by


def joined(audience: Audience, sender: Sender, person: Person | None) -> Audience:
    """With one more. Costs the number of distinct attributes, never that of members."""
    seen = attributes_in(sender, person)
    counts = dict(audience.counts)
    _count(counts, seen, 1)
    persons = audience.persons
    if person is not None and seen.mapped:
        persons = Overlay.put(persons, person.id, seen)
    return replace(audience, counts=counts, persons=persons)


def left(audience: Audience, sender: Sender, person: Person | None) -> Audience:
    """With one less, as far as that is sure.

    Only a person known to be counted is taken off altogether. Of others one always stays counted, until the list
    is read afresh: a leave told twice, or of somebody never counted, must not uncover anything.
    """
    known = audience.persons.get(person.id) if person is not None and sender.kind not in ("guest", "outsider") else None
    seen = known or attributes_in(sender, person)
    present = audience.counts.get(seen, 0)
    stays = 0 if known is not None else 1
    if present <= stays:
        return audience
    counts = {**audience.counts, seen: present - 1}
    if not counts[seen]:
        del counts[seen]
    persons = Overlay.put(audience.persons, person.id, None) if known is not None and person is not None else None
    return replace(audience, counts=counts, persons=audience.persons if persons is None else persons)


def direct(person: Person | None, sender: Sender | None = None, *, scene: Scene = "direct") -> Audience:
    """One reader alone: "show me", a direct message, or with `scene` the console, a document, an approval.

    Without a person the sender's own standing counts: `UNMAPPED` for a full member, else `BOTTOM`.
    """
    seen = attributes_in(sender, person) if sender is not None else BOTTOM if person is None else attributes_of(person)
    persons = {person.id: seen} if person is not None and seen.mapped else {}
    through = Application(sender.id.channel) if sender is not None and sender.id.channel else None
    return Audience(scene, {seen: 1}, persons, application=through)


def carried(audience: Audience, application: str) -> Audience:
    """The same readers, reached through that channel."""
    return replace(audience, application=Application(application)) if application else audience


_HASHED: OrderedDict[int, tuple[Audience, str]] = OrderedDict()
_MOST_HASHED = 4096


def audience_hash(audience: Audience) -> str:
    """Equal for audiences to which everything is disclosed alike; the time the list was read does not count."""
    known = _HASHED.get(id(audience))
    if known is not None:  # the audience itself is kept with it, so that its id is nobody else's
        return known[1]
    made = _hash(audience)
    _HASHED[id(audience)] = (audience, made)
    if len(_HASHED) > _MOST_HASHED:
        _HASHED.popitem(last=False)
    return made


def _hash(audience: Audience) -> str:
    counts = sorted((_plain(seen), count) for seen, count in audience.counts.items() if count)
    persons = sorted((id_, _plain(seen)) for id_, seen in audience.persons.items())
    body = json.dumps([audience.scene, audience.complete, counts, persons])
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def _plain(seen: Attributes) -> list[object]:
    return [list(seen.roles), seen.team, seen.region, seen.external, seen.mapped]


class Overlay(Mapping[str, _V]):
    """An immutable mapping with few changes laid over a large one, so that a change need not copy it."""

    __slots__ = ("_base", "_changes")

    def __init__(self, base: Mapping[str, _V], changes: Mapping[str, _V | None]) -> None:
        self._base = base
        self._changes = changes

    @staticmethod
    def put(over: Mapping[str, _V], key: str, value: _V | None) -> Mapping[str, _V]:
        """None takes the key away. After some changes they are folded in, one copy for many."""
        base, changes = (over._base, over._changes) if isinstance(over, Overlay) else (over, {})
        grown = Overlay(base, {**changes, key: value})
        return dict(grown) if len(grown._changes) > _FOLD else grown

    def __getitem__(self, key: str) -> _V:
        value = self._changes[key] if key in self._changes else self._base[key]
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._base if key not in self._changes)
        yield from (key for key, value in self._changes.items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def readers(audience: Audience, owners: Iterable[str]) -> tuple[tuple[Attributes, bool], ...]:
    """The distinct (attributes, owns the record) to judge; somebody of equal attributes who owns nothing stays one."""
    owning: dict[Attributes, int] = {}
    for id_ in owners:
        if (seen := audience.persons.get(id_)) is not None:
            _count(owning, seen, 1)
    counts = dict(audience.counts)
    if not audience.complete:
        counts.setdefault(BOTTOM, 1)
    others = [(seen, False) for seen, count in counts.items() if count > owning.get(seen, 0)]
    return tuple(sorted([*others, *((seen, True) for seen in owning)]))
