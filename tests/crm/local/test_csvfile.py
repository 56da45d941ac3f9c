"""Reading files of unknown making."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.local.csvfile import LONGEST_LINE, LONGEST_RECORD, Format, Row, recognise, rows
from gateway.errors import Refused

TEXT = "名称,城市\n上海华星,上海\n华星医疗,苏州\n"


def read(path: Path, data: bytes) -> tuple[Format, list[Row]]:
    path = path / "in.csv"
    path.write_bytes(data)
    fmt = recognise(path)
    return fmt, list(rows(path, fmt))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("utf-16"), "utf-16-le"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be"),
        ("name,city\n上,x\n".encode("utf-16-le"), "utf-16-le"),
        ("name,city\n上,x\n".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_every_encoding_is_recognised(tmp_path: Path, data: bytes, encoding: str) -> None:
    fmt, found = read(tmp_path, data)
    assert fmt.encoding == encoding
    assert len(found[0].cells) == 2
    assert not any(row.fault for row in found)
    assert "上" in found[1].cells[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_recognised(tmp_path: Path, delimiter: str) -> None:
    data = f'"name, in full"{delimiter}city\nA{delimiter}B\n'.encode()
    fmt, found = read(tmp_path, data)
    assert fmt.delimiter == delimiter
    assert found[1] == Row(2, ("A", "B"))


def test_the_line_excel_writes_first_names_the_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, b"sep=;\nname,x;city\nA;B\n")[1] == [Row(2, ("name,x", "city")), Row(3, ("A", "B"))]


def test_one_bad_line_in_utf8_is_one_unreadable_line(tmp_path: Path) -> None:
    _, found = read(tmp_path, TEXT.encode() + b"\xe5\x8d,x\n" + "北方,北京\n".encode())
    assert [(row.line, row.fault) for row in found if row.fault] == [(4, "not readable as UTF-8")]
    assert found[-1] == Row(5, ("北方", "北京"))


def test_one_bad_line_in_gb18030_is_one_unreadable_line(tmp_path: Path) -> None:
    fmt, found = read(tmp_path, TEXT.encode("gb18030") + b"\xff\xff,x\n" + "北方,北京\n".encode("gb18030"))
    assert fmt.encoding == "gb18030"
    assert [row.line for row in found if row.fault] == [4]
    assert found[-1].cells == ("北方", "北京")


def test_quoted_line_breaks_belong_to_the_row(tmp_path: Path) -> None:
    _, found = read(tmp_path, b'name,note\r\nA,"one\r\ntwo ""three"""\r\nB,x\r\n')
    assert found[1:] == [Row(2, ("A", 'one\ntwo "three"')), Row(4, ("B", "x"))]


def test_an_open_quotation_costs_its_own_line_only(tmp_path: Path) -> None:
    _, found = read(tmp_path, b'name,note\n"A,x\nB,y\nC,"two\nlines"\nD,z\n')
    assert [row.line for row in found if row.fault] == [2]
    assert [row.cells for row in found[1:] if not row.fault] == [("B", "y"), ("C", "two\nlines"), ("D", "z")]


def test_an_open_quotation_closed_by_a_later_one_is_seen_by_the_number_of_cells(tmp_path: Path) -> None:
    _, found = read(tmp_path, b'name,note\n"A,x\nB,y\n",z,w\nD,z\n')
    assert (found[1].line, found[1].fault) == (2, "a quotation mark is opened and not closed")
    assert found[2] == Row(3, ("B", "y"))
    assert found[-1] == Row(5, ("D", "z"))


def test_an_open_quotation_in_a_long_file_costs_one_line(tmp_path: Path) -> None:
    more = LONGEST_RECORD * 3
    _, found = read(tmp_path, b'name,note\n"A,x\n' + b"B,y\n" * more)
    assert [row.line for row in found if row.fault] == [2]
    assert len(found) == 2 + more


def test_text_after_a_closing_quotation_is_told(tmp_path: Path) -> None:
    _, found = read(tmp_path, b'name,note\n"A"x,y\nB,z\n')
    assert found[1:] == [Row(2, fault="text follows a closing quotation mark"), Row(3, ("B", "z"))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_line_too_long_is_skipped_and_counted_as_one(tmp_path: Path, encoding: str) -> None:
    text = "name,note\nA," + "x" * (3 * LONGEST_LINE + 1) + "\nB,z\n"
    _, found = read(tmp_path, text.encode(encoding))
    assert [(row.line, bool(row.fault)) for row in found] == [(1, False), (2, True), (3, False)]
    assert found[2].cells == ("B", "z")


def test_a_cell_too_long_is_one_unreadable_row(tmp_path: Path) -> None:
    _, found = read(tmp_path, b"name,note\nA," + b"x" * 200_000 + b"\nB,z\n")
    assert found[1:] == [Row(2, fault="a cell is longer than 131072 characters"), Row(3, ("B", "z"))]


def test_a_lone_carriage_return_is_told(tmp_path: Path) -> None:
    _, found = read(tmp_path, b"name,note\nA,x\ry\nB,z\n")
    assert [row.line for row in found if row.fault] == [2]


def test_blank_lines_are_no_rows_and_count_as_lines(tmp_path: Path) -> None:
    assert read(tmp_path, b"\n\nname,note\n\nA,x\n")[1] == [Row(3, ("name", "note")), Row(5, ("A", "x"))]


@pytest.mark.parametrize(
    "data", [b"", b"\n \n", b"\x00\x01\x02\x00\x00\x00binary\x00\x00", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00"]
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Refused):
        read(tmp_path, data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_lines_of_json_are_rows_too(tmp_path: Path, encoding: str) -> None:
    lines = (
        '{"name": "华星医疗", "aliases": ["华星", "Huaxing"]}',
        "",
        '{"name": "晨溪", "city": "南京", "amount": 12345678901234567890.10, "vip": true, "note": null}',
        '{"name": broken',
        '["华星"]',
        "[" * 20_000,
        '{"name": ' + "[" * 960 + "]" * 960 + "}",
    )
    fmt, found = read(tmp_path, "\n".join(lines).encode(encoding))
    assert fmt.delimiter == "{"
    assert found == [
        Row(1, ("name", "aliases", "city", "amount", "vip", "note")),
        Row(1, ("华星医疗", "华星|Huaxing", "", "", "", "")),
        Row(3, ("晨溪", "", "南京", "12345678901234567890.10", "true", "")),
        Row(4, fault="this is no JSON"),
        Row(5, fault="this is no JSON object"),
        Row(6, fault="this is no JSON"),
        Row(7, fault="this is no JSON"),
    ]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        recognise(tmp_path / "none.csv")
