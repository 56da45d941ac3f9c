"""Kinds of readers, scenes, classes and changes of policy in the reader's language; names nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cards.words import N_, Reader
from gateway.access_comparing import Relation, Right
from gateway.access_looking import Looking
from gateway.handlers import view
from identity.explain import Decided
from identity.model import BOTTOM, Attributes
from identity.policy_diff import Changed

CLASSES: Final[Mapping[str, str]] = {
    "public": N_("public"),
    "internal": N_("internal"),
    "confidential": N_("confidential"),
    "restricted": N_("restricted"),
}
SCENES: Final[Mapping[str, str]] = {
    "group": N_("in a group"),
    "external_group": N_("in a group shared with another company"),
    "direct": N_("alone with the bot"),
    "console": N_("in the console"),
    "document": N_("in a document"),
    "approval": N_("in an approval"),
    "device": N_("on a device"),
}
ACTIONS: Final[Mapping[str, str]] = {"view": N_("view"), "edit": N_("edit"), "act": N_("act on")}
RELATIONS: Final[Mapping[Relation, str]] = {
    "another": N_("others' customers"),
    "team": N_("their team's customers"),
    "own": N_("their own customers"),
}
STATES: Final[Mapping[str, str]] = {
    "proposed": N_("waits for approval"),
    "applied": N_("in force"),
    "replaced": N_("was in force"),
    "withdrawn": N_("withdrawn"),
}
CHANGES: Final[Mapping[str, str]] = {
    "added": N_("added"),
    "removed": N_("taken away"),
    "changed": N_("changed"),
    "moved": N_("moved"),
    "comment": N_("only comments or blanks"),
}
ALL: Final = N_("all customers")


def kind(reader: Reader, who: Attributes, *, owner: bool = False, complete: bool = True) -> str:
    """As the page of a room says it."""
    say = reader.say
    if who == BOTTOM:
        known = N_("guests, others' people, and who is unknown")
        return say(known if complete else N_("guests, unknown, or whoever an incomplete list leaves out"))
    if who.external:
        return say("people from outside the company")
    if not who.mapped:
        return say("colleagues nobody has mapped, or anybody in the company")
    words = say("role {roles}", roles=list(who.roles)) if who.roles else say("people without a role")
    places = [place for place in (who.team, who.region) if place]
    named = f"{words} ({', '.join(places)})" if places else words
    return say("{kind}, owner of this customer", kind=named) if owner else named


def right(reader: Reader, it: Right) -> str:
    """Who gains or loses what, where: one sentence."""
    who = kind(reader, Attributes(it.roles, "", "", it.external, it.mapped))
    whose = [reader.say(RELATIONS[each]) for each in it.relations]
    facts = {
        "who": who,
        "action": reader.say(ACTIONS[it.action]),
        "sensitivity": reader.say(CLASSES[it.sensitivity]),
        "scene": reader.say(SCENES[it.scene]),
        "whose": reader.say(ALL) if len(whose) == len(RELATIONS) else whose,
    }
    msgid = (
        N_("{who} may {action} what is {sensitivity} {scene} besides: {whose}.")
        if it.gained
        else N_("{who} may {action} what is {sensitivity} {scene} no more: {whose}.")
    )
    return reader.say(msgid, **facts)


def because(reader: Reader, it: Decided) -> str:
    return reader.say(it.reason.say, **it.reason.facts)


def changed(reader: Reader, it: Changed) -> str:
    return f"{it.id}: {reader.say(CHANGES[it.kind])} ({it.file}:{it.line})"


def field(looking: Looking, name: str, locale: str) -> str:
    if name in view.LISTS:
        return Reader(locale, "", 0).say(view.LISTS[name])
    return view.label(looking.config.fields.get(name), name, locale)
