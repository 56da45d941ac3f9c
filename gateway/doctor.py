"""What the bot can do where: asked of each network, put into words for whoever can mend it. Names nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cards.words import N_, say
from channels.doctor import Able, Doctor, Finding
from channels.model import Channel, Deletes, Edits, Members, Place, Whispers
from crm.model import Crm
from gateway.errors import Refused, Retry
from gateway.rooms import Rooms
from gateway.store.people import PeopleStore
from identity.audience import attributes_in

_SAYS: Mapping[tuple[str, Able], str] = {
    ("connect", "yes"): N_("The network takes us."),
    ("connect", "partly"): N_("The network takes us, but not for everything."),
    ("connect", "no"): N_("The network does not take us."),
    ("connect", "unknown"): N_("Whether the network takes us is not known just now."),
    ("hear", "yes"): N_("I hear everything that is said here."),
    ("hear", "partly"): N_("I hear only what mentions me."),
    ("hear", "no"): N_("I hear nothing here."),
    ("hear", "unknown"): N_("What I hear here is not known."),
    ("speak", "yes"): N_("I can post cards here."),
    ("speak", "partly"): N_("I can post some cards here."),
    ("speak", "no"): N_("I cannot post here."),
    ("speak", "unknown"): N_("Whether I can post here is not known."),
    ("edit", "yes"): N_("I can repaint my cards."),
    ("edit", "partly"): N_("I can repaint my cards for a while."),
    ("edit", "no"): N_("I cannot repaint my cards: what must not be seen any more is taken away, or stays."),
    ("edit", "unknown"): N_("Whether I can repaint my cards is not known."),
    ("whisper", "yes"): N_("I can tell one person something alone."),
    ("whisper", "partly"): N_("I can write to those directly who have written to me."),
    ("whisper", "no"): N_("I can tell nobody anything alone."),
    ("whisper", "unknown"): N_("Whether I can tell one person something alone is not known."),
    ("members", "yes"): N_("I can read who is here."),
    ("members", "partly"): N_("I can read some of who is here: the rest count as strangers."),
    ("members", "no"): N_("I cannot read who is here: the room counts as full of strangers."),
    ("members", "unknown"): N_("Whether I can read who is here is not known."),
}
_MARKS: Mapping[Able, str] = {"yes": "✓", "partly": "◐", "no": "✗", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class Checkup:
    """`unmapped`: our own people whom nobody has mapped; `outside`: guests, others' people, and who is unknown."""

    place: Place
    title: str
    findings: tuple[Finding, ...]
    members: int
    mapped: int
    unmapped: int
    outside: int

    @property
    def well(self) -> bool:
        return not self.unmapped and all(each.able in ("yes", "unknown") for each in self.findings)


async def connected(channel: Channel) -> tuple[Finding, ...]:
    """Whether the network takes us at all."""
    return await _examined(channel, None) or (Finding("connect", "unknown"),)


async def examine(channel: Channel, rooms: Rooms, people: PeopleStore, place: Place) -> Checkup:
    """What the network does not say is known from what the channel can do at all."""
    told = {each.what: each for each in await _examined(channel, place)}
    roster = await rooms.roster(place)
    known = {each.what: each for each in _able(channel, roster.complete)}
    findings = tuple({**known, **told}.values())
    mapped = unmapped = outside = 0
    for who in roster.members:
        seen = attributes_in(who, people.linked("im", who.id.key))
        if who.kind == "bot":
            continue
        mapped, unmapped = mapped + seen.mapped, unmapped + (not seen.mapped and not seen.external)
        outside += seen.external and not seen.mapped
    return Checkup(place, roster.title, findings, mapped + unmapped + outside, mapped, unmapped, outside)


async def _examined(channel: Channel, place: Place | None) -> tuple[Finding, ...]:
    if not isinstance(channel, Doctor):
        return ()
    try:
        return await channel.examine(place)
    except Refused as refused:
        facts = {key: str(value) for key, value in refused.facts.items()}
        return (Finding("connect" if place is None else "speak", "no", refused.say, facts),)
    except Retry:
        return (Finding("connect", "unknown"),)


def _able(channel: Channel, complete: bool) -> tuple[Finding, ...]:
    lasts = channel.limits.editable_for
    edits: Able = "no" if not isinstance(channel, Edits) else "yes" if lasts is None else "partly"
    reads: Able = "yes" if complete else "partly" if isinstance(channel, Members) else "no"
    return (
        Finding("hear", "unknown"),
        Finding("speak", "unknown"),
        Finding("edit", edits if edits != "no" or not isinstance(channel, Deletes) else "partly"),
        Finding("whisper", "yes" if isinstance(channel, Whispers) else "partly"),
        Finding("members", reads),
    )


async def readable(crm: Crm) -> Finding:
    """Whether it gives us its first customer."""
    try:
        async for _ in crm.changes(""):
            break
    except Refused as refused:
        return Finding("connect", "no", refused.say, {key: str(value) for key, value in refused.facts.items()})
    except Retry as tired:
        return Finding("connect", "unknown", N_("It does not answer: {why}."), {"why": str(tired)})
    return Finding("connect", "yes")


def hears(findings: tuple[Finding, ...]) -> Able:
    return next((each.able for each in findings if each.what == "hear"), "unknown")


def worded(finding: Finding, locale: str) -> str:
    """One line: what is so, and what mends it."""
    so = say(locale, _SAYS[finding.what, finding.able])
    fix = say(locale, finding.fix, **finding.facts) if finding.fix else ""
    return f"{_MARKS[finding.able]} {so} {fix}".rstrip()


def lines(checkup: Checkup, locale: str) -> list[str]:
    told = [worded(each, locale) for each in checkup.findings]
    if checkup.unmapped:
        mend = N_("{count} of our own people here are not mapped: map them in the console, under Identities.")
        told.append("◐ " + say(locale, mend, count=checkup.unmapped))
    elif checkup.mapped:
        told.append("✓ " + say(locale, "Everybody of ours here is mapped."))
    if checkup.outside:
        told.append("ⓘ " + say(locale, "{count} here are guests or from outside.", count=checkup.outside))
    return told
