"""Contacts as people speak of them: by full name anywhere, by 王总 or Ms. Chen where the room makes it one person."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING

from channels.model import Place
from crm.model import Record
from gateway.mentioning.spoken import spoken
from gateway.store.mentioning import RoomKnows
from mentions.bounds import Spans
from mentions.model import Mention, Name
from mentions.normal import normalise_name
from mentions.people import Contact, addressed, family_name
from mentions.words import TITLES_ZH

if TYPE_CHECKING:
    from gateway.services import Services

SHORT, FULL = 0.8, 0.95
"""A name of two characters is as easily a word; one of three, or of two words, is a person."""
MOST_CUSTOMERS = 20

_HAN = re.compile(r"[\u3400-\u9fff]+")
_TITLES = "|".join(sorted(TITLES_ZH, key=len, reverse=True))
_ADDRESS = re.compile(rf"[\u3400-\u9fff]{{1,2}}(?:{_TITLES})|\b(?:mr|mrs|ms|miss|mx|dr|prof)\.? +\w+", re.IGNORECASE)


def names_of(record: Record) -> tuple[Name, ...]:
    """The full names of its contacts; a lone Latin word is nobody's full name."""
    contacts = ((item.text, _worth(item.text)) for item in record.related.get("contact", ()))
    return tuple(Name(name, "derived", worth) for name, worth in contacts if worth)


def _worth(name: str) -> float:
    plain = name.strip()
    if _HAN.fullmatch(plain):
        return SHORT if len(plain) == 2 else FULL if len(plain) > 2 else 0.0
    return FULL if len(plain.split()) > 1 else 0.0


def maybe_addressed(text: str) -> list[str]:
    """What looks like a family name with a title, folded: cheap, and often nobody."""
    return [spoken(found[0]) for found in _ADDRESS.finditer(text)][:50]


async def by_title(s: Services, place: Place, known: RoomKnows, text: str, quoted: Spans) -> list[Mention]:
    """Contacts of the room's customers who are the only one here called so: no colleague among them."""
    contacts = [each async for each in _likely(s, known)]
    if not contacts:
        return []
    ours_too = await _families(s, place)
    return addressed(text, [each for each in contacts if family_name(each.name).casefold() not in ours_too], quoted)


async def _likely(s: Services, known: RoomKnows) -> AsyncIterator[Contact]:
    for ref in dict.fromkeys((*([known.bound] if known.bound else []), *_latest(known))):
        record = await s.records.mirrored(ref)
        for item in record.related.get("contact", ()) if record is not None and not record.deleted else ():
            yield Contact(ref, item.text, item.detail.get("title", ""))


def _latest(known: RoomKnows) -> list[str]:
    return sorted(known.recent, key=lambda ref: -known.recent[ref])[:MOST_CUSTOMERS]


async def _families(s: Services, place: Place) -> set[str]:
    """Family names of the room's members, as the network and as we call them."""
    roster = await s.rooms.roster(place)
    mapped = (s.people.linked("im", member.id.key) for member in roster.members)
    names = {member.name for member in roster.members} | {person.name for person in mapped if person is not None}
    return {family_name(name).casefold() for each in names for name in (each, *_HAN.findall(each))}


def apart(mentions: Sequence[Mention], taken: Sequence[Mention]) -> list[Mention]:
    """Those that share no character with what is taken already."""
    return [each for each in mentions if all(each.end <= one.start or one.end <= each.start for one in taken)]


def ours(names: Iterable[str]) -> frozenset[str]:
    """Colleagues' names as they may be written: `李婷 Li Ting` is 李婷 and Li Ting."""
    found = set()
    for name in names:
        found.add(normalise_name(name))
        found |= {normalise_name(part) for part in _HAN.findall(name)}
        found.add(normalise_name(" ".join(_HAN.sub(" ", name).split())))
    return frozenset(found - {""})
