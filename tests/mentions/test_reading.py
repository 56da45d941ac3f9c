"""Lists as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentions.cli import Tally, read_dictionary
from mentions.reading import Ignored, encoding_of, objects

JSON = '{"id": "c1", "name": "华星医疗", "aliases": ["华星"]}\n{"id": "c2", "name": "Oakline"}\n'
CSV = 'id,name,aliases\nc1,华星医疗,华星|HX医疗\nc2,"Oakline, Inc.",\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize(("suffix", "text"), [(".jsonl", JSON), (".csv", CSV), ("", JSON), ("", CSV)])
def test_encodings_and_forms(tmp_path: Path, encoding: str, suffix: str, text: str) -> None:
    path = tmp_path / f"list{suffix}"
    path.write_bytes(text.encode(encoding))
    ignored: Ignored = []
    rows = [row for _, row in objects(path, ignored)]
    assert ignored == []
    assert [row["id"] for row in rows] == ["c1", "c2"]
    assert rows[0]["name"] == "华星医疗"
    assert rows[0]["aliases"][0] == "华星"


def test_broken_lines_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_bytes(JSON.encode() * 20 + b'\xff\xfe broken\n[]\n{"id"\n' + JSON.encode())
    ignored: Ignored = []
    assert len(list(objects(path, ignored))) == 42
    assert ignored == [(41, "not in UTF-8"), (42, "not a JSON object"), (43, "not JSON")]


def test_a_table_with_broken_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('id;name;aliases\nc1;Oakline\nc2;"Brigh"t;\nc3;a;b;c;d\n\nc4;Larkfinch;"L|LF"\n')
    ignored: Ignored = []
    rows = dict(objects(path, ignored))
    assert [row["id"] for row in rows.values()] == ["c1", "c4"]
    assert rows[6]["aliases"] == ["L", "LF"]
    assert [number for number, _ in ignored] == [3, 4]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00" * 50, b"\xff" * 300, b"id,name"]
)
def test_nothing_in_a_file_is_no_crash(tmp_path: Path, content: bytes) -> None:
    for name in ("list.jsonl", "list.csv", "list"):
        (tmp_path / name).write_bytes(content)
        assert len(read_dictionary(tmp_path / name, Tally())) == 0


def test_duplicates_are_told(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(JSON + JSON, encoding="utf-8")
    tally = Tally()
    assert len(read_dictionary(path, tally)) == 2
    assert [number for number, _ in tally.dictionary_ignored] == [3, 4]


def test_encodings_are_told_apart() -> None:
    assert encoding_of("客户名单".encode("gb18030")) == "gb18030"
    assert encoding_of("客户名单".encode()) == "utf-8"
    assert encoding_of(b"plain") == "utf-8"
