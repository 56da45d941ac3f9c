"""Who the sender is: small steps in order, first answer wins. A name is never among them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from channels.model import Sender
from crm.model import CrmUser
from gateway.errors import Refused
from identity.codes import code_hash, new_code, usable
from identity.model import Link, People, Person, Step
from identity.suggest import Suggestion, suggest

VERIFYING: Final = frozenset({"member", "guest"})
"""Of these our own workspace checked the e-mail address. An outsider's was checked by a stranger's."""


async def identify(sender: Sender, steps: Sequence[Step], people: People) -> Person | None:
    """The first person a step answers with; None is a state of its own, never "system".

    A step that finds the account to be somebody else's already has no answer: the next one is asked.
    """
    for step in steps:
        try:
            person = await step(sender, people)
        except Refused:
            continue
        if person is not None and person.active:
            return person
    return None


async def by_link(sender: Sender, people: People) -> Person | None:
    """The link made before, by whichever step."""
    return await people.by_link("im", sender.id.key)


def by_email(verified: Mapping[str, str], aliases: Mapping[str, str] | None = None) -> Step:
    """`verified`: address by `ImId.key`, as the network's or the CRM's own user list has it, never as typed.

    `aliases`: other domains of the company to the one its people are kept under.
    """

    async def step(sender: Sender, people: People) -> Person | None:
        address = canonical(verified.get(sender.id.key, ""), aliases or {})
        if not address or sender.kind not in VERIFYING:
            return None
        person = await people.by_email(address)
        return await _linked(people, person, sender, "email", "verified e-mail address")

    return step


def canonical(address: str, aliases: Mapping[str, str]) -> str:
    """Lower case, with the company's main domain; "" when it is no address."""
    local, at, domain = address.strip().casefold().rpartition("@")
    if not (local and at and domain) or any(sign.isspace() for sign in local + domain):
        return ""
    main = {other.casefold(): main.casefold() for other, main in aliases.items()}
    return f"{local}@{main.get(domain, domain)}"


def by_crm_field(crm: str, users: Iterable[CrmUser]) -> Step:
    """The CRM's own IM field. An account that two active CRM users claim is nobody's."""
    claims: dict[tuple[str, str], set[str]] = {}
    for user in users:
        for channel, id_ in user.im.items() if user.active else ():
            if id_:
                claims.setdefault((channel, id_), set()).add(user.id)

    async def step(sender: Sender, people: People) -> Person | None:
        claimed = claims.get((sender.id.channel, sender.id.id), set())
        if len(claimed) != 1 or sender.kind == "bot":
            return None
        (user,) = claimed
        person = await people.by_link("crm", f"{crm}:{user}")
        return await _linked(people, person, sender, "crm_field", f"IM field of CRM user {user}")

    return step


def by_code(claimed: Callable[[Sender], Awaitable[Person | None]]) -> Step:
    """`claimed` tells whose usable one-time code this account has just typed, and takes the code away."""

    async def step(sender: Sender, people: People) -> Person | None:
        person = await claimed(sender) if sender.kind != "bot" else None
        return await _linked(people, person, sender, "code", "one-time code")

    return step


async def by_admin(people: People, person: Person, sender: Sender, *, admin: str, evidence: str) -> Link:
    """An admin's word. Raises `Refused` when the account is another's, or the person is deactivated."""
    if not person.active:
        raise Refused("This person is deactivated. Reactivate them before linking an account.")
    if sender.kind == "bot":
        raise Refused("A bot cannot be linked to a person.")
    return await people.link(person.id, "im", sender.id.key, step="admin", evidence=evidence, made_by=admin)


async def _linked(people: People, person: Person | None, sender: Sender, step: str, evidence: str) -> Person | None:
    if person is None or not person.active:
        return None
    await people.link(person.id, "im", sender.id.key, step=step, evidence=evidence, made_by=f"step:{step}")
    return person


__all__ = [
    "Suggestion",
    "by_admin",
    "by_code",
    "by_crm_field",
    "by_email",
    "by_link",
    "canonical",
    "code_hash",
    "identify",
    "new_code",
    "suggest",
    "usable",
]
