"""Codes that can be read aloud and used once; suggestions with their evidence."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from identity.codes import ALPHABET, LENGTH, LIFETIME, TRIES, CodeState, code_hash, expires, new_code, normalise, usable
from identity.suggest import ADDRESS, EMAIL, HANDLE, LIKE, ORDER, SAME, Suggester, suggest
from tests.identity.rooms import person, sender

KEY = b"k" * 32


def test_a_code_has_forty_bits_and_no_sign_taken_for_another() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert math.log2(len(ALPHABET)) * LENGTH >= 40
    assert not set("01OILU") & set(ALPHABET)
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert set("".join(codes)) == set(ALPHABET) | {"-"}


def test_a_code_may_be_typed_any_way() -> None:
    code = new_code()
    plain = code.replace("-", "")
    for typed in (code, code.lower(), plain, f" {plain[:4]} {plain[4:]} ", code.replace("-", "\u2013")):
        assert code_hash(typed, KEY) == code_hash(code, KEY)
    assert normalise("UUU-222-222") == normalise("vvv222222")


@pytest.mark.parametrize(
    "typed", ["", "K7M", "K7M-2QX-9B0", "K7M-2QX-9BD-2", "x" * 10_000, "\ud800" * 9, "华" * 9, "\0" * 9]
)
def test_what_can_be_no_code_hashes_to_nothing(typed: str) -> None:
    assert normalise(typed) is None
    assert code_hash(typed, KEY) == ""


def test_the_hash_needs_the_key_and_hides_the_code() -> None:
    code = new_code()
    assert code_hash(code, KEY) != code_hash(code, b"other")
    assert len(code_hash(code, KEY)) == 64
    assert code.replace("-", "").lower() not in code_hash(code, KEY)


def test_a_code_works_once_for_ten_minutes_and_not_after_many_tries() -> None:
    made = 1_000_000
    assert usable(CodeState(made), made)
    assert usable(CodeState(made, tries=TRIES - 1), made + LIFETIME - 1)
    assert not usable(CodeState(made), expires(made))
    assert not usable(CodeState(made), made - 1)
    assert not usable(CodeState(made, used=made + 5), made + 6)
    assert not usable(CodeState(made, tries=TRIES), made)


def test_suggestions_are_ranked_with_their_evidence() -> None:
    same = replace(person("p1"), name="Li Ting", emails=("ting.li@acme.com",))
    order = replace(person("p2"), name="Ting Li")
    like = replace(person("p3"), name="Li Tingting")
    other = replace(person("p4"), name="Somebody Else")
    found = suggest(sender("x", name="Li Ting"), [other, like, order, same])
    assert [one.person.id for one in found] == ["p1", "p2", "p3"]
    assert found[0].evidence == (SAME, EMAIL)
    assert (found[1].evidence, found[2].evidence) == ((ORDER,), (LIKE,))
    assert 1 >= found[0].score > found[1].score > found[2].score > 0


def test_the_account_can_be_the_address() -> None:
    known = replace(person("p1"), name="王敏", emails=("min.wang@acme.com",))
    (found,) = suggest(sender("min.wang", name="小王"), [known])
    assert found.evidence == (HANDLE,)


def test_a_verified_address_suggests_more_than_any_name_and_still_only_suggests() -> None:
    same, owner = replace(person("p1"), name="Li Ting"), replace(person("p2"), name="L.", emails=("LI.Ting@acme.com",))
    who = sender("x", name="Li Ting")
    found = suggest(who, [same, owner], address="li.ting@acme.com")
    assert [one.person.id for one in found] == ["p2", "p1"]
    assert found[0].evidence == (ADDRESS, EMAIL) and found[1].evidence == (SAME,)
    assert [one.person.id for one in suggest(sender("x", "bot"), [owner], address="li.ting@acme.com")] == []
    crowd = [replace(person(f"c{n}"), name="Li Ting") for n in range(40)]
    assert Suggester([*crowd, owner]).suggest(who, limit=1, address="li.ting@acme.com")[0].person.id == "p2"


def test_width_case_and_order_of_persons_do_not_matter() -> None:
    known = [replace(person(f"p{n}"), name="王 敏") for n in range(3)]
    forward = suggest(sender("x", name="王敏"), known)
    assert suggest(sender("x", name="王敏"), reversed(known)) == forward
    assert suggest(sender("x", name="LI ting"), [replace(known[0], name="Li TING")])[0].evidence == (SAME,)


@pytest.mark.parametrize("name", ["", " ", "<!channel>", "\ud800", "\0", "😀" * 10_000, "a" * 100_000])
def test_hostile_names_suggest_nobody_and_do_not_break(name: str) -> None:
    assert suggest(sender("x", name=name), [replace(person("p"), name="Li Ting"), replace(person("q"), name="")]) == ()


def test_nobody_is_suggested_for_a_bot_nor_somebody_deactivated() -> None:
    known = replace(person("p"), name="Li Ting")
    assert suggest(sender("x", "bot", "Li Ting"), [known]) == ()
    assert suggest(sender("x", name="Li Ting"), [replace(known, active=False)]) == ()


def test_among_thousands_the_same_are_found_as_by_looking_at_everybody() -> None:
    random_ = random.Random(11)
    one, two = "王李张刘陈杨黄赵周吴", "敏婷伟磊佳丽强军洋勇"
    parts = ["Ting", "Wei", "Anna", "Jonas", "Marie", "Lee", "Park", "Noor", "Silva", "Okafor"]
    names = [f"{random_.choice(parts)} {random_.choice(parts)}{n % 37}" for n in range(900)]
    names += [random_.choice(one) + random_.choice(two) + random_.choice(two) for _ in range(600)]
    known = [replace(person(f"p{n}"), name=name, emails=(f"mail{n}@acme.com",)) for n, name in enumerate(names)]
    known += [replace(person("q1"), name="王 敏"), replace(person("q2"), name="x", emails=("min.wang@acme.com",))]
    suggester = Suggester(known)
    told = 0
    for name in [*random_.sample(names, 80), "王敏", "Tnig Wei7", "nobody at all"]:
        who = sender("min.wang", name=name)
        best, all_ = suggest(who, known, limit=1), suggester.suggest(who, limit=1)
        assert [each.score for each in all_] == [each.score for each in best], name
        told += len(best)
    assert told > 80
