"""Mixed traffic on a real Synapse: people who write, rewrite, take back, join, leave, edit and disagree at random; and
after each round, when it is quiet, what must be so.

Every mention floats a card of its own here (no cool-down, no budget), so that what should stand is known exactly.
Of the messages that name somebody the oldest are taken back, so that what the gateway has to keep does not grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import nio  # type: ignore[import-untyped]
from sqlalchemy import text as sql_text

from channels.matrix.cards import KEY
from channels.model import Place
from crm.model import RecordRef
from tests.channels.matrix.apart import Apart, apart
from tests.channels.matrix.house import is_in, links_in
from tests.channels.matrix.server import Json, Seat, Synapse, number, seated, until
from tests.gateway.http.visiting import Browser

NAMES = {"floatcard": "Floatcard", "liting": "李婷", "chenwei": "陈伟", "wangmin": "王敏", "eve": "Eve"}
CUSTOMERS = {
    "hx-medical": "华星医疗",
    "yunqi-textile": "云栖纺织",
    "northlake": "Northlake Instruments",
    "harbour-loom": "Harbour & Loom Ltd",
    "qinglan-finance": "青岚融资租赁",
    "lumen-orchard": "Lumen Orchard",
    "chenxi-bio": "晨溪生物",
}
WORDLESS = ("下午三点开会", "see you at lunch", "好的", "the lift is broken again")
QUIET_S = 900.0
"""Within which everything must have come to rest, on whatever machine."""
AGAIN_S = 60.0
"""After so long without rest what a client knows is read anew."""
STANDING = 60
"""Messages of a room that name somebody, before the oldest is taken back."""
SAMPLE = 100
"""Old events of which each version is asked for after a round; of the new ones it always is."""
LINK_S = 20.0
DOES = {
    "say": 30,
    "say_nothing": 6,
    "in_thread": 8,
    "rewrite": 14,
    "take_back": 6,
    "typed_edit": 12,
    "form": 6,
    "natively": 6,
    "settle": 8,
    "undo": 4,
    "show_me": 4,
    "why": 4,
}


def ref(customer: str) -> str:
    return f"local:account:{customer}"


def presses_alike(content: Json, action: str) -> bool:
    """Of two alike the number says which."""
    return [each["action"] for each in content[KEY]["presses"]].count(action) > 1


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@dataclass(slots=True)
class Room:
    id: str
    said: dict[str, tuple[str, str, frozenset[str]]] = field(default_factory=dict)
    """By message: who, in which thread, and whom it names by now."""


@dataclass
class Traffic:
    house: Apart
    seats: dict[str, Seat]
    rooms: dict[str, Room]
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)
    phones: dict[str, list[str]] = field(default_factory=dict)
    """Every number anybody gave a customer here."""
    direct: dict[str, str] = field(default_factory=dict)
    eve_in: bool = False
    looked: set[str] = field(default_factory=set)
    """Events whose versions the stranger has asked for."""

    # what people do ---------------------------------------------------------------------------------------------

    async def round(self, seconds: float) -> None:
        """Three people at once and a stranger who comes and goes."""
        end = time.monotonic() + seconds
        people = ("liting", "chenwei", "wangmin")
        await asyncio.gather(*(self._person(name, end) for name in people), self._stranger(end))

    async def _person(self, name: str, end: float) -> None:
        rng = random.Random(self.rng.random())
        while time.monotonic() < end:
            what = rng.choices(list(DOES), list(DOES.values()))[0]
            room = self.rooms[rng.choice(list(self.rooms))]
            if await getattr(self, f"_{what}")(name, room, rng):
                self.done[what] += 1
            await asyncio.sleep(rng.uniform(0.2, 1.5))

    async def _stranger(self, end: float) -> None:
        rng = random.Random(self.rng.random())
        eve, li, west = self.seats["eve"], self.seats["liting"], self.rooms["West"].id
        while time.monotonic() < end:
            await asyncio.sleep(min(rng.uniform(4, 12), max(end - time.monotonic(), 0.1)))
            if self.eve_in:
                await eve.client.room_leave(west)
            else:
                await li.client.room_invite(west, eve.id)
                await eve.client.join(west)
            self.eve_in = not self.eve_in
            self.done["leave" if not self.eve_in else "join"] += 1

    async def _say(self, name: str, room: Room, rng: random.Random) -> bool:
        named = frozenset(rng.sample(list(CUSTOMERS), rng.choice((1, 1, 1, 2))))
        id_ = await self.seats[name].say(room.id, _sentence(named, rng))
        room.said[id_] = (name, "", named)
        await self._tidy(name, room)
        return True

    async def _tidy(self, name: str, room: Room) -> None:
        while len(room.said) > STANDING:
            roots = {thread for _, thread, _ in room.said.values()}
            own = [id_ for id_, (who, _, _) in room.said.items() if who == name and id_ not in roots]
            if not own:
                return
            await self._redact(name, room, own[0])

    async def _redact(self, name: str, room: Room, id_: str) -> None:
        told = await self.seats[name].client.room_redact(room.id, id_)
        assert isinstance(told, nio.RoomRedactResponse), told
        del room.said[id_]
        self.done["take_back"] += 1

    async def _say_nothing(self, name: str, room: Room, rng: random.Random) -> bool:
        id_ = await self.seats[name].say(room.id, rng.choice(WORDLESS))
        room.said[id_] = (name, "", frozenset())
        return True

    async def _in_thread(self, name: str, room: Room, rng: random.Random) -> bool:
        roots = [id_ for id_, (_, thread, _) in room.said.items() if not thread]
        if not roots:
            return False
        root, named = rng.choice(roots), frozenset(rng.sample(list(CUSTOMERS), 1))
        thread = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
        relates = {**thread, "m.in_reply_to": {"event_id": root}}
        id_ = await self.seats[name].say(room.id, _sentence(named, rng), **{"m.relates_to": relates})
        room.said[id_] = (name, root, named)
        await self._tidy(name, room)
        return True

    def _mine(self, name: str, room: Room, rng: random.Random) -> str:
        own = [id_ for id_, (who, _, _) in room.said.items() if who == name]
        return rng.choice(own[-12:]) if own else ""

    async def _rewrite(self, name: str, room: Room, rng: random.Random) -> bool:
        id_ = self._mine(name, room, rng)
        if not id_:
            return False
        named = frozenset(rng.sample(list(CUSTOMERS), rng.choice((0, 1, 1, 2))))
        await self.seats[name].rewrite(room.id, id_, _sentence(named, rng) if named else rng.choice(WORDLESS))
        room.said[id_] = (*room.said[id_][:2], named)
        return True

    async def _take_back(self, name: str, room: Room, rng: random.Random) -> bool:
        id_ = self._mine(name, room, rng)
        if id_ and not any(thread == id_ for _, thread, _ in room.said.values()):
            await self._redact(name, room, id_)
        return False  # it is counted there

    # what they do to a card -------------------------------------------------------------------------------------

    async def _one(self, name: str, room: Room, rng: random.Random, action: str) -> tuple[str, Json, str] | None:
        """A card about one customer, with such a button on it."""
        cards = await self.seats[name].cards(room.id)
        found = []
        for id_, content in cards.items():
            named = [each for each, title in CUSTOMERS.items() if title in content["body"]]
            presses = [each["action"] for each in content.get(KEY, {}).get("presses", ())]
            if len(named) == 1 and action in presses:
                found.append((id_, content, named[0]))
        return rng.choice(found[-8:]) if found else None

    def _phone(self, customer: str) -> str:
        n = sum(map(len, self.phones.values())) + 1
        number_ = f"+86 512 7{n // 1000:03d} {n % 1000:04d}"
        self.phones.setdefault(customer, []).append(number_)
        return number_

    async def _typed_edit(self, name: str, room: Room, rng: random.Random) -> bool:
        found = await self._one(name, room, rng, "edit")
        if found is not None:
            await self.seats[name].reply(room.id, found[0], f"edit phone {self._phone(found[2])}")
        return found is not None

    async def _form(self, name: str, room: Room, rng: random.Random) -> bool:
        """The page with the form; every other time somebody changes the value in the CRM meanwhile."""
        seat, found = self.seats[name], await self._one(name, room, rng, "edit")
        if found is None:
            return False
        alone = await self._alone(name)
        before = await links_in(seat, alone) if alone else []
        await seat.reply(room.id, found[0], "edit")

        async def fresh() -> str | None:
            there = await self._alone(name)
            links = await links_in(seat, there) if there else []
            return links[-1] if links[len(before) :] else None

        try:
            link = await until("a link to the form", fresh, LINK_S)
        except AssertionError:  # the card went, or a stranger came: then nothing is edited there
            self.done["form refused"] += 1
            return False
        browser = Browser(self.house.url)
        try:
            await browser.open(link)
            if browser.status != 200 or 'class="fields"' not in browser.page:
                return False  # the stranger came: nothing may be edited there by now
            form = browser.fields()
            if "v.phone" not in form:
                return False
            if rng.random() < 0.5:
                await self._set(found[2])
                self.done["meanwhile"] += 1
            await browser.send(link, {**form, "v.phone": self._phone(found[2])})
            assert browser.status < 500, browser.page
        finally:
            await browser.session.close()
        return True

    async def _alone(self, name: str) -> str:
        """The room of two, once it was accepted."""
        if name not in self.direct:
            seat = self.seats[name]
            told = await seat.client.sync(timeout=0, full_state=True)
            assert isinstance(told, nio.SyncResponse), told
            rooms = [id_ for id_ in told.rooms.invite if id_ not in {room.id for room in self.rooms.values()}]
            if not rooms:
                return ""
            await seat.client.join(rooms[0])
            self.direct[name] = rooms[0]
        return self.direct[name]

    async def _natively(self, name: str, room: Room, rng: random.Random) -> bool:
        await self._set(rng.choice(list(CUSTOMERS)))
        return True

    async def _set(self, customer: str) -> None:
        await self.house.crm.set_native(RecordRef.parse(ref(customer)), "phone", self._phone(customer), "wang.min")

    async def _settle(self, name: str, room: Room, rng: random.Random) -> bool:
        return await self._press(name, room, rng, "settle", rng.randrange(2))

    async def _undo(self, name: str, room: Room, rng: random.Random) -> bool:
        return await self._press(name, room, rng, "undo")

    async def _show_me(self, name: str, room: Room, rng: random.Random) -> bool:
        return await self._press(name, room, rng, "show_me")

    async def _press(self, name: str, room: Room, rng: random.Random, action: str, index: int = 0) -> bool:
        cards = await self.seats[name].cards(room.id)
        found = []
        for id_, content in cards.items():
            presses = [each["action"] for each in content.get(KEY, {}).get("presses", ())]
            if presses.count(action) > index:
                found.append((id_, content))
        if not found:
            return False
        id_, content = rng.choice(found[-8:])
        said = number(content, action, index) if presses_alike(content, action) else action.replace("_", " ")
        await self.seats[name].reply(room.id, id_, said)
        return True

    async def _why(self, name: str, room: Room, rng: random.Random) -> bool:
        cards = list(await self.seats[name].cards(room.id))
        if cards:
            await self.seats[name].reply(room.id, rng.choice(cards[-8:]), rng.choice(("why", "help")))
        return bool(cards)

    # what must be so --------------------------------------------------------------------------------------------

    async def at_rest(self) -> float:
        """Seconds until nothing of `faults` is left; then what the stranger may read is looked at."""
        began = anew = time.monotonic()
        while found := await self.faults():
            now = time.monotonic()
            if now - began > QUIET_S:
                raise AssertionError("\n".join([*found[:20], *await self._history()]))
            if now - anew > AGAIN_S:
                self.seats["liting"].seen.clear()
                anew = now
            await asyncio.sleep(1.0)
        rest = time.monotonic() - began
        if self.eve_in:
            assert not (leaks := await self._leaks()), leaks
        return rest

    async def _history(self) -> list[str]:
        """What the gateway decided last, for whoever looks for the fault."""
        query = sql_text("SELECT * FROM trail ORDER BY at DESC LIMIT 80")
        rows = await self.house.store.read(lambda connection: connection.execute(query).all())
        return [str(tuple(row)) for row in rows]

    async def faults(self) -> list[str]:
        found = [f"{n} jobs wait" for n in [await self.rows("job")] if n]
        for room in self.rooms.values():
            found += await self._cards(room)
        return found + await self._values()

    async def _cards(self, room: Room) -> list[str]:
        """Each message that names somebody has one card, with those customers on it; and nothing else stands there."""
        shown = await self.seats["liting"].cards(room.id)
        slots = [each for each in await self.house.slots.in_room(Place("matrix", room.id).room_key) if each.message]
        here = {each.message.id: each for each in slots if each.message and each.message.place.room == room.id}
        found = [f"{id_} stands there and is in no slot: {shown[id_]['body'][:60]!r}" for id_ in shown.keys() - here]
        found += [f"slot {here[id_].slot} is not there" for id_ in here.keys() - shown.keys()]
        floated = {each.slot.subject: each for each in here.values() if each.slot.purpose == "card"}
        floated.pop("hello", None)
        for message, (_, thread, named) in room.said.items():
            card = floated.pop(message, None)
            on = frozenset(_customers(card.state.get("refs"))) if card is not None else frozenset()
            if on != named:
                found.append(f"{message} names {sorted(named)}, its card shows {sorted(on)}")
            elif card is not None and card.slot.place.thread != thread:
                found.append(f"the card of {message} stands in the thread {card.slot.place.thread!r}")
            elif card is not None and card.message is not None and card.message.id in shown:
                found += await self._stale(shown[card.message.id]["body"], named)
        return found + [f"a card for {message}, which names nobody any more" for message in floated]

    async def _stale(self, body: str, named: frozenset[str]) -> list[str]:
        now = {each: bare(str(await self._value(each))) for each in named}
        old = {bare(each) for one in named for each in self.phones.get(one, ())} - set(now.values())
        return [f"a card of {sorted(named)} shows {each}" for each in old if each in bare(body)]

    async def _value(self, customer: str) -> object:
        state = await self.house.ledger.state(ref(customer), "phone")
        return state.value if state is not None else ""

    async def _values(self) -> list[str]:
        """What was decided is what the CRM has, unless somebody has yet to decide."""
        found, crm = list[str](), self.house.crm
        for customer in self.phones:
            state = await self.house.ledger.state(ref(customer), "phone")
            there = (await crm.get(RecordRef.parse(ref(customer)))).fields["phone"].value
            if state is not None and not state.conflict and bare(str(state.value)) != bare(str(there)):
                found.append(f"{customer}: decided {state.value}, in the CRM {there}")
        return found

    async def _leaks(self) -> list[str]:
        """Whatever the stranger can get of the room, and of each version of what is new and of some that is old."""
        eve, west = self.seats["eve"], self.rooms["West"].id
        told = [each for each in await eve.events(west) if each["sender"] == "@floatcard:localhost"]
        new = [each for each in told if each["event_id"] not in self.looked]
        old = [each for each in told if each["event_id"] in self.looked]
        self.looked |= {each["event_id"] for each in new}
        asked = [*new, *self.rng.sample(old, min(SAMPLE, len(old)))]
        ours = [bare(each) for each in (*map(str, told), *await eve.versions(west, asked))]
        secret = {bare(each) for given in self.phones.values() for each in given} | {"竞品", "星湖街", "采购流程"}
        return [f"a stranger can read {each}" for each in secret if any(each in line for line in ours)]

    async def rows(self, table: str, where: str = "1 = 1") -> int:
        return await self.house.one(f"SELECT count(*) FROM {table} WHERE {where}")


def _sentence(named: frozenset[str], rng: random.Random) -> str:
    names = [CUSTOMERS[each] for each in sorted(named)]
    return rng.choice(("Tomorrow I see {}", "{} called about the offer", "谁去拜访 {} ？")).format(" and ".join(names))


def _customers(refs: object) -> list[str]:
    return [str(each).rpartition(":")[2] for each in refs] if isinstance(refs, list) else []


@contextlib.asynccontextmanager
async def begun(folder: Path, server: Synapse, seed: int) -> AsyncIterator[Traffic]:
    """Two rooms with everybody who works there, and the stranger outside."""
    async with contextlib.AsyncExitStack() as stack:
        seats = {name: await stack.enter_async_context(seated(server, name)) for name in NAMES}
        bot = seats["floatcard"]
        linked = ("liting", "chenwei", "wangmin")
        house = await stack.enter_async_context(apart(folder, server.url, bot.client.access_token, linked))
        rooms = {}
        for name in ("East", "West"):
            staff = [seats[each].id for each in linked[1:]]
            made = await seats["liting"].client.room_create(name=name, invite=[bot.id, *staff])
            assert isinstance(made, nio.RoomCreateResponse), made
            for each in linked[1:]:
                await seats[each].client.join(made.room_id)
            await until("the bot in the room", _there(seats["liting"], made.room_id, bot.id))
            rooms[name] = Room(made.room_id)
        yield Traffic(house, seats, rooms, random.Random(seed))


def _there(seat: Seat, room: str, who: str) -> Callable[[], Awaitable[bool]]:
    return lambda: is_in(seat, room, who)
