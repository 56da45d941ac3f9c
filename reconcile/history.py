"""Happens-before over the edits of one field, as bit sets. The wall clock never makes an edge.

Edits are numbered so that what happened before has the lower number; the edits of a cycle are neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from reconcile.model import Edit


@dataclass(frozen=True, slots=True)
class History:
    edits: tuple[Edit, ...]
    before: tuple[int, ...]
    """For each edit the set of those that happened before it; an edit on a cycle is in its own."""
    cyclic: int
    knotted: int
    """On a cycle with other edits, so that each happened before another."""

    @property
    def everything(self) -> int:
        return (1 << len(self.edits)) - 1

    def maximal(self, among: int) -> list[int]:
        """Members of `among` that happened before no other member, but one each of a cycle; latest number first."""
        out = []
        while among:
            top = among.bit_length() - 1
            out.append(top)
            among &= ~(self.before[top] | 1 << top)
        return out


def members(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def history(edits: Iterable[Edit]) -> History:
    """Order and duplication of `edits` make no difference."""
    once = _distinct(edits)
    groups = _components(_direct(once))
    ranks: dict[int, int] = {}
    for group in groups:
        for node in group.nodes:
            if node < len(once):
                ranks[node] = len(ranks)
    return _closed(once, groups, ranks)


def _distinct(edits: Iterable[Edit]) -> list[Edit]:
    by_id: dict[str, Edit] = {}
    for edit in edits:
        known = by_id.setdefault(edit.id, edit)
        # the same id twice with other contents is a fault upstream; the result must not depend on the order even so
        if known is not edit and spelt(edit) < spelt(known):
            by_id[edit.id] = edit
    return [by_id[id_] for id_ in sorted(by_id)]


def spelt(edit: Edit) -> str:
    """Every column, told apart where Python's equality does not: 1, 1.0 and True are three values."""
    return repr((sorted(edit.parents), replace(edit, parents=frozenset())))


def _direct(edits: list[Edit]) -> list[list[int]]:
    """For each node the nodes right before it: parents, and the previous position of its stream.

    Nodes past the edits are gates between two positions that hold several edits each, so that edges stay linear.
    """
    index = {edit.id: i for i, edit in enumerate(edits)}
    before = [[index[parent] for parent in edit.parents if parent in index] for edit in edits]
    streams: dict[str, dict[int, list[int]]] = {}
    for i, edit in enumerate(edits):
        if edit.stream is not None and edit.watermark is not None:
            streams.setdefault(edit.stream, {}).setdefault(edit.watermark, []).append(i)
    for positions in streams.values():
        _chain([positions[at] for at in sorted(positions)], before)
    return before


def _chain(positions: list[list[int]], before: list[list[int]]) -> None:
    for earlier, later in pairwise(positions):
        step = earlier
        if len(earlier) > 1 and len(later) > 1:
            step = [len(before)]
            before.append(earlier)
        for node in later:
            before[node].extend(step)


@dataclass(frozen=True, slots=True)
class _Group:
    """A strongly connected component: one node, or the nodes of a cycle."""

    nodes: tuple[int, ...]
    cycle: bool
    direct: tuple[int, ...]


def _components(before: list[list[int]]) -> list[_Group]:
    """Tarjan's algorithm without recursion; what happened before comes first."""
    found: list[_Group] = []
    number = [0] * len(before)  # 0 = not visited
    low = [0] * len(before)
    open_nodes: list[int] = []
    is_open = bytearray(len(before))
    count = 0
    for root in range(len(before)):
        if number[root]:
            continue
        path = [(root, iter(before[root]))]
        count += 1
        number[root] = low[root] = count
        open_nodes.append(root)
        is_open[root] = 1
        while path:
            node, rest = path[-1]
            for step in rest:
                if not number[step]:
                    count += 1
                    number[step] = low[step] = count
                    open_nodes.append(step)
                    is_open[step] = 1
                    path.append((step, iter(before[step])))
                    break
                if is_open[step] and number[step] < low[node]:
                    low[node] = number[step]
            else:
                path.pop()
                if path and low[node] < low[path[-1][0]]:
                    low[path[-1][0]] = low[node]
                if low[node] == number[node]:
                    found.append(_close(node, open_nodes, is_open, before))
    return found


def _close(node: int, open_nodes: list[int], is_open: bytearray, before: list[list[int]]) -> _Group:
    at = len(open_nodes) - 1
    while open_nodes[at] != node:
        at -= 1
    nodes = open_nodes[at:]
    del open_nodes[at:]
    for one in nodes:
        is_open[one] = 0
    if len(nodes) == 1:
        return _Group((node,), node in before[node], tuple(before[node]))
    return _Group(tuple(nodes), True, tuple(step for one in nodes for step in before[one]))


def _closed(edits: list[Edit], groups: list[_Group], ranks: dict[int, int]) -> History:
    """The transitive closure, group by group; `reach` of a node includes the node."""
    reach: dict[int, int] = {}
    before = [0] * len(edits)
    ordered: list[Edit] = [edits[node] for node in ranks]
    cyclic = knotted = 0
    for group in groups:
        own = sum(1 << ranks[node] for node in group.nodes if node in ranks)
        past = 0
        for step in group.direct:
            past |= reach.get(step, 0)
        if group.cycle:
            past |= own
            cyclic |= own
            knotted |= own if len(group.nodes) > 1 else 0
        for node in group.nodes:
            reach[node] = past | own
            if node in ranks:
                before[ranks[node]] = past
    return History(tuple(ordered), tuple(before), cyclic, knotted)
