"""Small steps in order, first answer wins; a name never identifies anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.model import Sender
from crm.model import CrmUser
from gateway.errors import Refused
from identity.model import People, Person
from identity.steps import by_admin, by_code, by_crm_field, by_email, by_link, canonical, identify, suggest
from tests.identity.rooms import FakePeople, person, sender

LI = replace(person("li", "rep"), name="Li Ting", emails=("li.ting@acme.com",))
WANG = replace(person("wang", "rep"), name="王敏", emails=("wang@acme.com",))
A = sender("a", name="Li Ting")
VERIFIED = {A.id.key: "Li.Ting@Old-Acme.com"}
ALIASES = {"old-acme.com": "acme.com"}
USERS = (CrmUser("u1", "Li", im={"web": "a"}), CrmUser("u2", "Wang", im={"web": "b"}))


async def test_an_existing_link_wins_over_everything_after_it() -> None:
    people = FakePeople(LI, WANG)
    await people.link("wang", "im", A.id.key, step="admin", evidence="", made_by="boss")
    assert await identify(A, [by_link, by_email(VERIFIED, ALIASES)], people) == WANG


async def test_the_first_answer_wins_and_later_steps_are_not_asked() -> None:
    asked: list[str] = []

    async def nobody(sender: Sender, people: People) -> Person | None:
        asked.append("nobody")
        return None

    async def li(sender: Sender, people: People) -> Person | None:
        asked.append("li")
        return LI

    async def never(sender: Sender, people: People) -> Person | None:
        raise AssertionError

    assert await identify(A, [nobody, li, never], FakePeople()) == LI
    assert asked == ["nobody", "li"]


async def test_a_verified_address_links_and_keeps_its_evidence() -> None:
    people = FakePeople(LI, WANG)
    assert await identify(A, [by_link, by_email(VERIFIED, ALIASES)], people) == LI
    link = people.links["im", A.id.key]
    assert (link.person, link.step, link.made_by) == ("li", "email", "step:email")
    assert "@" not in link.evidence
    assert await identify(A, [by_link], people) == LI


@pytest.mark.parametrize("kind", ["outsider", "bot", "unknown"])
async def test_an_address_that_our_workspace_did_not_verify_is_not_taken(kind: str) -> None:
    who = replace(A, kind=kind)  # type: ignore[arg-type]
    people = FakePeople(LI)
    assert await identify(who, [by_email(VERIFIED, ALIASES)], people) is None
    assert people.links == {}


async def test_two_people_of_one_address_are_nobody() -> None:
    people = FakePeople(LI, replace(WANG, emails=LI.emails))
    assert await identify(A, [by_email(VERIFIED, ALIASES)], people) is None


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Li.Ting@ACME.com ", "li.ting@acme.com"),
        ("li@OLD-acme.com", "li@acme.com"),
        ("li@evil.old-acme.com", "li@evil.old-acme.com"),
        ("li@acme.com@evil.com", "li@acme.com@evil.com"),
        ("li", ""),
        ("@acme.com", ""),
        ("li@", ""),
        ("li ting@acme.com", ""),
        ("", ""),
    ],
)
def test_addresses(typed: str, address: str) -> None:
    assert canonical(typed, ALIASES) == address


async def test_the_crms_own_field_links_through_the_crm_account() -> None:
    people = FakePeople(LI)
    step = by_crm_field("local", USERS)
    assert await identify(A, [step], people) is None  # nobody is linked to u1 yet
    await people.link("li", "crm", "local:u1", step="import", evidence="", made_by="boss")
    assert await identify(A, [step], people) == LI
    assert people.links["im", A.id.key].step == "crm_field"


async def test_an_account_two_crm_users_claim_is_nobodys() -> None:
    people = FakePeople(LI)
    await people.link("li", "crm", "local:u1", step="import", evidence="", made_by="boss")
    twice = (*USERS, CrmUser("u3", "Imposter", im={"web": "a"}))
    assert await identify(A, [by_crm_field("local", twice)], people) is None
    gone = (*USERS, CrmUser("u3", "Gone", active=False, im={"web": "a"}))
    assert await identify(A, [by_crm_field("local", gone)], people) == LI
    empty = sender("")
    assert await identify(empty, [by_crm_field("local", (CrmUser("u1", "Li", im={"web": ""}),))], people) is None


async def test_a_code_links_the_account_that_typed_it() -> None:
    people = FakePeople(LI)

    async def claimed(who: Sender) -> Person | None:
        return LI if who == A else None

    assert await identify(sender("b"), [by_code(claimed)], people) is None
    assert await identify(A, [by_code(claimed)], people) == LI
    assert people.links["im", A.id.key].step == "code"


async def test_an_account_of_somebody_else_is_not_taken_over() -> None:
    people = FakePeople(LI, replace(WANG, active=False))
    await people.link("wang", "im", A.id.key, step="admin", evidence="", made_by="boss")
    assert await identify(A, [by_link, by_email(VERIFIED, ALIASES)], people) is None
    with pytest.raises(Refused):
        await by_admin(people, LI, A, admin="boss", evidence="seen the badge")
    assert people.links["im", A.id.key].person == "wang"


async def test_a_deactivated_person_is_nobody_by_any_step() -> None:
    gone = replace(LI, active=False)
    people = FakePeople(gone)
    await people.link("li", "crm", "local:u1", step="import", evidence="", made_by="boss")

    async def claimed(who: Sender) -> Person | None:
        return gone

    steps = [by_link, by_email(VERIFIED, ALIASES), by_crm_field("local", USERS), by_code(claimed)]
    assert await identify(A, steps, people) is None
    assert ("im", A.id.key) not in people.links
    with pytest.raises(Refused):
        await by_admin(people, gone, A, admin="boss", evidence="")


async def test_an_admins_word_is_kept_with_who_and_why() -> None:
    people = FakePeople(LI)
    link = await by_admin(people, LI, A, admin="boss", evidence="phone call")
    assert (link.step, link.made_by, link.evidence) == ("admin", "boss", "phone call")
    with pytest.raises(Refused):
        await by_admin(people, LI, replace(sender("bot"), kind="bot"), admin="boss", evidence="")


async def test_a_name_identifies_nobody_and_a_suggestion_is_never_applied() -> None:
    people = FakePeople(LI, WANG)
    twin = sender("z", name="Li Ting")
    assert suggest(twin, people.persons.values())[0].person == LI
    steps = [by_link, by_email(VERIFIED, ALIASES), by_crm_field("local", USERS)]
    assert await identify(twin, steps, people) is None
    assert people.links == {}
