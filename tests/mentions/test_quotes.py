"""What was pasted from somebody else triggers nothing; what the author says around it does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentions.index import NameIndex
from mentions.model import Name
from mentions.quotes import quoted

INDEX = NameIndex.build([("1", [Name("华星医疗")]), ("2", [Name("Oakline")])])


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Fwd: Oakline renewal", 0),
        ("FW：华星医疗的合同", 0),
        ("转发：华星医疗明天过来", 0),
        ("【转发】华星医疗明天过来", 0),
        ("请转发给华星医疗", 1),
        ("转发给华星医疗的王总", 1),
        ("see below about Oakline\n\n---------- Forwarded message ---------\nFrom: a\nOakline is late", 1),
        ("Oakline, see\n-----Original Message-----\nFrom: x\nSent: y\nOakline again", 1),
        ("跟进一下\n发件人: 王敏\n发送时间: 周一\n主题: 华星医疗\n华星医疗的合同", 0),
        ("From: Oakline we got a reply", 1),
        ("Agreed.\nOn Mon, Jan 5, 2026 at 10:02 AM Ann Lee wrote:\nOakline is late", 0),
        ("好的\n在 2026年1月5日 写道：\n华星医疗的合同", 0),
        ("「李婷：明天去华星医疗」\n- - - - - - - - - - - - - - -\n好的", 0),
        ("「李婷：明天去吗」\n- - - - - - - - - - - - - - -\n去华星医疗", 1),
        ("「华星医疗」是我们的客户\n请跟进", 1),
        ("王敏 10:32\n明天去华星医疗\n李婷 10:33\n好的", 0),
        ("华星医疗 10:30 开会\n大家准时", 1),
        ("[10:32, 5/1/2026] Ann: Oakline is late\n[10:33] Bob: ok\nwhat now with Oakline?", 1),
    ],
)
def test_pasted_text_is_not_the_authors(text: str, heard: int) -> None:
    assert len(INDEX.find(text)) == heard


@given(st.text(alphabet="「」-—\n:：>[] 0159apmFromfwd转发写道在On", max_size=120))
def test_stretches_lie_within_the_text(text: str) -> None:
    assert all(0 <= start <= end <= len(text) for start, end in quoted(text))


PIECES = ["On ", "在 ", "- ", "「", "[1", "a 1", "From:\n", "王 10:32\n", "—", "转发", "fw ", " ", "」\n- - - - -\n"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_of_very_many_marks_is_read(piece: str) -> None:
    """Many times the text of a long message; were the work not linear, this would take minutes."""
    for begins in ("", "x\n", "「"):
        assert all(0 <= start <= end for start, end in quoted(begins + piece * (400_000 // len(piece))))
