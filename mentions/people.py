"""People as they are addressed: 王总, 李工, Ms. Chen. Heard only among the contacts a room has, never in a whole CRM.

Full names are names like others: put them into the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mentions.bounds import Spans, protected, touches
from mentions.lexicon import chinese
from mentions.model import Candidate, Mention
from mentions.words import TITLES_ZH

ALONE, SHARED = 0.85, 0.6
REACH = 8
_FORMS = r"(?P<title>mr|mrs|ms|miss|mx|dr|prof)\.?"
_PLURAL_NAMES = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒")
_HAN = re.compile(r"[\u3400-\u9fff]")


class Contact(NamedTuple):
    """`ref`: the key a mention gives back. `position`: as the CRM has it, may be empty."""

    ref: str
    name: str
    position: str = ""


def family_name(name: str) -> str:
    """王小明: 王. Anna Chen: Chen."""
    plain = name.strip()
    if _HAN.match(plain):
        return plain[:2] if plain[:2] in _PLURAL_NAMES else plain[:1]
    words = plain.split()
    return words[-1] if len(words) > 1 else ""


def addressed(text: str, contacts: Sequence[Contact], quoted: Spans = ()) -> list[Mention]:
    """Contacts addressed by family name and title; several of one family name are several candidates, to be asked."""
    by_family: dict[str, list[Contact]] = {}
    for contact in contacts:
        if family := family_name(contact.name):
            by_family.setdefault(family.casefold(), []).append(contact)
    if not by_family:
        return []
    spans = protected(text, quoted)
    found = [*_chinese(text, by_family), *_latin(text, by_family)]
    return sorted((one for one in found if not touches(spans, one.start, one.end)), key=lambda one: one.start)


def _chinese(text: str, by_family: dict[str, list[Contact]]) -> Iterator[Mention]:
    families = "|".join(re.escape(one) for one in sorted(by_family, key=len, reverse=True) if _HAN.match(one))
    if not families:
        return
    titles = "|".join(sorted(TITLES_ZH, key=len, reverse=True))
    for found in re.finditer(f"({families})({titles})", text):
        low, high = max(0, found.start() - REACH), min(len(text), found.end() + REACH)
        cut = chinese().cut(text[low:high], found.start() - low, found.end() - low)
        if cut.loss < 1:
            yield _mention(found.start(), found.end(), by_family[found[1]], found[2])


def _latin(text: str, by_family: dict[str, list[Contact]]) -> Iterator[Mention]:
    families = "|".join(re.escape(one) for one in sorted(by_family, key=len, reverse=True) if not _HAN.match(one))
    if not families:
        return
    for found in re.finditer(rf"(?<!\w){_FORMS} +(?P<family>{families})(?!\w)", text, re.IGNORECASE):
        contacts = by_family.get(found["family"].casefold(), [])
        if contacts:
            yield _mention(found.start(), found.end(), contacts, found["title"])


def _mention(start: int, end: int, contacts: Sequence[Contact], title: str) -> Mention:
    fitting = [one for one in contacts if title in one.position] or list(contacts)
    score = ALONE if len(fitting) == 1 else SHARED
    why = ("contact", "for: the only one here called so" if len(fitting) == 1 else f"{len(fitting)} here are called so")
    return Mention(start, end, tuple(Candidate(one.ref, score, why) for one in sorted(fitting)))
