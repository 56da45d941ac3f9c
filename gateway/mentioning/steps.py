"""Why a name was heard or not, step by step, as `gateway.story` tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.mentioning import reasons
from gateway.teller import Line, Teller
from reconcile.model import Json


async def _matched(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("{customer} is named.", customer=await t.title(facts))
    return Line(t.say("Matched"), f"{text} {reasons.sure(t.locale, facts)}".strip(), "info")


async def _asked(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("{count} customers bear that name: I asked the author alone.", count=facts["candidates"])
    return Line(t.say("Asked"), f"{text} {reasons.sure(t.locale, facts)}".strip(), "info")


async def _unsure(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("{customer} may be meant, but I am not sure enough.", customer=await t.title(facts))
    return Line(t.say("Silent"), f"{text} {reasons.sure(t.locale, facts)}".strip())


async def _aside(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say(
        "{customer} is named only in a quote, in code or in an address: that floats no card.",
        customer=await t.title(facts),
    )
    return Line(t.say("Silent"), text)


async def _by_contact(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("A contact of {customer} is named; somebody here may not know whose.", customer=await t.title(facts))
    return Line(t.say("Silent"), text)


async def _suggested(t: Teller, facts: dict[str, Json]) -> Line:
    reason = t.say(reasons.SLIPS.get(str(facts["reason"]), ""))
    text = t.say(
        "I asked the author alone if {customer} is meant: {reason}.", customer=await t.title(facts), reason=reason
    )
    return Line(t.say("Suggested"), text, "info")


async def _digested(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say(
        "{cards} cards floated here within the hour, and the room's budget is {budget}: one line gathers the rest.",
        cards=facts["cards"],
        budget=facts["budget"],
    )
    return Line(t.say("Silent"), text)


async def _learned(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Learned"), t.say(reasons.LEARNED.get(str(facts["kind"]), "")))


async def _bound(t: Teller, facts: dict[str, Json]) -> Line:
    if not facts.get("record"):
        return Line(t.say("Room"), t.say("This room is about no customer in particular now."))
    return Line(t.say("Room"), t.say("This room is about {customer} now.", customer=await t.title(facts)), "info")


async def _nothing(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Silent"), t.say("No customer is named for sure."))


async def _cooled(t: Teller, facts: dict[str, Json]) -> Line:
    if not facts.get("record"):  # for one who sees that card, and may know no more of whom it is about
        return Line(t.say("Silent"), t.say("What is named has a card in this room already; it follows by itself."))
    text = t.say("{customer} has a card in this room already; it follows by itself.", customer=await t.title(facts))
    return Line(t.say("Silent"), text)


async def _quiet(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Silent"), t.say("This room asked for quiet."))


async def _bot(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Silent"), t.say("A bot said it: bots never trigger a card."))


async def _taught(t: Teller, facts: dict[str, Json]) -> Line:
    if not facts.get("record"):
        return Line(t.say("Taught"), t.say("In this room that name is not a customer."))
    return Line(
        t.say("Taught"), t.say("In this room that name means {customer}.", customer=await t.title(facts)), "info"
    )


MENTIONED: Final[Mapping[str, Callable[[Teller, dict[str, Json]], Awaitable[Line]]]] = {
    "matched": _matched,
    "asked": _asked,
    "unsure": _unsure,
    "aside": _aside,
    "by_contact": _by_contact,
    "suggested": _suggested,
    "digested": _digested,
    "learned": _learned,
    "bound": _bound,
    "nothing": _nothing,
    "cooled": _cooled,
    "quiet": _quiet,
    "bot": _bot,
    "taught": _taught,
}
