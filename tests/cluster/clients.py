"""People in their rooms: they write, they press, they save. What is not answered is sent again under the same id."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession

from gateway.chat.wire import signed
from tests.cluster.gateways import SECRET
from tests.cluster.network import Network
from tests.gateway.fake_chat import Message, buttons, form
from tests.gateway.house import CHEN, LI, NAMES, WANG

Json = dict[str, Any]
AGAIN_S = 0.15


@dataclass(frozen=True, slots=True)
class Note:
    """A message somebody is going to write."""

    room: str
    id: str
    customer: str


@dataclass
class Crowd:
    """What was done, and what was answered."""

    session: ClientSession
    url: str
    network: Network
    chance: random.Random
    said: list[Note] = field(default_factory=list)
    """Acknowledged messages, each room's in the order they were written."""
    saved: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By customer: (the event's id, the new address) of each acknowledged edit, in its order."""
    odd: list[str] = field(default_factory=list)
    """Answers that were not meant."""
    counted: Counter[str] = field(default_factory=Counter)
    gone: bool = False
    """Set when everybody should go home."""
    ids: itertools.count[int] = field(default_factory=itertools.count)
    """Of events: who writes by two gateways at once gives each a range of its own."""

    async def post(self, body: Json) -> Json:
        """Until it is answered with 200, as a network does."""
        raw = json.dumps(body).encode()
        while True:
            self.counted["requests"] += 1
            try:
                headers = {"Content-Type": "application/json", **signed(SECRET.encode(), "POST", "/in/web", raw)}
                async with self.session.post(f"{self.url}/in/web", data=raw, headers=headers) as response:
                    answer = await response.text()
                    if response.status == 200:
                        return dict(json.loads(answer))
                    self.counted[f"answered {response.status}"] += 1
            except (ClientError, OSError, TimeoutError):
                self.counted["cut"] += 1
            await asyncio.sleep(AGAIN_S * self.chance.uniform(0.5, 1.5))

    def event(self, kind: str, person: str, room: str, id_: str, **more: Any) -> Json:
        who = {"id": person, "name": NAMES[person], "kind": "member"}
        at = time.time_ns() // 1_000_000
        head = {"type": kind, "id": id_, "scope": "demo", "room": room, "thread": "", "at": at}
        return {**head, "who": who, "locale": "en", **more}

    async def talk(self, notes: Sequence[Note], pause: float = 0, ahead: float = float("inf")) -> None:
        """`ahead`: so many messages without a card, and they wait: a slow machine would only fall further behind."""
        for note in notes:
            if self.gone:
                return
            while len(self.said) > len(self.network.messages) + ahead and not self.gone:
                await asyncio.sleep(0.05)
            person = self.chance.choice((LI, CHEN))
            text = f"明天去{note.customer}谈续约"
            await self.post(self.event("message", person, note.room, f"e-{note.id}", message=note.id, text=text))
            self.said.append(note)
            await asyncio.sleep(self.chance.uniform(0, 2 * pause))

    async def edit(self, customers: Sequence[str], times: int, pause: float = 0) -> None:
        """Customers that nobody else edits, one after the other as their cards come."""
        for _ in range(times):
            card = await self._card(customers)
            if card is None:
                return
            await self._edit(*card)
            await asyncio.sleep(self.chance.uniform(0, 2 * pause))

    async def _card(self, customers: Sequence[str]) -> tuple[str, Message] | None:
        while not self.gone:
            there = [name for name in customers if self.network.by_name.get(name)]
            if there:
                name = self.chance.choice(there)
                return name, self.chance.choice(self.network.by_name[name])
            await asyncio.sleep(0.05)
        return None

    async def _edit(self, customer: str, card: Message) -> None:
        mine = self.saved.setdefault(customer, [])
        shown = await self._form(card, mine[-1][1] if mine else "")
        if shown is None:
            return
        email = f"c{len(mine)}.{self.chance.randrange(1 << 40):x}@example.com"
        id_, answer = await self.submit(card, shown, email)
        if taken(answer):
            mine.append((id_, email))
        else:
            self.odd.append(f"{customer}: {answer}")

    async def open(self, card: Message) -> Json:
        """What pressing its button for editing is answered."""
        press = {"message": card.id, "action": "edit", "data": buttons(card.card, "edit")[0]["data"], "trigger": "t"}
        answer = await self.post(self.event("button", WANG, card.room, f"p{next(self.ids)}", **press))
        return dict(answer["answer"])

    async def submit(self, card: Message, shown: Json, email: str) -> tuple[str, Json]:
        """The form's event and what it is answered."""
        id_ = f"s{next(self.ids)}"
        values = {each["name"]: each["value"] for each in shown["fields"]} | {"email": email}
        tokens = {each["name"]: each["token"] for each in shown["fields"]}
        body = {"message": card.id, "data": shown["data"], "values": values, "tokens": tokens}
        return id_, dict((await self.post(self.event("form", WANG, card.room, id_, **body)))["answer"])

    async def _form(self, card: Message, standing: str) -> Json | None:
        """The form that shows what was saved last: whoever edits looks first."""
        while not self.gone:
            answer = await self.open(card)
            if answer["kind"] == "form":
                shown = form(answer["card"])
                if next(each["value"] for each in shown["fields"] if each["name"] == "email") == standing:
                    return shown
                self.counted["forms that were behind"] += 1
            else:
                self.counted[f"no form: {answer.get('text', answer['kind'])}"] += 1
            await asyncio.sleep(AGAIN_S)
        return None

    @property
    def edits(self) -> int:
        return sum(map(len, self.saved.values()))

    @property
    def taken(self) -> int:
        return len(self.said) + self.edits

    async def until(self, done: Callable[[], bool], patience: float = 120) -> None:
        """As long as anything at all is taken: how long that takes is the machine's."""
        moved, taken = time.monotonic(), -1
        while not done():
            if self.taken > taken:
                moved, taken = time.monotonic(), self.taken
            assert time.monotonic() < moved + patience, f"{len(self.said)} messages, {self.edits} edits: {self.counted}"
            await asyncio.sleep(0.02)


def taken(answer: Json) -> bool:
    """Whether the person was told that the change is kept."""
    text = str(answer.get("text", ""))
    return answer["kind"] == "toast" and (text == "Saved." or text.startswith(("Received", "This was received")))
