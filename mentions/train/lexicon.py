"""Makes `zh_words.txt.gz` and its automaton, `en_words.txt.gz` and `pinyin.txt.gz` from lists that may be shipped.

    python -m mentions.train.lexicon JIEBA_DICT SYMSPELL_EN HUNSPELL_EN PINYIN

JIEBA_DICT: `dict.txt` of jieba 0.42.1 (MIT). SYMSPELL_EN: `frequency_dictionary_en_82_765.txt` of symspellpy 6.10.1
(MIT; its counts come from Google Books Ngrams, CC BY 3.0, its words from SCOWL). HUNSPELL_EN: the `en_US` files in
spylls 0.1.7, without ending (SCOWL's own licence, as free as MIT's). PINYIN: `pinyin_dict.json` of pypinyin 0.55.0
(MIT).
"""

from __future__ import annotations

import gzip
import json
import lzma
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from mentions.lexicon import machine
from mentions.words import DATA

LEAST_COUNT = 5
ENGLISH_WORDS = 40_000
COMMON_IDEOGRAPHS = range(0x4E00, 0x9FA6)
# What a lexicon's many word classes come down to.
CLASSES = {
    "nr": "person",
    "nrt": "person",
    "nrfg": "person",
    "ns": "place",
    "nt": "org",
    "nz": "brand",
    "n": "noun",
    "ng": "noun",
    "v": "verb",
    "vn": "verb",
    "vd": "verb",
    "vg": "verb",
    "a": "adjective",
    "ad": "adjective",
    "an": "adjective",
    "b": "adjective",
    "z": "adjective",
    "d": "adverb",
    "i": "idiom",
    "l": "idiom",
    "m": "number",
    "mq": "number",
    "q": "number",
    "t": "time",
    "j": "short",
    "f": "position",
    "s": "position",
}


def write(path: Path, lines: Iterable[str]) -> None:
    """The same lines always make the same bytes."""
    data = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data, 9, mtime=0))


def chinese(source: Path) -> list[str]:
    rows = []
    for line in source.read_text(encoding="utf-8").splitlines():
        word, count, kind = line.split()
        if int(count) >= (1 if len(word) == 1 else LEAST_COUNT) and not word.isascii():
            rows.append(f"{word.casefold()}\t{count}\t{CLASSES.get(kind, 'other')}")
    return sorted(rows)


def english(counts: Path, lookup: Callable[[str], bool]) -> list[str]:
    """Most frequent first: word, and whether it is written small (common) or only large (proper)."""
    words = [line.split()[0] for line in counts.read_text(encoding="utf-8-sig").splitlines()]

    def kind(word: str) -> str:
        return "common" if lookup(word) else "proper" if lookup(word.capitalize()) else "other"

    return [f"{word}\t{kind(word)}" for word in words[:ENGLISH_WORDS]]


def pinyin(source: Path) -> list[str]:
    """Each ideograph with its readings, without tones, the usual one first."""
    readings: dict[str, str] = json.loads(source.read_text(encoding="utf-8"))
    plain = ((chr(code), _without_tones(readings.get(str(code), ""))) for code in COMMON_IDEOGRAPHS)
    return [f"{one}\t{','.join(sounds)}" for one, sounds in plain if sounds]


def _without_tones(readings: str) -> list[str]:
    parts = unicodedata.normalize("NFD", readings.translate(dict.fromkeys(map(ord, "üǖǘǚǜ"), "v")))
    plain = "".join(c for c in parts if not unicodedata.combining(c)).replace("ê", "e")
    return list(dict.fromkeys(one for one in plain.split(",") if one.isascii() and one.isalpha()))


def main(arguments: list[str]) -> None:
    from spylls.hunspell import Dictionary  # type: ignore[import-not-found, unused-ignore]

    jieba, symspell, hunspell, readings = (Path(one) for one in arguments)
    write(DATA / "zh_words.txt.gz", chinese(jieba))
    (DATA / "zh_words.machine.xz").write_bytes(lzma.compress(machine().serialize()))
    write(DATA / "en_words.txt.gz", english(symspell, Dictionary.from_files(str(hunspell)).lookup))
    write(DATA / "pinyin.txt.gz", pinyin(readings))


if __name__ == "__main__":
    main(sys.argv[1:])
