"""Alert cards in the managers' direct rooms: a risk turned high, a conflict nobody settled."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from functools import partial

from cards.facts import AlertView
from cards.tree import Button, Tone
from cards.words import N_, say
from channels.model import Directs, ImId, Place, Toast
from crm.model import Record
from gateway.bus.model import Job
from gateway.config.model import seconds
from gateway.errors import Refused
from gateway.handlers import view
from gateway.handlers.buttons import Press
from gateway.handlers.hearing import heard, owners
from gateway.metrics import ALERTS
from gateway.outgoing.model import Rank
from gateway.services import Services
from gateway.store.alerts import Alert
from gateway.store.console import ConsoleStore
from gateway.store.due import Due
from gateway.store.ledger import ConflictCase, Ingested
from gateway.store.sources import SourceStore
from gateway.turn import Outcome, Show, Slot, Trail, Turn
from identity.audience import audience_hash, carried, direct
from identity.model import Person
from reconcile.model import Json

SET_BACK = "set_back"
"""The rule of an alert about a source and no customer: its subject is `source|stream`."""


def alert_id(rule: str, record: str, subject: str) -> str:
    return hashlib.sha256(f"{rule}\x1f{record}\x1f{subject}".encode()).hexdigest()[:24]


async def risk_turned_high(s: Services, before: Record | None, after: Record, trail: Trail, key: str) -> None:
    """`key`: the customer's. Raised for each risk that was not high when the record was last read, and is now."""
    if not s.config.alerts.risk_high or before is None:
        return
    was = {item.id for item in before.related.get("risk", ()) if item.level == "high" and not item.done}
    for item in after.related.get("risk", ()):
        if item.level == "high" and not item.done and item.id not in was:
            named = item.id if key == after.ref.key else f"{after.ref.crm}/{item.id}"
            await raise_alert(s, "risk_high", key, f"{named}:{after.version}", "", trail)


async def conflict_waits(s: Services, ingested: Ingested) -> None:
    """Sets the reminder of a conflict that this edit opened."""
    if ingested.conflict == "opened" and ingested.conflict_id is not None:
        made = ingested.decision
        await remind(s, ingested.conflict_id, made.record, made.field, made.at)


async def remind(s: Services, conflict: str, record: str, field: str, opened: int) -> None:
    for reminder in _reminders(s, conflict, record, field, opened):
        await s.due.put(reminder)


async def remind_yet(s: Services, cases: Sequence[ConflictCase], since: int = 0) -> None:
    """For those whose reminder may never have been set: what is set stays, and what was due before `since` (ms), or was
    told, is not told again."""
    told = await s.alerts.known([_alert_of(each.id, each.record, each.field) for each in cases])
    left = [each for each in cases if _alert_of(each.id, each.record, each.field) not in told]
    await asyncio.gather(*(_remind_yet(s, each, since) for each in left))


async def _remind_yet(s: Services, case: ConflictCase, since: int) -> None:
    reminders = _reminders(s, case.id, case.record, case.field, case.opened_at)
    if not reminders or reminders[0].at < since:
        return
    both, asked = await s.due.add(reminders[0]), reminders[1]
    # where that was set, a crash may have come before the other was: unless somebody was asked since
    if asked.at >= since and (both or asked.at > s.clock.now() or not await _asked(s, case.id)):
        await s.due.add(asked)


async def _asked(s: Services, conflict: str) -> bool:
    """Whether it was ever somebody's: a person may have made it nobody's again."""
    _, at = await ConsoleStore(s.store).owner(conflict)
    return at > 0


def _reminders(s: Services, conflict: str, record: str, field: str, opened: int) -> Sequence[Due]:
    """The managers' first."""
    if (wait := s.config.alerts.conflict_open) is None:
        return ()
    about: dict[str, Json] = {"conflict": conflict, "record": record, "field": field}
    return (
        Due(f"conflict:{conflict}", "conflict", opened + seconds(wait) * 1000, about),
        Due(f"asked:{conflict}", "asked", opened + seconds(wait) * 500, about),
    )


def _alert_of(conflict: str, record: str, field: str) -> str:
    return alert_id("conflict_open", record, f"{conflict}|{field}")


async def remind_again(s: Services, record: str) -> None:
    """A record is back that was gone: what nobody could decide meanwhile waits from now on."""
    for state in (await s.ledger.states(record)).values():
        if state.conflict is not None:
            await remind(s, state.conflict, record, state.field, s.clock.now())


async def conflict_due(s: Services, item: Due, trail: Trail) -> None:
    conflict, record, field = (str(item.payload[name]) for name in ("conflict", "record", "field"))
    state, known = await s.ledger.state(record, field), await s.records.get(record)
    if known is not None and known.deleted:
        return  # nobody can decide it; they are reminded again when it is back
    if state is not None and state.conflict == conflict:
        case = await s.ledger.conflict(conflict)
        since = case.opened_at if case is not None else s.clock.now()
        await raise_alert(s, "conflict_open", record, f"{conflict}|{field}", state.decision, trail, since)


async def raise_alert(
    s: Services, rule: str, record: str, subject: str, trace: str, trail: Trail, since: int | None = None
) -> None:
    """Once for one subject, `since` when what it is about began. Shown by a job of its own, so that a network that is
    down only delays it."""
    began = s.clock.now() if since is None else since
    new = Alert(alert_id(rule, record, subject), rule, record, subject, began, trace=trace or trail.turn)
    if await s.alerts.raise_(new):
        ALERTS.labels(rule).inc()
        trail.note("alert", s.clock.now(), rule=rule, record=record, alert=new.id, decision=trace)
    again = rule in ("conflict_open", SET_BACK) and await s.alerts.move(new.id, "open", frm=("over",)) is not None
    # what had settled it was undone, or it was set back again: said once more
    await publish(s, new.id, once="" if again else f"alert:{new.id}")


async def publish(s: Services, alert: str, *, once: str = "") -> None:
    """Shows it as it is by then, to everyone it is for."""
    once = once or f"alert:{alert}:{secrets.token_hex(8)}"
    await s.bus.publish(Job("alert", f"alert:{alert}", once, alert.encode()), "here")


async def readers(s: Services, alert: Alert) -> tuple[Person, ...]:
    """Whom it is for; nobody when the record is gone."""
    if alert.rule == SET_BACK:
        return tuple(each for each in s.people.persons() if _answers_for_sources(each))
    record = await s.records.get(alert.record)
    return managers(s, record) if record is not None else ()


async def publish_to(s: Services, alert: str, reader: str, once: str) -> None:
    """A job of its own for each manager: one who cannot be reached just now holds no other back."""
    body = f"{alert}\n{reader}".encode()
    await s.bus.publish(Job("alert_to", f"alert:{alert}:{reader}", f"{once}:{reader}", body), "here")


def _answers_for_sources(person: Person) -> bool:
    return person.active and not person.roles.isdisjoint(("manager", "admin"))


async def concerns(s: Services, alert: Alert, person: Person) -> bool:
    if alert.rule == SET_BACK:
        return _answers_for_sources(person)
    record = await s.records.get(alert.record)
    return record is not None and person.id in {each.id for each in managers(s, record)}


def managers(s: Services, record: Record) -> tuple[Person, ...]:
    """Those of the owner's team; where the team has none, every manager."""
    active = [each for each in s.people.persons() if each.active and "manager" in each.roles]
    teams = {person.team for id_ in owners(s, record) if (person := s.people.person(id_)) is not None} | {record.team}
    near = [each for each in active if each.team and each.team in teams]
    return tuple(near or active)


async def direct_rooms(s: Services, person: Person) -> AsyncIterator[Place]:
    """Of each of their accounts that can be written to."""
    for link in s.people.links(person.id):
        if link.kind != "im":
            continue
        im = ImId.parse(link.key)
        channel = s.channels.get(im.channel)
        if isinstance(channel, Directs):
            with contextlib.suppress(Refused):
                yield await s.gate.run(im.channel, "direct", "", Rank.ALERT, partial(channel.direct, im))


async def draw(s: Services, slot: Slot, alert: Alert, manager: Person) -> Show | None:
    """As the one manager may see it; None when not even the customer's name may be shown."""
    locale = manager.locale or s.config.locale
    made = await told(s, alert, manager, locale, slot.place.channel)
    if made is None:
        return None
    facts, until = made
    zone = manager.zone or s.config.zone
    card = s.deck.draw("alert", locale=locale, zone=zone, now=s.clock.now(), alert=facts)
    refs = (alert.record,) if alert.record else ()
    state: dict[str, Json] = {"alert": alert.id, "person": manager.id, "refs": [*refs]}
    fields = ("name", *(["risk"] if alert.rule == "risk_high" else ())) if refs else ()
    return Show(slot, card, refs, audience_hash(direct(manager)), until, state, fields)


async def told(
    s: Services, alert: Alert, manager: Person, locale: str, channel: str = ""
) -> tuple[AlertView, int | None] | None:
    """What a card says of it, and until when that may be said; on that channel."""
    if alert.rule == SET_BACK:
        return _view(s, alert, source_of(alert), set_back(alert, locale), locale), None
    each = await heard(s, alert.record, carried(direct(manager), channel))
    if each is None:
        return None
    what = what_of(s, alert, each.record, locale)
    return _view(s, alert, each.record.title, what, locale), each.disclosed.valid_until


def source_of(alert: Alert) -> str:
    """The source with its stream, as it is configured."""
    source, _, stream = alert.subject.partition("|")
    return f"{source} · {stream}" if stream else source


def set_back(alert: Alert, locale: str) -> str:
    source = source_of(alert)
    if alert.state == "over":
        return say(locale, "{source} has a new epoch: what it says counts again.", source=source)
    return say(
        locale,
        "{source} was set back: it says what it had said before. That is set aside until an admin begins a new epoch.",
        source=source,
    )


def _view(s: Services, alert: Alert, title: str, what: str, locale: str) -> AlertView:
    tone: Tone = "danger" if alert.rule == "risk_high" else "warning"
    by = s.people.person(alert.by)
    return AlertView(
        rule=alert.rule,
        title=title,
        what=what,
        since=alert.since,
        tone=tone if alert.state in ("open", "snoozed") else "neutral",
        state=alert.state,
        by=by.name if by is not None else "",
        until=alert.until,
        buttons=_buttons(s, alert, locale),
        trace=alert.trace,
    )


def what_of(s: Services, alert: Alert, record: Record, locale: str) -> str:
    if alert.rule == "risk_high":
        wanted = alert.subject.rsplit(":", 1)[0]
        texts = [item.text for item in record.related.get("risk", ()) if item.id == wanted]
        if texts:
            return say(locale, "A risk turned high: {risk}", risk=texts[0])
        return say(locale, "A risk turned high.")
    if record.deleted:
        return say(locale, view.why_gone(record))
    field = alert.subject.rsplit("|", 1)[-1]
    label = view.label(s.config.fields.get(field), field, locale)
    if alert.state == "over":
        return say(locale, "The conflict about {field} is settled.", field=label)
    return say(locale, "Two values for {field}, and nobody has decided yet.", field=label)


def _buttons(s: Services, alert: Alert, locale: str) -> tuple[Button, ...]:
    if alert.state == "acknowledged" and alert.rule == "conflict_open":
        return (_decide(s, alert, locale),)
    if alert.state not in ("open", "snoozed"):
        return ()
    made = [s.buttons.make(locale, N_("Acknowledge"), "acknowledge", "primary", i=alert.id)]
    if alert.state == "open":
        made.append(s.buttons.make(locale, N_("Snooze"), "snooze", i=alert.id))
    if alert.rule == "conflict_open":
        made.append(_decide(s, alert, locale))
    elif alert.record:
        made.append(s.buttons.make(locale, N_("Show me"), "show_me", r=alert.record))
    return tuple(made)


def _decide(s: Services, alert: Alert, locale: str) -> Button:
    """The sides of the conflict the alert is about, for the manager alone."""
    return s.buttons.make(locale, N_("Decide"), "decide", r=alert.record, f=alert.subject.rsplit("|", 1)[-1])


async def acknowledge(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    alert = await _mine(s, person, press)
    moved = await s.alerts.move(alert.id, "acknowledged", by=person.id, frm=("open", "snoozed"))
    if moved is None:
        raise await _passed(s, alert)
    await s.due.cancel(f"alert:{alert.id}")
    await publish(s, alert.id)
    turn.trail.note("acknowledged", turn.now, alert=alert.id, person=person.id)
    return Outcome(_toast(s, turn, N_("Acknowledged.")))


async def snooze(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """When it comes back is written down before it is hushed: a crash between the two hushes nothing for ever."""
    alert = await _mine(s, person, press)
    if alert.state != "open":
        raise await _passed(s, alert)
    until = turn.now + seconds(s.config.alerts.snooze) * 1000
    await s.due.put(Due(f"alert:{alert.id}", "alert", until, {"alert": alert.id}))
    moved = await s.alerts.move(alert.id, "snoozed", by=person.id, until=until, frm=("open",))
    if moved is None:
        raise await _passed(s, alert)
    await publish(s, alert.id)
    turn.trail.note("snoozed", turn.now, alert=alert.id, person=person.id)
    return Outcome(_toast(s, turn, N_("Snoozed.")))


async def woke(s: Services, item: Due, trail: Trail) -> None:
    """A snooze is over: the alert is open again; unless nothing is left to be done."""
    alert = str(item.payload["alert"])
    known = await s.alerts.get(alert)
    if known is not None and known.rule == SET_BACK and not await _is_back(s, known):
        await s.alerts.move(alert, "over", by=known.by)
    elif await s.alerts.move(alert, "open", frm=("snoozed",)) is not None:
        trail.note("woke", s.clock.now(), alert=alert)
    await publish(s, alert)


async def _is_back(s: Services, alert: Alert) -> bool:
    source, _, stream = alert.subject.partition("|")
    linear = {source: (stream,)} if stream else {}
    rows = await SourceStore(s.store).rows(() if stream else (source,), linear)
    return any(row.state == "rewound" for row in rows)


async def settle_over(s: Services, record: str) -> None:
    """Alerts about conflicts that are settled meanwhile, or that nobody can settle as their record is gone, are over;
    the repaint of the record tells their cards."""
    known = await s.records.get(record)
    gone = known is not None and known.deleted
    for alert in await s.alerts.about(record):
        if alert.rule != "conflict_open" or alert.state == "over":
            continue
        conflict, _, field = alert.subject.rpartition("|")
        state = await s.ledger.state(record, field)
        if state is not None and state.conflict == conflict and not gone:
            continue
        await s.alerts.move(alert.id, "over", by=alert.by)


async def _mine(s: Services, person: Person, press: Press) -> Alert:
    alert = await s.alerts.get(press.text("i"))
    if alert is None:
        raise Refused("This alert is not there any more.")
    if not await concerns(s, alert, person):
        raise Refused("This alert is for the managers of this customer.")
    return alert


async def _passed(s: Services, alert: Alert) -> Refused:
    """What became of it meanwhile, in words."""
    now = await s.alerts.get(alert.id) or alert
    if now.state == "over":
        return Refused("This alert is over: there is nothing left to do.")
    if now.state == "snoozed":
        return Refused("This alert was snoozed already, by {who}.", who=_who(s, now))
    return Refused("This was acknowledged already, by {who}.", who=_who(s, now))


def _who(s: Services, alert: Alert) -> str:
    person = s.people.person(alert.by)
    return person.name if person is not None else "?"


def _toast(s: Services, turn: Turn, msgid: str) -> Toast:
    return Toast(say(turn.locale or s.config.locale, msgid), "info")
