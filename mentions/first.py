"""Very many names made ready in another process, which takes with it, when it ends, the memory that takes.

`python -m mentions.first FOLDER`: `names`, `contacts` and `slips`, of the lines in `names.jsonl` and `contacts.jsonl`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mentions import saved, slips
from mentions.aside import GENTLE, run_aside
from mentions.index import NameIndex
from mentions.model import Name
from mentions.suggest import Suggester

Made = tuple[NameIndex, NameIndex, Suggester]
"""Names, contacts, and what may be meant."""


def write(path: Path, items: Iterable[tuple[str, Sequence[Name]]]) -> None:
    """A line more for each customer. Raises OSError."""
    with path.open("a", encoding="ascii") as out:
        for ref, names in items:
            out.write(json.dumps([ref, [[name.text, name.kind, name.prior] for name in names]]) + "\n")


def made(folder: Path) -> Made:
    """Of the lines in `folder`, which may go afterwards. Raises OSError or BadIndexFile."""
    run_aside("mentions.first", str(folder))
    return saved.load(folder / "names"), saved.load(folder / "contacts"), slips.load(folder / "slips")


def make(folder: Path) -> Made:
    """The same in this process. Raises OSError."""
    names, contacts = folder / "names.jsonl", folder / "contacts.jsonl"
    return NameIndex.build(read(names)), NameIndex.build(read(contacts)), Suggester(read(names))


def read(path: Path) -> Iterator[tuple[str, list[Name]]]:
    """What `write` wrote. Raises OSError."""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            ref, names = json.loads(line)
            yield ref, [Name(*each) for each in names]


def main(folder: Path) -> None:
    os.nice(GENTLE)
    names, contacts, suggester = make(folder)
    saved.save(names, folder / "names")
    saved.save(contacts, folder / "contacts")
    slips.save(suggester, folder / "slips")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
