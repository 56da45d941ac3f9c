from __future__ import annotations

import json

import pytest

from gateway.store.heads import Heads, public, read, signing_key

HEADS = Heads("demo", "2026-11-21", '{"heads": {}}', 3, "a" * 64)


def test_signed_heads_are_read_back_with_the_trusted_key_alone() -> None:
    key = signing_key(b"m" * 32)
    text = HEADS.signed(key)
    assert read(text, public(key)) == HEADS
    other = signing_key(b"x" * 32)
    with pytest.raises(ValueError, match="not signed with this key"):
        read(HEADS.signed(other), public(key))
    for name, value in (
        ("audit_seq", 2),
        ("day", "2026-11-20"),
        ("decisions", "{}"),
        ("signature", "00"),
        ("signature", 7),
    ):
        with pytest.raises(ValueError, match="not signed with this key"):
            read(json.dumps({**json.loads(text), name: value}), public(key))
    for broken in ("{}", "[]", "null", '{"version": 1}'):
        with pytest.raises(ValueError, match="no document"):
            read(broken, public(key))
