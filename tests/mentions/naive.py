"""What `find` promises, written the slow and plain way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mentions.bounds import closes, opens, protected, touches
from mentions.model import Name
from mentions.names import prepared
from mentions.normal import normalise

Found = tuple[int, int, tuple[str, ...]]


def naive_find(customers: Mapping[str, Sequence[Name]], text: str) -> list[Found]:
    """Every stretch tried, leftmost first, longest first."""
    normal = normalise(text)
    folded, spans = normal.text, protected(text)
    by_pattern: dict[str, set[str]] = {}
    for ref, names in customers.items():
        never = {pattern for pattern, name in prepared(names) if name.kind == "never"}
        for pattern, _ in prepared(names):
            by_pattern.setdefault(pattern, set()).update({ref} - ({ref} if pattern in never else set()))
    found, at = [], 0
    while at < len(folded):
        ends = [end for end in range(len(folded), at, -1) if folded[at:end] in by_pattern]
        allowed = [
            end
            for end in ends
            if opens(folded, at)
            and closes(folded, end)
            and normal.whole(at, end)
            and not touches(spans, *normal.span(at, end))
        ]
        if not allowed:
            at += 1
            continue
        if refs := by_pattern[folded[at : allowed[0]]]:
            found.append((*normal.span(at, allowed[0]), tuple(sorted(refs))))
        at = allowed[0]
    return found
