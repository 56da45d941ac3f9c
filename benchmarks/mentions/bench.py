"""Prints how right and how fast mentions are.

    python -m benchmarks.mentions.bench [customers …]

Sizes default to 10,000 and 100,000. With FLOATCARD_DATA set, the labelled messages there are scored as well.
"""

from __future__ import annotations

import sys

from benchmarks.mentions import quality, speed


def main(arguments: list[str]) -> None:
    sizes = [int(one.replace(",", "")) for one in arguments] or [10_000, 100_000]
    for line in quality.table():
        print(line)
    for line in speed.table(sizes):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
