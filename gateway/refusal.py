"""Why a target would not take a value, kept beside it so that each reader is told in their own language."""

from __future__ import annotations

import orjson

from cards.words import say
from gateway.errors import Refused

_MARK = "\x1e"
_LONGEST = 300
_FACT = 100


def kept(refused: Refused) -> str:
    """In English where its facts take too much room."""
    facts = {name: _short(value) for name, value in refused.facts.items()}
    try:
        text = _MARK + orjson.dumps([refused.say, facts]).decode()
    except TypeError:  # a lone surrogate
        text = ""
    return text if 0 < len(text) <= _LONGEST else say("en", refused.say, **refused.facts)


def _short(value: object) -> str | list[str]:
    if isinstance(value, tuple | list):
        return [str(each)[:_FACT] for each in value]
    return str(value)[:_FACT]


def worded(locale: str, why: str) -> str:
    """What was kept by `kept`, or before there was that, in the reader's language."""
    if not why.startswith(_MARK):
        return why
    try:
        msgid, facts = orjson.loads(why[1:])
        return say(locale, str(msgid), **facts)
    except (TypeError, ValueError):  # it only looks like that
        return why
