"""The trail in words: what happened, step by step, in the reader's language. There is no other story."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cards.tree import Tone
from cards.words import N_, join
from gateway.mentioning.steps import MENTIONED
from gateway.store.trail import StoredStep
from gateway.teller import Line as Line
from gateway.teller import Teller as Teller
from reconcile.model import Json

Teach = Callable[[Teller, dict[str, Json]], Awaitable[Line]]


async def worded(teller: Teller, step: StoredStep) -> Line:
    """A step of a newer version is told by its bare name."""
    tell = _STEPS.get(step.step.step)
    return await tell(teller, step.step.facts) if tell is not None else Line(step.step.step, "")


OTHERS = {
    "shared": N_("whoever else the other company has in it"),
    "incomplete": N_("whoever an incomplete list leaves out"),
    "public": N_("anybody in the company"),
}


async def _heard_by(t: Teller, facts: dict[str, Json]) -> Line:
    parts = [t.say("{count} can read this room", count=facts["members"])]
    if facts["outside"]:
        parts.append(t.say("{count} from outside or not surely known", count=facts["outside"]))
    if facts["unmapped"]:
        parts.append(t.say("{count} of ours not mapped yet", count=facts["unmapped"]))
    others = facts.get("others")
    told = [str(each) for each in others] if isinstance(others, list) else []
    tone: Tone = "warning" if facts["outside"] or facts["unmapped"] or told else "neutral"
    text = join(t.locale, parts)
    if known := [t.say(OTHERS[each]) for each in told if each in OTHERS]:
        text = t.say("{readers}. Taken to read along: {others}.", readers=text, others=known)
    return Line(t.say("Audience"), text, tone)


async def _withheld(t: Teller, facts: dict[str, Json]) -> Line:
    groups = facts.get("groups")
    told = [_group(t, group) for group in groups if isinstance(group, list)] if isinstance(groups, list) else []
    return Line(t.say("Withheld"), " ".join(told), "warning")


async def _ruled(t: Teller, facts: dict[str, Json]) -> Line:
    """By which policy, with its file and line."""
    groups = facts.get("groups")
    told = [_by_policy(t, group) for group in groups if isinstance(group, list)] if isinstance(groups, list) else []
    return Line(t.say("Policy"), " ".join(told))


def _by_policy(t: Teller, group: list[Json]) -> str:
    msgid, policies, fields = group
    names = [t.field(each) for each in fields] if isinstance(fields, list) else []
    return t.say("{fields}: {reason}", fields=names, reason=t.say(str(msgid), policies=policies))


def _group(t: Teller, group: list[Json]) -> str:
    msgid, roles, fields = group
    names = [t.field(each) for each in fields] if isinstance(fields, list) else []
    return t.say("{fields}: {reason}", fields=names, reason=t.say(str(msgid), roles=roles))


_SHOWN = {
    ("card", "sent"): N_("A card floats in the room."),
    ("card", "edited"): N_("The card in the room was repainted."),
    ("conflict", "sent"): N_("The conflict is shown where it happened."),
    ("conflict", "edited"): N_("The conflict's card was repainted."),
    ("alert", "sent"): N_("An alert floats in a manager's direct room."),
    ("alert", "edited"): N_("The manager's alert was repainted."),
    ("whisper", "sent"): N_("Only the author was told."),
    ("whisper", "edited"): N_("The author's card was repainted."),
}


async def _shown(t: Teller, facts: dict[str, Json]) -> Line:
    msgid = _SHOWN.get((str(facts["purpose"]), str(facts["did"])), "A card was shown.")
    return Line(t.say("Shown"), t.say(msgid), "info")


async def _removed(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Removed"), t.say("A card was taken away."))


async def _edited(t: Teller, facts: dict[str, Json]) -> Line:
    field, source = t.field(facts["field"]), str(facts["source"])
    if facts.get("set_aside"):
        text = t.say("{field} came twice as one edit, with two values. This one is set aside.", field=field)
        return Line(t.say("Edit"), f"{text} {source}", "warning", str(facts["decision"]))
    if facts["conflict"] in ("opened", "open"):
        text = t.say("{field} was changed by two who had not seen each other; both values are kept.", field=field)
        return Line(t.say("Conflict"), f"{text} {source}", "warning", str(facts["decision"]))
    if facts.get("proposed"):
        text = t.say("A value of {field} of {customer} is proposed.", field=field, customer=await t.title(facts))
        return Line(t.say("Proposed"), f"{text} {source}", "info", str(facts["decision"]))
    if facts.get("lost"):
        return _overruled(t, facts)
    text = t.say("{field} of {customer} has a new value.", field=field, customer=await t.title(facts))
    return Line(t.say("Edit"), f"{text} {source} {_reason(t, facts)}".strip(), "info", str(facts["decision"]))


def _overruled(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("{field}: what was chosen is kept, and another value stands.", field=t.field(facts["field"]))
    return Line(t.say("Edit"), f"{text} {facts['source']} {_reason(t, facts)}", "warning", str(facts["decision"]))


def _for_another(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("Kept as a proposal: another role has to decide this field.")
    return Line(t.say("Proposed"), text, "info", str(facts["decision"]))


REASONS = {
    "causal": N_("The editor had seen the value before."),
    "agree": N_("Everybody means the same value."),
    "three_way": N_("Only one side had changed it."),
    "authority": N_("The source in authority wins."),
    "master": N_("The CRM's own value wins."),
    "last_writer": N_("The last writer wins, as this field's policy says."),
    "merged": N_("Both were merged."),
    "review": N_("A person decides."),
    "empty": N_("There is no value."),
}


def _reason(t: Teller, facts: dict[str, Json]) -> str:
    return t.say(REASONS.get(str(facts.get("reason", "")), ""))


async def _settled(t: Teller, facts: dict[str, Json]) -> Line:
    if facts["conflict"] in ("open", "opened"):
        text = t.say("There is a newer value of {field} that the card did not show.", field=t.field(facts["field"]))
        return Line(t.say("Conflict"), text, "warning", str(facts["decision"]))
    if facts.get("proposed"):
        return _for_another(t, facts)
    if facts.get("lost"):
        return _overruled(t, facts)
    text = t.say("{field} is decided, by a person who saw every side.", field=t.field(facts["field"]))
    return Line(t.say("Settled"), text, "info", str(facts["decision"]))


async def _undone(t: Teller, facts: dict[str, Json]) -> Line:
    if facts["conflict"] in ("open", "opened"):
        text = t.say("Two values for {field}, and nobody has decided yet.", field=t.field(facts["field"]))
        return Line(t.say("Undone"), text, "warning", str(facts["decision"]))
    if facts.get("proposed"):
        return _for_another(t, facts)
    if facts.get("lost"):
        return _overruled(t, facts)
    text = t.say("{field} has the value from before again.", field=t.field(facts["field"]))
    return Line(t.say("Undone"), text, "info", str(facts["decision"]))


async def _observed(t: Teller, facts: dict[str, Json]) -> Line:
    fields = facts["fields"]
    names = [t.field(each) for each in fields] if isinstance(fields, list) else []
    text = t.say("{customer} changed there: {fields}.", customer=await t.title(facts), fields=names)
    return Line(t.say("In the CRM"), text, "info")


_LIVES = {
    "live": N_("{customer} was restored there."),
    "deleted": N_("{customer} was deleted there: it can be read, and not edited."),
    "merged_into": N_("{customer} was merged into another there: it can be read, and not edited."),
}


async def _life(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say(_LIVES[str(facts["value"])], customer=await t.title(facts))
    return Line(t.say("In the CRM"), text, "info" if facts["value"] == "live" else "warning")


async def _proposed(t: Teller, facts: dict[str, Json]) -> Line:
    fields = facts["fields"]
    names = [t.field(each) for each in fields] if isinstance(fields, list) else []
    text = t.say(
        "What was merged into {customer} differs in {fields}: each is a proposal.",
        customer=await t.title(facts),
        fields=names,
    )
    return Line(t.say("In the CRM"), text, "info")


async def _wrote(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say(
        "{field} is in the CRM now, as version {version}.", field=t.field(facts["field"]), version=facts["version"]
    )
    return Line(t.say("In the CRM"), text, "info", str(facts["decision"]))


async def _moved(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("The record had moved there: nothing was overwritten, it was read and decided again.")
    return Line(t.say("In the CRM"), text, "warning")


async def _unseen(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("Somebody had changed it there just before. What they wrote is kept as an edit and decided.")
    return Line(t.say("In the CRM"), text, "warning")


async def _gap(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("Edits of {source} waited for numbers before them that never came.", source=facts["source"])
    return Line(t.say("Source"), text, "warning")


async def _waits(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("In the CRM"), t.say("Saved here, not yet in the CRM: it does not answer."), "warning")


async def _crm_refused(t: Teller, facts: dict[str, Json]) -> Line:
    if facts.get("unsure"):
        msgid = N_("Whether the CRM took {field} is not known: look there. The value is kept here.")
        return Line(t.say("In the CRM"), t.say(msgid, field=t.field(facts["field"])), "danger")
    text = t.say("The CRM refused {field}. The value is kept here.", field=t.field(facts["field"]))
    return Line(t.say("In the CRM"), text, "danger")


_RULES = {
    "risk_high": N_("A risk of {customer} turned high."),
    "conflict_open": N_("A conflict of {customer} is still open."),
    "set_back": N_("A source was set back."),
}


async def _alert(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say(_RULES.get(str(facts["rule"]), "An alert about {customer}."), customer=await t.title(facts))
    return Line(t.say("Alert"), text, "danger", str(facts.get("decision") or ""))


async def _acknowledged(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Alert"), t.say("{name} acknowledged it.", name=t.person(facts)), "info")


async def _snoozed(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Alert"), t.say("{name} snoozed it.", name=t.person(facts)))


async def _woke(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Alert"), t.say("The snooze is over: it is open again."), "warning")


async def _joined(t: Teller, facts: dict[str, Json]) -> Line:
    if facts["kind"] in ("guest", "outsider"):
        return Line(
            t.say("Joined"), t.say("Somebody from outside joined: every card here is looked at again."), "warning"
        )
    return Line(t.say("Joined"), t.say("Somebody joined: every card here is looked at again."))


async def _left(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Left"), t.say("Somebody left. What is posted does not widen by itself."))


async def _showed_me(t: Teller, facts: dict[str, Json]) -> Line:
    text = t.say("{name} was shown {customer}, alone.", name=t.person(facts), customer=await t.title(facts))
    return Line(t.say("Show me"), text)


_ACTIONS = {
    "edit": N_("Edit"),
    "show_me": N_("Show me"),
    "list": N_("Show the list"),
    "pick": N_("This one"),
    "mean": N_("Show the card here"),
    "none": N_("Not a customer"),
    "wrong": N_("Not this customer"),
    "settle": N_("Use this"),
    "decide": N_("Decide"),
    "undo": N_("Undo"),
    "acknowledge": N_("Acknowledge"),
    "snooze": N_("Snooze"),
    "answer": N_("Answer"),
}


async def _pressed(t: Teller, facts: dict[str, Json]) -> Line:
    action = str(facts["action"])
    return Line(t.say("Pressed"), t.say(_ACTIONS.get(action, action)))


async def _link_code(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Link"), t.say("A one-time code was given, to its asker alone."))


async def _refused(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Refused"), t.say("That was not possible, and the one who pressed was told why."), "warning")


async def _linked(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Linked"), t.say("An account belongs to {name} now.", name=t.person(facts)), "info")


async def _consented(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Linked"), t.say("{name} says that the account is theirs.", name=t.person(facts)), "info")


async def _unlinked(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(
        t.say("Unlinked"), t.say("{name} says that the account is not theirs.", name=t.person(facts)), "warning"
    )


async def _message_deleted(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Removed"), t.say("The message is gone, and its card with it."))


async def _command(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Command"), f"/{facts['command']}")


async def _unheard(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Not shown"), t.say("This network cannot show that to one person alone."), "warning")


async def _not_taken(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Not shown"), t.say("The network refused the card; it is not in the room."), "warning")


async def _broke(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Broken"), t.say("Something broke, reference {turn}.", turn=facts["reference"]), "danger")


async def _hushed(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Quiet"), t.say("No cards here for a while."))


async def _shed(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Silent"), t.say("Too much was waiting just then: this message brought no card."), "warning")


async def _unreachable(t: Teller, facts: dict[str, Json]) -> Line:
    return Line(t.say("Alert"), t.say("{name} has no direct room I could write to.", name=t.person(facts)), "warning")


STAGES = {"minimal": N_("minimal"), "standard": N_("standard"), "full": N_("full")}


async def _staged(t: Teller, facts: dict[str, Json]) -> Line:
    left = facts.get("left")
    fields = join(t.locale, [t.field(name) for name in left]) if isinstance(left, list) else ""
    stage = t.say(STAGES.get(str(facts["stage"]), str(facts["stage"])))
    msgid = N_("Cards in rooms of this kind are at the stage {stage}; it leaves out: {fields}.")
    text = t.say(msgid, stage=stage, fields=fields)
    return Line(t.say("Short"), text, "info")


_STEPS: dict[str, Teach] = {
    **MENTIONED,
    "pressed": _pressed,
    "link_code": _link_code,
    "heard_by": _heard_by,
    "withheld": _withheld,
    "shown": _shown,
    "removed": _removed,
    "edited": _edited,
    "settled": _settled,
    "undone": _undone,
    "observed": _observed,
    "life": _life,
    "inherited": _proposed,
    "wrote": _wrote,
    "moved": _moved,
    "overwrote_unseen": _unseen,
    "gap": _gap,
    "waits": _waits,
    "crm_refused": _crm_refused,
    "alert": _alert,
    "acknowledged": _acknowledged,
    "snoozed": _snoozed,
    "woke": _woke,
    "joined": _joined,
    "left": _left,
    "showed_me": _showed_me,
    "refused": _refused,
    "linked": _linked,
    "consented": _consented,
    "unlinked": _unlinked,
    "message_deleted": _message_deleted,
    "command": _command,
    "unheard": _unheard,
    "not_taken": _not_taken,
    "broke": _broke,
    "hushed": _hushed,
    "shed": _shed,
    "unreachable": _unreachable,
    "staged": _staged,
    "ruled": _ruled,
}
