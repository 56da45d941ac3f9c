"""What speaks for and against a name with Chinese characters in it, where it stands. Never which name it is.

A name in Latin letters inside Chinese text is judged here too, by its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mentions.lexicon import Cut, Word, chinese
from mentions.words import BEFORE_ZH, ORGS_ZH, PLACES_ZH, SITES_ZH, SURNAMES, TITLES_ZH, VERBS_ZH, WORK_ZH

REACH = 8  # characters looked at on either side
WORK_REACH = 24  # those in which words of work are looked for
TITLE = 14  # characters of a work's title, with its marks
_LAST = r"(?:有限公司|股份公司|集团公司|" + "|".join(ORGS_ZH) + ")$"
_ORGANISATION = re.compile(_LAST)
_WORK = re.compile("|".join(sorted(WORK_ZH, key=len, reverse=True)))
_HANDLE = re.compile(r"@[\w-]*$")
_ADDRESS = re.compile(r"(?:大?[路街道]|巷|弄|里)(?:[0-9]|[一二三四五六七八九十]{1,3}号)")
_SHARE = re.compile(r"\s*(?:[今昨][天日])?(?:又|大|暴|一路)?(?:涨|跌|停牌|复牌|收涨|收跌|收盘|开盘|报收|股价|市值)")
_PARTY = re.compile(
    r"(?:那边|这边|那里|方面)|(?:的)?(?:采购|财务|法务|运维|业务|市场|技术|人事|项目|行政)(?:部|部门|经理|总监|那边|这边|的人|说|来电|催|要)"
    r"|的?(?:合同|报价|发票|订单|尾款|回款|货款|账期|样品|验收|投标|标书|续约|续费|对账|付款|交期|工单|售后|需求|首付款)"
)
_SHARED = re.compile(r"(?:分享自|转自|[(（]来自)@?$")
_ENJOYED = re.compile(r"[听看读唱追刷播演](?:了|过|完|着|到|起|一遍|一下)?《$")
_COMMON = {"noun", "verb", "adjective", "adverb", "idiom", "number", "time", "position"}


class Place(NamedTuple):
    """A name where it stands: `text[start:end]`, folded."""

    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        return self.text[self.start : self.end]


def features(place: Place) -> dict[str, float]:
    """Of the place alone; what kind of name it is comes with the candidate."""
    low, high = max(0, place.start - REACH), min(len(place.text), place.end + REACH)
    window = place.text[low:high]
    cut = chinese().cut(window, place.start - low, place.end - low)
    own = chinese().word(place.name)
    found = dict(_form(place.name, own, cut))
    found |= _neighbours(window, place.start - low, place.end - low, cut)
    if not found["words of work around"]:
        far = place.text[max(0, place.start - WORK_REACH) : place.start], place.text[place.end :][:WORK_REACH]
        found["words of work further off"] = _work(*far)
    found["part of a work's title"] = float(_part_of_title(place))
    found["its last word goes on"] = float(_goes_on(place))
    return {name: value for name, value in found.items() if value}


def _form(name: str, own: Word | None, cut: Cut) -> Iterator[tuple[str, float]]:
    latin = name.isascii()
    yield "across words", min(cut.loss, 4.0) / 4 * (1.0 if len(name) < 3 else 0.7 if len(name) < 6 else 0.4)
    yield "ends as an organisation does", float(bool(_ORGANISATION.search(name)) and len(name) > 3)
    yield "long", min(max(0, len(name) - 3), 4) / 4
    yield "two characters", float(len(name) == 2 and not latin)
    yield "in Latin letters", float(latin)
    yield "only digits", float(name.isdigit())
    if own is not None and not latin:
        yield from _word(own)
    elif not latin:
        yield "reads as ordinary words", min(1.0, max(0.0, (cut.inside + 18.0) / 4))
        yield "no word of the language", float(cut.inside < -19)
        yield "made of ordinary words", float(len(cut.parts) > 1 and min(cut.parts) > 1)
    yield "a place", float(name in PLACES_ZH or (own is not None and own.kind == "place" and _site(name)))
    yield "a person is called so", float((len(name) > 1 and name[-1:] in TITLES_ZH) or name[-2:] in TITLES_ZH)


def _word(own: Word) -> Iterator[tuple[str, float]]:
    usual = min(1.0, max(0.0, (own.weight + 14.5) / 4))
    if own.text.endswith("行") and own.kind in ("verb", "noun"):
        yield "short for a bank", 1.0 - usual
    elif own.kind in _COMMON:
        yield "a common word", 1.0
        yield "one common word", 1.0
        yield "a common word, often used", usual
    elif own.kind in ("org", "brand", "short"):
        yield "known as a company", 1.0
    elif own.kind == "place":
        yield "known as a place", 1.0
        yield "a place, often named", usual
    elif own.kind == "person":
        yield "known as a person", 1.0
    else:
        yield "a common word", 0.5


def _site(name: str) -> bool:
    return name[-1:] in SITES_ZH or name[-2:] in SITES_ZH or name[-3:] in SITES_ZH


def _neighbours(window: str, start: int, end: int, cut: Cut) -> dict[str, float]:
    before = cut.before.text if cut.before else ""
    after = cut.after.text if cut.after else ""
    left, right = window[start - 1 : start], window[end : end + 1]
    rest = window[end:]
    return {
        "part of a place's or another's name": float(after in SITES_ZH or (right in "路街区县镇村号" and bool(right))),
        "an address follows": float(bool(_ADDRESS.match(rest))),
        "goes on as an organisation": float(after in ORGS_ZH),
        "what companies do follows": float(after in VERBS_ZH),
        "what one has to do with a customer follows": float(bool(_PARTY.match(rest))),
        "what shares do follows": float(bool(_SHARE.match(rest))),
        "somebody one deals with": float(before in BEFORE_ZH),
        "behind a family name": float(before in SURNAMES and end - start <= 2 and before != ""),
        "a person's title follows": float(after in TITLES_ZH),
        "joined by a dot": float(left == "·" or right == "·"),
        "in the title of a work": float(_titled(window, start, end)),
        "a work one reads or hears": float(bool(_ENJOYED.search(window[:start]))),
        "named behind @": float(bool(_HANDLE.search(window[:start]))),
        "whence a share comes": float(bool(_SHARED.search(window[:start]))),
        "a tag": float(left == "#" or right == "#"),
        "begins": float(start == 0),
        "set off": float(not (left and left.isalnum()) and not (right and right.isalnum())),
        "stands in a list": float(left in "、，,和与/" and right in "、，,和与/等" and bool(left) and bool(right)),
        "behind a place": float(cut.before is not None and cut.before.kind == "place"),
        "before a place": float(cut.after is not None and cut.after.kind == "place"),
        "words of work around": _work(window[:start], rest),
        "beside a Latin letter or digit": float(_ascii_word(left) or _ascii_word(right)),
    }


def _work(left: str, right: str) -> float:
    """1 for one such word, 1.5 for more."""
    words = len(_WORK.findall(left)) + len(_WORK.findall(right))
    return min(1.5, 0.5 + words / 2) if words else 0.0


def _ascii_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _part_of_title(place: Place) -> bool:
    """Of 《…》 around it, short as a work's title is; a headline is longer."""
    opens = place.text.rfind("《", max(0, place.start - TITLE), place.start)
    closes = place.text.find("》", place.end, place.end + TITLE)
    if opens < 0 or "》" in place.text[opens:closes] or _personal(place.name):
        return False
    return len(place.name) + 2 < closes + 1 - opens <= TITLE


def _personal(name: str) -> bool:
    """Whether it may be somebody's full name: works are about people, not about companies."""
    own = chinese().word(name)
    return (own is not None and own.kind == "person") or (len(name) in (2, 3) and name[0] in SURNAMES)


def _goes_on(place: Place) -> bool:
    """Of 中国银行 before 业: 银行业 is a word too."""
    after = place.text[place.end : place.end + 1]
    return len(place.name) > 3 and after > "\u3400" and chinese().word(place.name[-2:] + after) is not None


def _titled(window: str, start: int, end: int) -> bool:
    return window.rfind("《", 0, start) > window.rfind("》", 0, start) or (
        window.find("》", end) >= 0 and not -1 < window.find("《", end) < window.find("》", end)
    )
