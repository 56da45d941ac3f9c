"""What people did to the gateway itself, as the page of the audit lists it: by kind of deed, and by who did it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cards.words import N_
from gateway.console.seeing import SECRET, Eyes
from gateway.console.sheet import sheet
from gateway.console.views import LINK_KINDS, STEPS
from gateway.store.auditing import AuditStore, Noted

PAGE: Final = 50
MOST: Final = 10_000
AT_ONCE: Final = 500
KINDS: Final[Mapping[str, str]] = {
    "signed_in": N_("signed in"),
    "signed_out": N_("ended other sessions"),
    "person": N_("changed a person"),
    "linked": N_("linked an account"),
    "unlinked": N_("ended a link"),
    "merged": N_("merged persons"),
    "unmerged": N_("took a merge of persons back"),
    "split": N_("split a person"),
    "unsplit": N_("took a split back"),
    "rekeyed": N_("moved keys of accounts"),
    "imported": N_("brought in a directory"),
    "group": N_("changed a group"),
    "group_gone": N_("removed a group"),
    "ambiguous": N_("found two of one address"),
    "device_added": N_("added a device"),
    "device_key": N_("named a device's key"),
    "device_revoked": N_("revoked a device"),
    "token_made": N_("made a token"),
    "token_ended": N_("ended a token"),
    "access_proposed": N_("proposed access policies"),
    "access_applied": N_("put access policies in force"),
    "access_rolled_back": N_("took access policies back"),
    "access_withdrawn": N_("withdrew access policies"),
    "staged": N_("decided a stage of cards"),
    "quieted": N_("made a room quiet, or loud"),
    "budgeted": N_("set a room's budget"),
    "bound": N_("tied a room to a customer"),
    "asked": N_("asked somebody to look"),
    "joined": N_("said that customers are one"),
    "parted": N_("said that customers are not one"),
    "exported": N_("took rows away"),
    "erased": N_("erased a customer"),
    "key_rotated": N_("changed the master key"),
}
FACTS: Final[Mapping[str, str]] = {
    "active": N_("in use"),
    "external": N_("from outside the company"),
    "roles": N_("roles"),
    "kind": N_("kind"),
    "link": N_("link"),
    "step": N_("how it was found"),
    "how": N_("by what"),
    "rows": N_("rows"),
    "many": N_("how many"),
}
_YES: Final[Mapping[str, str]] = {"1": N_("yes"), "0": N_("no"), "True": N_("yes"), "False": N_("no")}
_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "active": _YES,
    "external": _YES,
    "kind": LINK_KINDS,
    "step": STEPS,
    "how": {"demo": N_("the demo"), "link": N_("a one-time link"), "oidc": N_("the provider of identities")},
}
COLUMNS: Final = ("seq", "at", "by", "person", "what", "subject", "facts", "hash")


@dataclass(frozen=True, slots=True)
class Row:
    """`person`: the id where whoever did it is one."""

    seq: int
    at: int
    person: str
    who: str
    what: str
    says: str
    subject: str
    facts: str
    hash: str


@dataclass(frozen=True, slots=True)
class Listed:
    what: str
    by: str
    rows: Sequence[Row]
    after: str
    kinds: Sequence[tuple[str, str]]


async def listed(eyes: Eyes, store: AuditStore, what: str, by: str, after: str) -> Listed:
    found = await store.found(PAGE + 1, before(after), what, by)
    on = str(found[PAGE - 1].seq) if len(found) > PAGE else ""
    kinds = sorted(((name, eyes.reader.say(words)) for name, words in KINDS.items()), key=lambda each: each[1])
    return Listed(what, by, [await _row(eyes, each, worded=True) for each in found[:PAGE]], on, kinds)


def before(after: str) -> int | None:
    return int(after) if after.isascii() and after.isdigit() and len(after) < 18 else None


async def _row(eyes: Eyes, each: Noted, *, worded: bool = False) -> Row:
    """`worded`: for who looks at it; what is taken away keeps the names and values as they were noted."""
    fact = _worded if worded else _named
    facts = [fact(eyes, name, await _plain(eyes, str(value))) for name, value in each.facts.items() if value != ""]
    known = eyes.s.people.person(each.by)
    return Row(
        each.seq,
        each.at,
        known.id if known is not None else "",
        known.name if known is not None else each.by,
        each.what,
        eyes.reader.say(KINDS.get(each.what, each.what)),
        await _plain(eyes, each.subject),
        " · ".join(facts),
        each.hash,
    )


def _named(_: Eyes, name: str, value: str) -> str:
    return f"{name}: {value}"


def _worded(eyes: Eyes, name: str, value: str) -> str:
    say, known = eyes.reader.say, _VALUES.get(name, {}).get(value)
    return f"{say(FACTS[name]) if name in FACTS else name}: {say(known) if known is not None else value}"


async def _plain(eyes: Eyes, text: str) -> str:
    """A person by name, a customer by its key if this reader may see that it is one, whatever else as it is."""
    person = eyes.s.people.person(text)
    if person is not None:
        return f"{person.name} ({text})"
    if text.partition(":")[0] in eyes.s.crms and text.count(":") >= 2:
        return text if await eyes.heard(text) is not None else eyes.reader.say(SECRET)
    return text


async def exported(eyes: Eyes, store: AuditStore, what: str, by: str) -> tuple[bytes, int]:
    """CSV of the newest rows, at most `MOST`; and how many."""
    out, last, count = list[Sequence[str]]([COLUMNS]), None, 0
    while count < MOST and (found := await store.found(min(AT_ONCE, MOST - count), last, what, by)):
        for each in found:
            row = await _row(eyes, each)
            who = row.who if row.person else ""
            out.append(
                [str(row.seq), eyes.reader.exact(row.at), each.by, who, row.what, row.subject, row.facts, row.hash]
            )
        last, count = found[-1].seq, count + len(found)
    return sheet(out), count
