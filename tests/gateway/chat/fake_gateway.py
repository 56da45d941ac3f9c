"""A gateway that only pretends: verifies signatures, remembers events, answers with sample cards of every kind."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import ClientSession, web

from gateway.chat.ports import DeskField, DeskHit, DeskRecord, DeskRisk, TrailLine
from gateway.chat.wire import dumps, signed, verify
from gateway.errors import Refused
from tests.gateway.chat import sample_cards as cards

Json = dict[str, Any]


class FakeGateway:
    """`down` answers 503 to everything; `events` holds what was delivered, in order."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.chat = ""
        self.session: ClientSession | None = None
        self.down = False
        self.status = 200
        self.events: list[Json] = []
        self.trail = FakeTrail()
        self.phone = "138 0571 8842"
        self.posted: dict[str, str] = {}
        self.receive_by: Callable[[web.Request], Awaitable[web.Response]] = self.receive

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/in/web", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        return await self.receive_by(request)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        verify(self.secret, "POST", request.raw_path, request.headers, body)
        if self.down:
            return web.Response(status=503)
        if self.status != 200:
            return web.Response(status=self.status)
        event = json.loads(body)
        self.events.append(event)
        if event["type"] in ("button", "form"):
            return web.json_response({"answer": await self.answer(event)})
        await self.react(event)
        return web.json_response({"ok": True})

    async def answer(self, event: Json) -> Json:
        now = _now()
        if event["type"] == "form":
            return await self._filled(event, now)
        action, room = event["action"], event["room"]
        self.trail.tell(event["id"], room, "pressed", f"{event['who']['name']} 按了 {action}", "info")
        if action == "edit":
            return {"kind": "form", "card": cards.form(self.phone)}
        if action == "form_by_trigger":
            await self.call("POST", "/forms", {"trigger": event["trigger"], "card": cards.form(self.phone)})
            return {"kind": "nothing"}
        if action == "show_me":
            return {"kind": "card", "card": cards.customer(now, self.phone)}
        if action == "why":
            return {"kind": "card", "card": cards.everything(now)}
        if action == "settle":
            settled = cards.conflict(now, "138 0571 7777", "138 0571 7777")
            await self.call("PUT", f"/messages/{event['message']}", {"card": settled})
            return {"kind": "toast", "text": "已定:138 0571 7777", "tone": "info"}
        if action == "snooze":
            return {"kind": "toast", "text": "你不能推迟这条:只有负责人可以。", "tone": "danger"}
        return {"kind": "toast", "text": "知道了。", "tone": "neutral"}

    async def _filled(self, event: Json, now: int) -> Json:
        phone = event["values"].get("phone", "")
        if not any(letter.isdigit() for letter in phone):
            return {"kind": "errors", "errors": {"phone": "这不是电话号码。例:138 0571 8842"}}
        self.phone = phone
        if event["message"]:
            repainted = cards.customer(now, phone, f"[Web card 1.0] {event['who']['name']} 10:33")
            await self.call("PUT", f"/messages/{event['message']}", {"card": repainted})
        self.trail.tell(
            event["id"], event["room"], "decided", "电话 采用了 李婷 的修改 (master_wins)", "info", "7F3A-21"
        )
        return {"kind": "toast", "text": "已保存到 CRM。", "tone": "info"}

    async def react(self, event: Json) -> None:
        now, text, room = _now(), event.get("text", ""), event["room"]
        if event["type"] != "message":
            return
        self.trail.tell(event["id"], room, "heard", f"{event['who']['name']}: {text[:60]}")
        shown = {
            "华星": cards.customer(now, self.phone),
            "Northlake": cards.several(now),
            "冲突": cards.conflict(now, "138 0571 7777"),
            "风险": cards.alert(now),
            "/why": cards.everything(now),
        }
        for word, card in shown.items():
            if word in text:
                self.trail.tell(event["id"], room, "matched", f"“{word}” → 一位客户,分数 0.97")
                self.trail.tell(event["id"], room, "withheld", "隐藏 2 个字段:房间里有访客", "warning", "7F3A-19")
                self.posted[word] = await self.post(room, card, event["id"] + word)
        if "远航" in text:
            who = event["who"]["id"]
            await self.call(
                "POST",
                "/whispers",
                {"room": room, "thread": "", "to": who, "card": cards.picker(), "once": event["id"]},
            )

    async def post(self, room: str, card: Json, once: str) -> str:
        answer = await self.call("POST", "/messages", {"room": room, "thread": "", "card": card, "once": once})
        return str(answer["id"])

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        assert self.session is not None
        raw = b"" if body is None else dumps(body)
        target = f"/demo/api{path}"
        headers = signed(self.secret, method, target, raw)
        async with self.session.request(method, self.chat + target, data=io.BytesIO(raw), headers=headers) as response:
            answer: Json = await response.json()
            return {**answer, "status": response.status}


class FakeTrail:
    def __init__(self) -> None:
        self.lines: list[TrailLine] = []
        self._new = asyncio.Event()

    def tell(self, turn: str, room: str, label: str, text: str, tone: str = "neutral", trace: str = "") -> None:
        self.lines.append(TrailLine(len(self.lines) + 1, turn, _now(), room, label, text, tone, trace))
        self._new.set()
        self._new = asyncio.Event()

    async def since(self, after: int, locale: str, limit: int, reader: str = "") -> Sequence[TrailLine]:
        return [line for line in self.lines if line.id > after][:limit]

    async def wait(self, after: int, timeout: float) -> None:
        if len(self.lines) > after:
            return
        try:
            await asyncio.wait_for(self._new.wait(), timeout)
        except TimeoutError:
            return


TIER = DeskField(
    "tier",
    "key",
    "Tier",
    "choice",
    ("key", "trial"),
    labels={"en": "Grade", "zh-CN": "等级"},
    option_labels={"key": {"en": "Key account", "zh-CN": "重点"}},
)


class FakeDesk:
    def __init__(self) -> None:
        self.values = {"c1": {"phone": "138 0571 8842", "address": "苏州工业园区星湖街 328 号", "stage": "谈判"}}
        self.version = 3
        self.risks: list[DeskRisk] = []

    async def search(self, query: str) -> list[DeskHit]:
        hits = [DeskHit("c1", "华星医疗", "苏州"), DeskHit("c2", "Northlake Logistics", "Leeds")]
        return [hit for hit in hits if query.lower() in hit.title.lower()]

    async def read(self, id: str) -> DeskRecord:
        if id not in self.values:
            raise Refused("There is no customer {id}.", id=id)
        fields = tuple(DeskField(name, value, at=_now(), by="王敏") for name, value in self.values[id].items())
        return DeskRecord(id, "华星医疗", self.version, (TIER, *fields), tuple(self.risks))

    async def write(self, id: str, field: str, value: str, by: str) -> None:
        self.values[id][field] = value
        self.version += 1

    async def raise_risk(self, id: str, by: str) -> None:
        self.risks.append(DeskRisk("客户要求重新报价", "high"))
        self.version += 1


class FakeClock:
    def __init__(self) -> None:
        self.shift = 0

    def now(self) -> int:
        return _now() + self.shift

    def advance(self, seconds: int) -> None:
        self.shift += seconds * 1000


def _now() -> int:
    return time.time_ns() // 1_000_000
