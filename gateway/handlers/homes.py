"""The page the bot has for one person: their customers, their open items, their alerts, and a way to be known."""

from __future__ import annotations

from collections.abc import Sequence

from cards.facts import AlertView, CustomerView, HomeView, OpenItemView, TaskView
from cards.words import N_, say
from channels.model import Opened, Sender, ShowCard
from gateway.handlers import alerts, view
from gateway.handlers.buttons import Press
from gateway.handlers.hearing import Heard, heard
from gateway.services import Services
from gateway.turn import Outcome, Show, Slot, Turn
from identity.audience import audience_hash, direct
from identity.codes import expires as code_ends
from identity.model import Person
from identity.steps import code_hash, new_code

CUSTOMERS, TASKS, ALERTS, LOOKED = 15, 10, 10, 200


async def opened(s: Services, turn: Turn) -> Outcome:
    event = turn.event
    assert isinstance(event, Opened)
    slot = Slot(event.where, "card", "home")
    return Outcome(acts=(await page(s, slot, event.who, turn.person, turn.locale),))


async def page(s: Services, slot: Slot, who: Sender, person: Person | None, locale: str = "") -> Show:
    """As this person may see it now; for who is not known, how to become known."""
    locale = locale or (person.locale if person is not None else "") or s.config.locale
    if person is None:
        return _stranger(s, slot, who, locale)
    mine, now = direct(person, who), s.clock.now()
    owners = [link.key for link in s.people.links(person.id) if link.kind == "crm"]
    refs = await s.mirror.owned(owners, CUSTOMERS) if owners else []
    seen = [each for each in [await heard(s, ref, mine) for ref in refs] if each is not None]
    waiting = await _alerts(s, person, who, locale)
    button = s.buttons.make(locale, N_("Link my account"), "code")
    rows = tuple(_row(s, each, locale) for each in seen)
    home = HomeView(rows, _tasks(seen), tuple(each for _, each in waiting), (button,))
    card = s.deck.draw("home", locale=locale, zone=person.zone or s.config.zone, now=now, home=home)
    keys = tuple(dict.fromkeys([*(each.record.ref.key for each in seen), *(ref for ref, _ in waiting if ref)]))
    ends = [each.disclosed.valid_until for each in seen if each.disclosed.valid_until is not None]
    state = {"kind": "home", "who": who.id.key, "locale": locale}
    told = tuple(name for each in seen for name in view.tells(each.record, s.config.fields))
    return Show(slot, card, keys, audience_hash(mine), min(ends, default=None), {**state}, told)


def _stranger(s: Services, slot: Slot, who: Sender, locale: str) -> Show:
    text = say(locale, "I don't know who you are yet. Type /link where you are known, and enter the code here.")
    facts = {"title": "", "text": text, "tone": "info", "buttons": ()}
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=s.clock.now(), **facts)
    return Show(slot, card, (), state={"kind": "home", "who": who.id.key, "locale": locale})


def _row(s: Services, each: Heard, locale: str) -> CustomerView:
    button = s.buttons.make(locale, N_("Show me"), "show_me", r=each.record.ref.key)
    return view.customer(each.record, s.config.fields, locale=locale, now=s.clock.now(), buttons=(button,))


def _tasks(seen: Sequence[Heard]) -> tuple[TaskView, ...]:
    """What is not done, the earliest due first."""
    items = [(each.record.title, item) for each in seen for item in each.record.related.get("open_item", ())]
    undone = [(title, item) for title, item in items if not item.done]
    undone.sort(key=lambda task: (task[1].due is None, task[1].due or 0))
    return tuple(TaskView(title, OpenItemView(item.text, item.due)) for title, item in undone[:TASKS])


async def _alerts(s: Services, person: Person, who: Sender, locale: str) -> list[tuple[str, AlertView]]:
    """Those that wait for this person, the oldest first."""
    found: list[tuple[str, AlertView]] = []
    if "manager" not in person.roles:
        return found
    for alert in await s.alerts.waiting(LOOKED):
        if len(found) < ALERTS and await alerts.concerns(s, alert, person):
            told = await alerts.told(s, alert, person, locale, who.id.channel)
            found += [(alert.record, told[0])] if told is not None else []
    return found


async def code(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """A one-time code, as /link gives it: whoever types it elsewhere is this person there too."""
    made, ends, locale = new_code(), code_ends(turn.now), turn.locale or s.config.locale
    await s.people.keep_code(code_hash(made, s.keys.codes), turn.event.who.id.key, ends)
    turn.trail.note("link_code", turn.now)
    card = s.deck.draw("link", locale=locale, zone=s.config.zone, now=turn.now, code=made, expires=ends, url="")
    return Outcome(ShowCard(card))
