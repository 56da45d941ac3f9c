"""What is remembered of a name as it was said: folded, of bounded length, and such as every database can hold."""

from __future__ import annotations

import hashlib
import re

from mentions.normal import normalise_name

LONGEST = 200
_UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")


def spoken(words: str) -> str:
    """The same for the same folded words; two that differ only behind two hundred signs stay two."""
    name = _UNHOLDABLE.sub("\ufffd", normalise_name(words))
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}…{hashlib.sha256(name.encode()).hexdigest()[:8]}"
