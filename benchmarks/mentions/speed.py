"""How fast mentions are found, beside bare daachorse over the same names, in one run, by turns."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from daachorse import MATCH_KIND_LEFTMOST_LONGEST, CharwiseDoubleArrayAhoCorasick

from benchmarks.mentions.made import customers, messages
from mentions.index import NameIndex
from mentions.model import Name
from mentions.names import prepared
from mentions.normal import normalise
from mentions.saved import save

CHANGES = 300
_RESIDENT = """
import sys
from pathlib import Path
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
path = Path(sys.argv[2])
if sys.argv[1] == "bare":
    from daachorse import CharwiseDoubleArrayAhoCorasick
    before = resident()
    with path.open("rb") as source:
        held = CharwiseDoubleArrayAhoCorasick.deserialize(source.read())
else:
    from mentions.saved import load
    before = resident()
    held = load(path)
print(resident() - before)
"""


def results(size: int) -> Iterator[tuple[str, str]]:
    """Name and value of each figure, at `size` customers."""
    items = list(customers(size))
    patterns = sorted({pattern for _, names in items for pattern, _ in prepared(names)})
    began = time.perf_counter()
    bare = CharwiseDoubleArrayAhoCorasick(patterns, MATCH_KIND_LEFTMOST_LONGEST)
    bare_build = time.perf_counter() - began
    began = time.perf_counter()
    index = NameIndex.build(items)
    yield "build, bare / ours", f"{bare_build:.1f} s / {time.perf_counter() - began:.1f} s"
    yield from _matching(bare, index, [names[-1].text for _, names in items[:5000]])
    yield from _memory(bare, index)
    yield from _changes(index)


def _matching(
    bare: CharwiseDoubleArrayAhoCorasick, index: NameIndex, names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    texts = messages(names, 4000)
    folded = [normalise(text).text for text in texts]
    (segment,) = index.segments()
    for text in texts[:200]:
        index.find(text)
    times = _by_turns([(bare.find, folded), (segment.scan, folded), (normalise, texts), (index.find, texts)])
    bare_p50, scan, fold, find = (median(one) for one in times)
    named = [spent for spent, text in zip(times[3], texts, strict=True) if index.find(text)]
    yield "bare daachorse, p50", f"{bare_p50 * 1e6:.1f} µs"
    yield "match, p50 (and beside bare)", f"{scan * 1e6:.1f} µs ({scan / bare_p50:.2f}x)"
    yield "normalise, p50", f"{fold * 1e6:.1f} µs"
    yield "normalise + match + score, p50", f"{find * 1e6:.1f} µs"
    yield (
        "a message with a name, p50 / p95",
        f"{median(named) * 1e6:.0f} / {sorted(named)[-len(named) // 20] * 1e6:.0f} µs",
    )


def _by_turns(tries: Sequence[tuple[Callable[[str], object], Sequence[str]]]) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in tries]
    for at in range(len(tries[0][1])):
        for spent, (work, texts) in zip(times, tries, strict=True):
            began = time.perf_counter()
            work(texts[at])
            spent.append(time.perf_counter() - began)
    return times


def _memory(bare: CharwiseDoubleArrayAhoCorasick, index: NameIndex) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare").write_bytes(bare.serialize())
        save(index, Path(folder) / "ours")
        ours, theirs = (_resident(name, Path(folder) / name) for name in ("ours", "bare"))
        size = (Path(folder) / "ours").stat().st_size / 1e6
    yield (
        "memory when loaded, bare / ours",
        f"{theirs:.0f} / {ours:.0f} MB ({ours / max(1, theirs):.2f}x), file {size:.0f} MB",
    )


def _resident(name: str, path: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _RESIDENT, name, str(path)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _changes(index: NameIndex) -> Iterator[tuple[str, str]]:
    times: dict[str, list[float]] = {"add": [], "rename": [], "remove": []}
    for number in range(CHANGES):
        times["add"].append(_put(index, f"new{number}", f"Zorvex{number} Labs"))
        times["rename"].append(_put(index, f"new{number}", f"Quilt{number} Labs"))
        times["remove"].append(_remove(index, f"c{number * 7:07}"))
    for what, spent in times.items():
        p99 = sorted(spent)[-len(spent) // 100]
        yield f"{what}, until seen, p50 / p99", f"{median(spent) * 1e3:.2f} / {p99 * 1e3:.2f} ms"


def _put(index: NameIndex, ref: str, name: str) -> float:
    began = time.perf_counter()
    index.put(ref, [Name(name)])
    found = index.find(f"call {name} today")
    spent = time.perf_counter() - began
    assert found
    return spent


def _remove(index: NameIndex, ref: str) -> float:
    began = time.perf_counter()
    index.remove(ref)
    index.find("call them today")
    return time.perf_counter() - began


def table(sizes: Sequence[int]) -> Iterator[str]:
    for size in sizes:
        yield f"\n{size:,} customers, 2.4 names each"
        for name, value in results(size):
            yield f"  {name:38}{value}"
