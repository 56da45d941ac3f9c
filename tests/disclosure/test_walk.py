"""Every way out, walked with a value of its own planted in every field: nobody is told what they may not see.

What there is to walk is read from the code: each way a channel can be told something, each button, command, event and
address. A new one that nobody has said how to walk fails here.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import pytest

from cards.deck import Deck
from channels import model
from crm.model import RecordRef
from gateway.demo.desk import Panel
from gateway.handlers import commands, press
from gateway.handlers.homes import page
from gateway.metrics import exposition
from gateway.turn import Slot
from identity.access import AccessPolicy
from identity.model import Person, Sensitivity
from tests.disclosure.planted import (
    CHANGED,
    EXTRA,
    FIELDS,
    HIDING,
    MARK,
    TITLE,
    Plot,
    Watched,
    excess,
    permitted,
    plant,
    still_up,
)
from tests.gateway.fake_chat import Json, Message, buttons
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAMES, SUN, WANG, ZHAO, Live, opened
from tests.gateway.test_naming import TWIN
from tests.identity.rooms import SOAK

EVERYBODY = (LI, CHEN, WANG, ZHAO, SUN, GUEST, MARK)
OTHER = "云栖纺织"
GROUPS = ("deal", "east", "partner")

SAYS: dict[str, str] = {
    "Channel.send": "walked",
    "Edits.edit": "walked",
    "Whispers.whisper": "walked",
    "Forms.open": "walked",
    "Answers.answer": "walked",
    "Channel.receive": "the network's own request: what it is answered with is `Answers.answer`",
    "Channel.close": "tells nothing",
    "Deletes.delete": "takes away",
    "Members.members": "asks",
    "Directs.direct": "asks where",
    "Accounts.accounts": "asks",
    "Invites.invitation": "an address that says nothing of anybody",
    "Holds.hold": "a form that says `One moment`: tests/disclosure/test_alike.py draws it",
    "Listens.listen": "hears",
    "Put.__call__": "hears",
    "Pages.page": "an installation, before anything is known",
}
"""What a channel can be told, by its protocols."""

ELSEWHERE = {
    "Linked": "a link's preview: tests/disclosure/test_ways.py",
    "Opened": "the web chat has no home page; drawn here by hand",
    "Moved": "carries nothing outside",
    "answer": "a dialogue, where a network has no forms: tests/disclosure/test_ways.py",
    "code": "the button of a home page",
    "consent": "of a question about an account, which names no customer",
    "list": "the rows behind a room's line, as `/card` has them: tests/gateway/mentioning/test_silence.py",
    "POST forms": "the same card as the answer to `edit`, for who pressed: tests/gateway/test_door.py",
    "mean": "a suggestion's: the same card as `pick`",
    "map": "of a notice about an account, which names no customer",
    "acknowledge": "walked from an alert",
    "start": "of a network that writes to nobody uninvited",
}


# What there is -----------------------------------------------------------------------------------------------------


def abilities() -> set[str]:
    found = set()
    for name, each in inspect.getmembers(model, inspect.isclass):
        if each.__module__ == model.__name__ and Protocol in each.__mro__ and getattr(each, "_is_protocol", False):
            own = [one for one, value in vars(each).items() if inspect.isfunction(value) and not one.startswith("_")]
            own += ["__call__"] if "__call__" in vars(each) else []
            found |= {f"{name}.{one}" for one in own}
    return found


def test_every_way_a_channel_is_told_something_is_walked_or_tells_nothing() -> None:
    assert abilities() == set(SAYS)


def test_every_answer_to_a_press_is_one_of_these() -> None:
    assert {each.__name__ for each in get_args(model.Answer)} == {
        "Toast",
        "ShowCard",
        "OpenForm",
        "FieldErrors",
        "Nothing",
    }


# The walk ----------------------------------------------------------------------------------------------------------


class Walk:
    """Everybody does everything; each answer is judged by who gets it."""

    def __init__(self, live: Live, chat: Watched, plot: Plot) -> None:
        self.live, self.chat, self.plot = live, chat, plot
        self.did: set[str] = set()
        self.bad: list[str] = []
        self.answered = 0
        self.part = ""

    def judge(self, where: str, text: str, grades: set[Sensitivity]) -> None:
        self.answered += 1
        if found := excess(self.plot, text, grades):
            self.bad.append(f"{self.part}: {where} tells {sorted(f'{mark.part} ({mark.grade})' for mark in found)}")

    def sent(self) -> None:
        """Everything that went to the chat so far, by who could read it then; and what is up, by who can now."""
        said, self.chat.said = self.chat.said, []
        for each in said:
            self.did.add(each.path)
            self.judge(each.path, each.text, set(each.grades))

    async def settled(self) -> None:
        await self.live.settle()
        self.sent()
        for id_, card, grades in still_up(self.chat, self.live.s):
            self.judge(f"what is up as {id_}", card, grades)

    async def say(self, person: str, room: str, text: str) -> None:
        await self.live.say(person, room, text, addressed=text.startswith("/"))
        self.did.add(text.split()[0] if text.startswith("/") else "Said")
        await self.settled()

    async def press(self, person: str, card: Message, button: Json) -> Json:
        _, answer = await self.live.try_press(person, card.room, button, message=card.id, trigger=person)
        self.did.add(button["action"])
        self.judge(f"{person} presses {button['action']}", str(answer), permitted(self.live.s, [person], "direct"))
        return answer

    async def press_all(self, card: Message, actions: tuple[str, ...]) -> None:
        for action in actions:
            for button in buttons(card.card, action)[:2]:
                for person in EVERYBODY:
                    await self.press(person, card, button)
        await self.settled()


@asynccontextmanager
async def walking(folder: Path, name: Sensitivity, changed: Mapping[str, str] | None = None) -> AsyncIterator[Walk]:
    chat, plot = Watched(), Plot()
    NAMES.setdefault(MARK, "Mark")
    extra = EXTRA + (HIDING if name == "internal" else "")
    async with opened(folder, chat=chat, extra=extra, changed={**CHANGED, **(changed or {})}) as live:
        people = live.s.people
        await people.put(Person("p_mark", "Mark", frozenset({"marketing", "employee"}), "east"))
        await people.link("p_mark", "im", f"web/demo/user/{MARK}", step="admin", evidence="", made_by="t")
        await people.put(Person("p_audit", "Audit", frozenset({"auditor", "employee"})))
        await live.settle()
        chat.s = live.s
        chat.everywhere(live.s)
        await plant(live.crm, live.s, plot, name)
        await live.settle()
        yield Walk(live, chat, plot)


async def _mentioned(walk: Walk) -> None:
    for room in GROUPS:
        await walk.say(LI, room, f"{TITLE} 的合同")
    for person in (WANG, SUN):
        await walk.say(person, f"d_{person}", TITLE)


async def _pressed(walk: Walk) -> None:
    for room in GROUPS:
        for card in walk.live.cards(room):
            await walk.press_all(card, ("show_me", "edit", "undo", "decide"))


async def _commanded(walk: Walk) -> None:
    for command in sorted(commands._COMMANDS):
        rest = {"card": TITLE, "bind": TITLE, "quiet": "0s"}.get(command, "")
        for person in EVERYBODY if command in ("bind", "card", "why") else (LI, GUEST):
            for room in ("partner", f"d_{person}"):
                await walk.say(person, room, f"/{command} {rest}".strip())


async def _form(walk: Walk, person: str) -> Json | None:
    card = next(iter(walk.live.cards("deal")), None)
    if card is None:
        return None
    button = walk.live.s.buttons.make("en", "Edit", "edit", r=HERO)
    answer = await walk.press(person, card, {"action": button.action, "data": button.data})
    shown = answer.get("answer", {})
    found = [each for each in shown.get("card", {}).get("blocks", ()) if each["type"] == "form"]
    return found[0] if found else None


async def _edited(walk: Walk) -> None:
    """Two of ours against each other, and the CRM against both: in each class, open and settled and undone."""
    live, plot = walk.live, walk.plot
    for grade, name in FIELDS.items():
        one, two = await _form(walk, LI), await _form(walk, WANG)
        for person, form in ((LI, one), (WANG, two)):
            if form is not None and any(each["name"] == name for each in form["fields"]):
                _, answer = await live.try_submit(person, "deal", form, {name: plot.mark(name, grade)})
                walk.did.add("Submitted")
                walk.judge(f"{person} saves {name}", str(answer), permitted(live.s, [person], "direct"))
        await walk.settled()
        state = await live.s.ledger.state(HERO, name)
        for person in EVERYBODY:
            await walk.say(person, "deal", f"/why {state.decision if state else ''}")
        for card in (*live.cards("deal"), *live.chat.whispers("deal", WANG)):
            await walk.press_all(card, ("decide", "settle"))
        for card in live.cards("deal"):
            await walk.press_all(card, ("undo", "show_me"))


async def edited_by(walk: Walk) -> None:
    """What there is to ask about afterwards: cards, an edit of every class, a conflict, an alert."""
    await walk.say(LI, "deal", f"{TITLE} 的合同")
    await walk.say(LI, "partner", f"{TITLE} 的合同")
    for grade, name in FIELDS.items():
        await walk.live.natively(name, walk.plot.mark(name, grade))
    await walk.settled()
    await _waited(walk, press=False)


async def _waited(walk: Walk, press: bool = True) -> None:
    """An open conflict that nobody settles, a risk that turned high: owner, manager and admin hear of it alone."""
    live = walk.live
    one, two = await _form(walk, LI), await _form(walk, WANG)
    for person, form in ((LI, one), (WANG, two)):
        if form is not None:
            await live.try_submit(person, "deal", form, {"industry": walk.plot.mark("industry", "confidential")})
    found = await live.crm.get(RecordRef.parse(HERO))
    await live.crm.set_risk_level(found.ref, found.related["risk"][0].id, "low", "wang.min")
    await walk.settled()
    await live.crm.set_risk_level(found.ref, found.related["risk"][0].id, "high", "wang.min")
    for _ in range(4):
        live.clock.ahead(minutes=6)
        await walk.settled()
    for card in list(live.chat.messages.values()) if press else ():
        if not card.deleted:
            await walk.press_all(card, ("snooze", "acknowledge", "decide"))


async def _changed(walk: Walk) -> None:
    """A guest joins; a role goes; policies change: what is up follows, and nobody keeps what they may not see."""
    live = walk.live
    await live.join(GUEST, "deal")
    await walk.settled()
    li = live.s.people.person("p_liting")
    assert li is not None
    await live.s.people.put(replace(li, roles=frozenset({"employee"}), team=""))
    await walk.settled()
    await _pressed(walk)
    live.s.access.use(AccessPolicy.of({"none.cedar": NARROW}).ruling)
    await live.house.afresh.all()
    await walk.settled()
    await _pressed(walk)


NARROW = """permit (principal, action, resource)
when { resource.sensitivity == Sensitivity::"public" && principal.mapped };"""


async def _twins(walk: Walk) -> None:
    """Two of one name, and two in one message: the author is asked alone, the room has a row for each."""
    live = walk.live
    live.clock.ahead(minutes=45)
    await walk.say(LI, "deal", f"{TITLE}、{OTHER}")
    await walk.say(LI, "east", f"{TITLE}、{OTHER}")
    await live.crm.create(TITLE, "zhao.lei")
    await walk.settled()
    live.clock.ahead(minutes=45)
    for person, room in ((LI, "partner"), (WANG, "deal"), (SUN, "partner")):
        await walk.say(person, room, f"{TITLE} 怎么样")
    await walk.say(LI, "deal", TWIN)
    for card in [each for each in live.chat.messages.values() if not each.deleted]:
        await walk.press_all(card, ("pick", "none", "wrong"))


async def _homes(walk: Walk) -> None:
    s = walk.live.s
    for person in EVERYBODY:
        id_ = model.ImId.parse(f"web/demo/user/{person}")
        kind: Literal["guest", "member"] = "guest" if person == GUEST else "member"
        slot = Slot(model.Place("web", f"d_{person}"), "card", "home")
        show = await page(
            s, slot, model.Sender(id_, person, kind), s.people.linked("im", id_.key) if kind == "member" else None
        )
        walk.judge(f"the home of {person}", repr(show.card), permitted(s, [person], "direct"))


async def _told(walk: Walk) -> None:
    """The panel tells each what happened; the trail, and the metrics hold no value at all."""
    s = walk.live.s
    for n, person in enumerate(EVERYBODY):
        for locale in ("en", "zh-CN") if SOAK else (("en", "zh-CN")[n % 2],):
            lines = await Panel(s).since(0, locale, 5_000, person)
            text = "\n".join(f"{line.label} {line.text} {line.trace}" for line in lines)
            reader = "" if person == GUEST else person
            walk.judge(f"the panel of {person}", text, permitted(s, [reader], "direct") if reader else set())
    walk.judge("the trail", repr(await s.trail.latest(100_000)), set())
    walk.judge("the metrics", exposition().decode(), set())


PARTS = (_mentioned, _pressed, _commanded, _edited, _waited, _twins, _homes, _told, _changed, _told)

BRIEFLY = (_mentioned, _commanded, _homes, _told, _changed, _told)


@pytest.mark.parametrize("name", ["public", "internal"])
async def test_nothing_that_leaves_tells_more_than_its_readers_may_see(
    tmp_path: Path, name: Sensitivity, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    drawn: set[str] = set()
    draw = Deck.draw

    def noted(self: Deck, template: str, **facts: Any) -> Any:
        drawn.add(template)
        return draw(self, template, **facts)

    monkeypatch.setattr(Deck, "draw", noted)
    caplog.set_level("DEBUG", "floatcard")
    async with walking(tmp_path, name) as walk:
        for part in PARTS if name == "public" or SOAK else BRIEFLY:
            walk.part = part.__name__
            await part(walk)
        walk.judge("the log", "\n".join(each.getMessage() + repr(each.__dict__) for each in caplog.records), set())
        assert not walk.bad, chr(10).join(sorted(set(walk.bad))[:40])
        assert walk.answered > 200
        if name == "public":
            assert _missing(walk, drawn) == {}


def _missing(walk: Walk, drawn: set[str]) -> dict[str, set[str]]:
    """What there is and was not walked, nor is said above to be walked elsewhere."""
    templates = {
        path.name.partition(".")[0] for path in (Path(inspect.getfile(Deck)).parent / "templates").glob("*.xml.j2")
    }
    there = {
        "calls": {"POST messages", "PUT messages", "POST forms"},
        "buttons": set(press._HANDLERS),
        "commands": {f"/{each}" for each in commands._COMMANDS},
        "cards": templates - {"parts"},
    }
    did = walk.did | drawn | set(ELSEWHERE)
    return {kind: left for kind, names in there.items() if (left := names - did)}
