"""The benchmark of large rooms runs, small. No figure of it is looked at."""

from __future__ import annotations

from benchmarks.rooms import verdicts


def test_ours_and_the_definition_agree_and_are_timed() -> None:
    rows = verdicts.rows(members=16, kinds=8, fields=8, times=1)
    assert len(rows) == 3 and all(float(str(each)) >= 0 for row in rows for each in row[1:])
