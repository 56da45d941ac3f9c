"""Histories for Hypothesis: any edges, streams, kinds, proposals, quarantine and clocks."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import strategies as st

from reconcile.model import Actor, Edit, EditKind, Json, MergePolicy, Source

SYSTEMS = ("crm", "erp", "wecom", "agent")
VALUES: tuple[Json, ...] = (None, "a", "b", 1, True, ["a"], {"zip": "1"})
ANYBODY = Actor("person", "p1")


def edit(id_: str, value: Json, *parents: str, system: str = "wecom", kind: EditKind = "set", time: int = 0) -> Edit:
    return Edit(id_, "r", "f", kind, value, Source(system), ANYBODY, frozenset(parents), effective_time=time)


@st.composite
def histories(draw: st.DrawFn, most: int = 8) -> list[Edit]:
    size = draw(st.integers(1, most))
    ids = [f"{draw(st.integers(0, 9))}-{i}" for i in range(size)]
    return [draw(_edits(ids, i)) for i in range(size)]


@st.composite
def _edits(draw: st.DrawFn, ids: list[str], i: int) -> Edit:
    system = draw(st.sampled_from(SYSTEMS))
    linear = system in ("crm", "erp") and draw(st.booleans())
    known = ids[:i] if draw(st.integers(0, 9)) else [*ids, "unknown"]
    plain = edit(ids[i], draw(st.sampled_from(VALUES)), system=system, time=draw(st.integers(0, 5)))
    return replace(
        plain,
        kind=draw(st.sampled_from(get_args(EditKind) + ("set",) * 6)),
        parents=frozenset(draw(st.lists(st.sampled_from(known), max_size=2)) if known else ()),
        stream=system if linear else None,
        watermark=draw(st.integers(max(0, i - 1), i)) if linear else None,
        binding=draw(st.integers(0, 9)) > 0,
        quarantined=draw(st.integers(0, 19)) == 0,
    )


policies = st.builds(
    MergePolicy,
    mode=st.sampled_from(["authoritative", "master_wins", "last_writer_wins", "review", "merge"]),
    fallback=st.sampled_from(["last_writer_wins", "review"]),
    authority=st.lists(st.sampled_from(SYSTEMS), unique=True, max_size=3).map(tuple),
    master=st.sampled_from([None, "crm", "erp"]),
    rank=st.lists(st.sampled_from(SYSTEMS), unique=True, max_size=4).map(tuple),
    propose_only=st.sampled_from([(), ("agent",)]),
    normaliser=st.sampled_from(["identity", "trimmed"]),
    merge=st.sampled_from([None, "set_union", "counter", "monotone"]),
    order=st.just(("a", "b")),
)

clockless = policies.filter(lambda p: p.mode != "last_writer_wins").map(lambda p: replace(p, fallback="review"))
review = policies.map(lambda p: replace(p, mode="review"))
