"""The demo's persons, and the accounts they have in the chat and in the CRM."""

from __future__ import annotations

from functools import partial

from channels.model import ImId
from gateway.chat.company import PERSONS
from gateway.store.people import PeopleStore
from identity.model import Person

SCOPE = "demo"

# Sun Jia is left out on purpose: somebody has to be unmapped, for the admin to map.
COMPANY = (
    ("u_liting", "li.ting", Person("p_liting", "李婷 Li Ting", frozenset({"rep", "employee"}), "east", "华东")),
    ("u_chenwei", "chen.wei", Person("p_chenwei", "陈伟 Chen Wei", frozenset({"rep", "employee"}), "south", "华南")),
    ("u_wangmin", "wang.min", Person("p_wangmin", "王敏 Wang Min", frozenset({"manager", "employee"}), "", "")),
    ("u_zhaolei", "zhao.lei", Person("p_zhaolei", "赵磊 Zhao Lei", frozenset({"admin", "employee"}), "", "")),
)


def im_key(user: str) -> str:
    return ImId("web", SCOPE, "user", user).key


async def settle_in(people: PeopleStore) -> None:
    """Adds who is missing; what an admin changed since stays changed."""
    if people.persons():
        return
    locales = {person.id: person.locale for person in PERSONS}
    for user, crm_user, person in COMPANY:
        emails = (f"{crm_user}@example.com",)
        await people.put(
            Person(
                person.id, person.name, person.roles, person.team, person.region, locale=locales[user], emails=emails
            )
        )
        link = partial(people.link, person.id, step="import", evidence="the demo's directory", made_by="demo")
        await link("im", im_key(user))
        await link("crm", f"local:{crm_user}")
