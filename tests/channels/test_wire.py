"""What comes from outside is read into what can be stored, however it was written."""

from __future__ import annotations

import json

import pytest

from channels.wire import json_bytes, json_object
from gateway.errors import Unreadable


@pytest.mark.parametrize(
    "raw",
    [
        b'{"text":"a\\ud83db"}',
        b'{"text":"a\xed\xa0\xbdb"}',  # the same half of a character as it is, which is no UTF-8
        '{"text":"a\ud83db"}',
        b'{"text":"a\\u0000b"}',
    ],
)
def test_half_a_character_is_replaced_escaped_or_not(raw: bytes | str) -> None:
    read = json_object(raw)
    assert read == {"text": "a\ufffdb"}
    read["text"].encode()


def test_what_is_whole_stays_as_it_is() -> None:
    said = {"text": "华星 😀 \\ud83d"}
    assert json_object(json.dumps(said)) == json_object(json.dumps(said, ensure_ascii=False).encode()) == said
    assert json_object(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize("raw", [b'{"a":"\xff"}', '{"a":1}'.encode("utf-16"), b"[" * 200_000, b"[]", b"", b"1" * 5_000])
def test_what_is_not_utf8_or_no_object_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        json_object(raw)


@pytest.mark.parametrize("text", ['华星 😀 \\ "', "a\ud83db", "\x00\x1f\x7f\u2028</script>", ""])
def test_a_body_says_what_was_given_whatever_is_in_it(text: str) -> None:
    given = {"text": text, "blocks": [{"at": 1, "more": 2**70, "on": True, "none": None, text: 0.1}]}
    assert json.loads(json_bytes(given).decode("utf-8")) == given
    assert json.loads(json_bytes({"text": text}).decode("utf-8")) == {"text": text}
