"""A day with somebody's value, name or text in every place: none of it may stand in a log, a metric or a span."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import text as sql_text

from channels.model import Said
from gateway import logs, spine
from gateway.errors import Refused
from gateway.metrics import exposition
from gateway.services import Services
from gateway.turn import Outcome, Turn
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAME, WANG, Live, opened
from tests.gateway.moody import Crm
from tests.gateway.telemetry.spans import Log, Spans, kept, recorded

ACCESS = "[logs]\naccess = true\n"


@dataclass
class Canaries:
    """Each one is found by the word it has in it, however it is spelt around."""

    sung: dict[str, str] = field(default_factory=dict)

    def sing(self, about: str) -> str:
        word = f"canary{len(self.sung):02d}x{abs(hash(about)) % 10_000_000}"
        self.sung[about] = word
        return f"{word} <{about}> 金丝雀"

    def heard_in(self, where: str) -> list[str]:
        return [about for about, word in self.sung.items() if word in where]


@dataclass
class Day:
    log: Log
    spans: Spans
    canaries: Canaries

    def silent(self) -> None:
        places = {
            "the log": self.log.json.getvalue(),
            "the log for people": self.log.text.getvalue(),
            "the spans": self.spans.text(),
            "the metrics": exposition().decode(),
        }
        heard = {name: found for name, place in places.items() if (found := self.canaries.heard_in(place))}
        assert heard == {}


@contextmanager
def day() -> Iterator[Day]:
    with kept() as log, recorded() as spans:
        yield Day(log, spans, Canaries())


async def mentioned(live: Live, canaries: Canaries, room: str) -> Any:
    """A message with a value in every place that a person or a network fills."""
    who = {"id": LI, "name": canaries.sing("the sender's name"), "kind": "member"}
    message = canaries.sing("the message's id")[:18]
    await live.say(LI, room, f"{NAME} {canaries.sing('the text')}", message=message, who=who)
    await live.settle()
    return live.card(room)


async def edited(live: Live, canaries: Canaries, card: Any) -> None:
    """An edit, then two that conflict: in the chat, and in the CRM itself."""
    value = canaries.sing("an edited value")
    await live.submit(LI, card.room, await live.open_form(LI, card), address=value)
    await live.settle()
    first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
    await live.submit(LI, card.room, first, address=canaries.sing("one side"))
    await live.submit(WANG, card.room, second, address=canaries.sing("the other side"))
    await live.settle()
    await live.natively("address", canaries.sing("what the CRM changed"), by=canaries.sing("who changed it there"))
    await live.settle()


async def failed(live: Live, canaries: Canaries, card: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CRM in every bad mood; then a bug in it that says what it was given."""
    for mood in ("down", "refusing", "silent"):
        monkeypatch.setattr(live.crm.__class__, "mood", mood, raising=False)
        form = await live.open_form(LI, card)
        await live.submit(LI, card.room, form, stage="won" if mood == "down" else "lost")
        await live.quiet()
        await live.house.writebacks["local"].once()
        live.clock.ahead(minutes=10)
    monkeypatch.setattr(live.crm.__class__, "mood", "well", raising=False)

    async def broken(self: Crm, change: Any, *, once: str) -> Any:
        try:
            raise KeyError(change.value)
        except KeyError as why:
            raise RuntimeError(f"{canaries.sing('an exception of a connector')} {change}") from why

    with monkeypatch.context() as patch:
        patch.setattr(Crm, "apply", broken)
        await live.submit(WANG, card.room, await live.open_form(WANG, card), phone="+86 512 6288 4444")
        live.clock.ahead(minutes=1)
        await live.house.writebacks["local"].once()
    live.clock.ahead(minutes=10)
    await live.settle()


async def broken(live: Live, canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in a handler, with the text in its exception; a job that is parked."""

    async def bug(s: Services, turn: Turn) -> Outcome:
        try:
            raise ValueError(f"could not read {turn.event}")
        except ValueError as why:
            raise ExceptionGroup(f"in {turn.event}", [why, Refused("It is {this}.", this=str(turn.event))]) from None

    with monkeypatch.context() as patch:
        patch.setitem(spine.HANDLERS, Said, bug)
        await live.say(CHEN, "deal", canaries.sing("a text that broke a handler"))
        while not any(each["says"].endswith("broke") for each in caught(live)):
            await asyncio.sleep(0.01)
        await live.quiet()


_caught: list[Log] = []


def caught(live: Live) -> list[dict[str, Any]]:
    return _caught[-1].lines


async def refused(live: Live, canaries: Canaries) -> None:
    """Requests that are not what they should be."""
    said = canaries.sing("a body nobody can read")
    await live.post(json.dumps({"type": said, "id": said, "room": said}).encode())
    await live.post(f"{said} no JSON".encode())
    await live.post({"type": "message", "text": said}, **{"X-Floatcard-Signature": said[:18]})
    for path in (f"/in/{said[:18]}", f"/api/v1/customers/{said[:18]}?q={said[:18]}", f"/{said[:18]}"):
        async with live.session.get(f"{live.url}{path}", headers={"Authorization": f"Bearer {said[:18]}"}) as answer:
            await answer.read()


class Typed(BaseModel):
    age: int


async def third_parties(live: Live, canaries: Canaries) -> None:
    """Libraries that put data into their sentences, their arguments, their exceptions and their warnings."""
    value = canaries.sing("a library's own")
    other, ours = logging.getLogger("some.library"), logging.getLogger("floatcard.test")
    other.warning("a fixed sentence with %s", value)
    other.warning(f"a sentence made of {value}")
    other.error(value)
    other.warning("many", extra={"room": value, "record": value, "answer": value, value[:10]: 1})
    ours.warning("of ours", extra={"room": value, "text": value, "why": value, "crm": value})
    ours.warning("with an object: %s", {"a": value})
    for broken in (_pydantic, _database, _plain_database, _json):
        try:
            await broken(live, value)
        except Exception as why:
            ours.exception("a library broke")
            ours.warning("it said %s", why)
            other.error("with it: %s", why, exc_info=True)
    _warned(value)
    await _forgotten(value)


def _warned(value: str) -> None:
    """As `set_up` has it: what is warned of goes to the log."""
    logging.captureWarnings(True)
    try:
        warnings.showwarning(value, UserWarning, "x.py", 1)
    finally:
        logging.captureWarnings(False)


async def _pydantic(live: Live, value: str) -> None:
    Typed.model_validate({"age": value})


async def _database(live: Live, value: str) -> None:
    broken = sql_text("INSERT INTO person (id, name) VALUES (:value, :value)")
    await live.s.store.write(_insert, (broken, value))


def _insert(connection: Any, items: Any) -> list[None]:
    for statement, value in items:
        connection.execute(statement, {"value": value})
    raise RuntimeError(f"after {items}")


async def _plain_database(live: Live, value: str) -> None:
    sqlite3.connect(":memory:").execute(f"SELECT '{value}' FROM \"{value}\"")


async def _json(live: Live, value: str) -> None:
    json.loads(value)


async def _forgotten(value: str) -> None:
    """asyncio's own words hold the exception."""

    async def fails() -> None:
        raise ValueError(value)

    task = asyncio.ensure_future(fails())
    await asyncio.wait([task])
    del task
    gc.collect()


async def test_nothing_that_anybody_said_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with day() as told:
        _caught.append(told.log)
        canaries = told.canaries
        room = canaries.sing("the room's id").split()[0]
        async with opened(tmp_path, extra=ACCESS) as live:
            members = {LI: (canaries.sing("a member's name"), "member"), WANG: (canaries.sing("another's"), "member")}
            live.chat.room(room, members)
            await live.natively("address", canaries.sing("a value of the CRM"))
            await live.settle()
            card = await mentioned(live, canaries, room)
            assert canaries.heard_in(text(card.card)), "the day is about these values"
            await edited(live, canaries, card)
            await failed(live, canaries, card, monkeypatch)
            await broken(live, canaries, monkeypatch)
            await refused(live, canaries)
            await third_parties(live, canaries)
            live.chat.rooms[room].status = 500
            await live.say(GUEST, room, f"{NAME} {canaries.sing('a text while the network is down')}")
            await live.chat.rooms[room].reached.wait()
            await live.counted("floatcard_waiting")
            told.silent()
            assert await live.rows("edit", f"record = '{HERO}'") >= 4
        told.silent()
        words = " ".join(each["says"] for each in told.log.lines)
        for said in ("a write to", "broke", "a job failed", "was rejected", "was not understood", "a library broke"):
            assert said in words, said
        assert "a fixed sentence with %s" in words and told.log.saying("(not shown)")
        assert len(canaries.heard_in(told.log.bare.getvalue())) >= 3, "another formatter would have told"


async def test_every_line_of_a_turn_has_its_turn_and_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with day() as told:
        _caught.append(told.log)
        async with opened(tmp_path, extra=ACCESS) as live:
            await broken(live, told.canaries, monkeypatch)
            line = told.log.saying("turn ")[0]
            reference = line["says"].split()[1]
            failures = told.log.saying("a job failed")
            assert line["turn"] == reference and failures and failures[0]["turn"] == reference
            traces = {f"{each.context.trace_id:032x}" for each in told.spans.named("turn")}
            assert line["trace"] in traces and line["instance"] == "one"
            answered = told.log.saying("answered")
            assert answered and answered[0]["route"] == "/in/{channel}" and answered[0]["status"] == 200
            assert answered[0]["trace"] in traces, "the request and the turn are one trace"


def test_an_id_reads_the_same_on_every_instance_and_is_no_plain_hash() -> None:
    logs.hash_with(b"k" * 32)
    one = logs.hashed("web/deal")
    assert one == logs.hashed("web/deal") and one != logs.hashed("web/east") and "deal" not in one
    logs.hash_with(b"l" * 32)
    assert logs.hashed("web/deal") != one
    logs.hash_with(b"k" * 32)
    assert logs.hashed("web/deal") == one


@pytest.mark.parametrize("key", ["text", "title", "value", "body", "phone", "event", "params"])
def test_a_key_that_is_not_on_the_list_is_left_out_and_named(key: str) -> None:
    with kept() as log:
        logging.getLogger("floatcard.test").warning("of ours", extra={key: "secret", "tries": 3})
    (line,) = log.lines
    assert line["left_out"] == [key] and line["tries"] == 3 and "secret" not in log.json.getvalue()


def test_a_line_that_cannot_be_written_says_nothing_of_what_was_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise OSError("canary")

    handler = logs.Handler(Closed())
    handler.setFormatter(logs.Json())
    handler.handle(logging.makeLogRecord({"name": "floatcard.x", "msg": "%s", "args": ("canary",)}))
    said = capsys.readouterr().err
    assert "could not be written" in said and "canary" not in said


def test_a_broken_sentence_of_ours_is_told_without_its_arguments() -> None:
    with kept() as log:
        handler = logging.getLogger().handlers[-3]
        record = logging.makeLogRecord({"name": "floatcard.x", "msg": "%d tries", "args": ("canary",)})
        handler.handle(record)
    assert log.lines[0]["says"] == "%d tries"
