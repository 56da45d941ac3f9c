"""The feed made of times, by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from crm import late
from crm.late import Cursor, Feed, Merged
from crm.model import FieldValue, Record, RecordRef


@dataclass(slots=True)
class Source:
    """Every record was changed in one second."""

    count: int
    late_ms: int = 60_000
    page: int = 10
    values: dict[str, str] = field(default_factory=dict)

    async def now(self) -> int:
        return 1_000_000

    async def after(self, last: str) -> list[str]:
        return []

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        return {str(n): 900_000 for n in range(self.count)}

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        return {
            id_: Record(
                RecordRef("x", "account", id_),
                id_,
                "",
                1,
                {"a": FieldValue(self.values.get(id_, ""))},
                {},
                modified=900_000,
            )
            for id_ in ids
        }


async def test_a_great_change_writes_its_long_cursor_once_for_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    text = Cursor.text

    def counted(cursor: Cursor) -> str:
        written.append(len(cursor.marks))
        return text(cursor)

    monkeypatch.setattr(Cursor, "text", counted)
    monkeypatch.setattr(late, "MANY", 20)
    source = Source(200)
    told = [each async for each in Feed(source).changes("900000;-;")]
    assert len(told) == 200
    assert sum(written) < 30 * 30 + 2 * 20 * 200, "not once for each of them"
    assert [each async for each in Feed(source).changes(told[-1][1])] == [], "the last cursor knows them all"
    source.values["199"] = "changed"
    assert [record.ref.id for record, _ in [each async for each in Feed(source).changes(told[-1][1])]] == ["199"]


@pytest.mark.parametrize("at", [0, 5, 25, 26, 39, 40, 199])
async def test_whoever_stops_anywhere_misses_nothing(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setattr(late, "MANY", 20)
    source = Source(200)
    told = [each async for each in Feed(source).changes("900000;-;")]
    seen = {record.ref.id for record, _ in told[: at + 1]}
    seen |= {record.ref.id for record, _ in [each async for each in Feed(source).changes(told[at][1])]}
    assert len(seen) == 200


async def test_the_mark_of_what_is_told_for_longer_stays_as_long() -> None:
    """It changed before what is looked back on: without a mark nobody could tell that it was taken."""
    source = Source(2)
    feed = Feed(source, lasting=lambda _: True)
    for _ in range(2):
        told = [each async for each in feed.changes("1000000;-;")]
        assert [record.ref.id for record, _ in told] == ["0", "1"]
    assert [record.ref.id for record, _ in [each async for each in feed.changes(told[0][1])]] == ["1"]
    assert [each async for each in feed.changes(told[1][1])] == []
    source.count, source.values["0"] = 1, "changed"
    feed = Feed(source, lasting=lambda id_: id_ == "0")
    ((_, cursor),) = [each async for each in feed.changes(told[1][1])]
    assert set(Cursor.parse(cursor).marks) == {"0"}


def test_no_stream_leads_past_the_end_of_one_that_was_cut() -> None:
    merged = Merged()
    merged.add([("a", 1), ("b", 5)], 5)
    merged.add([("a", 9), ("c", 3), ("d", 9)], None)
    assert merged.touched() == {"a": 5, "b": 5, "c": 3, "d": 5}
    merged = Merged()
    merged.add([("a", 1), ("a", 4)], None)
    assert merged.touched() == {"a": 4}
