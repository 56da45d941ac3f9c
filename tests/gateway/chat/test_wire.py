from __future__ import annotations

import time

import pytest

from gateway.chat import wire
from gateway.chat.company import PERSONS
from gateway.chat.model import Entry
from gateway.errors import Rejected

SECRET = b"s"


def test_the_signature_is_the_documented_one() -> None:
    # HMAC-SHA256("s", "1700000000.POST./in/web?x=1.{}") computed with openssl dgst -sha256 -hmac s
    expected = "v1=4970997c68e6baa2feb2abc41e9ffee10600705434ad4b8598a3ce3da9372f59"
    assert wire.signature(SECRET, "1700000000", "POST", "/in/web?x=1", b"{}") == expected


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("GET", "/a", b"x"), ("POST", "/b", b"x"), ("POST", "/a", b"y"), ("POST", "/a?q", b"x")],
)
def test_a_signature_covers_method_target_and_body(method: str, target: str, body: bytes) -> None:
    headers = wire.signed(SECRET, "POST", "/a", b"x")
    wire.verify(SECRET, "POST", "/a", headers, b"x")
    with pytest.raises(Rejected):
        wire.verify(SECRET, method, target, headers, body)


@pytest.mark.parametrize("shift", [-301, 302])
def test_an_old_or_future_stamp_is_rejected(shift: int) -> None:
    stamp = str(int(time.time()) + shift)
    headers = {wire.TIMESTAMP: stamp, wire.SIGNATURE: wire.signature(SECRET, stamp, "POST", "/a", b"")}
    with pytest.raises(Rejected):
        wire.verify(SECRET, "POST", "/a", headers, b"")


@pytest.mark.parametrize("headers", [{}, {wire.TIMESTAMP: "x"}, {wire.TIMESTAMP: "-1"}, {wire.TIMESTAMP: "９"}])
def test_a_broken_stamp_is_rejected(headers: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        wire.verify(SECRET, "POST", "/a", headers, b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/card 华星", True),
        ("@Floatcard 华星", True),
        ("请@floatcard 看看", True),
        ("mail me@floatcard.example", False),
        ("@floatcards are nice", False),
        ("明天去华星", False),
    ],
)
def test_what_is_addressed_to_the_bot(text: str, expected: bool) -> None:
    assert wire.addressed(text, direct=False) is expected
    assert wire.addressed(text, direct=True)


def test_a_message_on_the_wire() -> None:
    who = PERSONS[0]
    entry = Entry("m1", "r_east", who.id, "text", 17, "他说\n华星", ((0, 2),))
    said = wire.said(entry, who, "en", direct=False)
    assert said.pop("id").startswith("evt_")
    assert said == {
        "type": "message",
        "scope": "demo",
        "room": "r_east",
        "thread": "",
        "at": 17,
        "who": {"id": "u_liting", "name": "李婷", "kind": "member"},
        "locale": "en",
        "message": "m1",
        "text": "他说\n华星",
        "quotes": [[0, 2]],
        "addressed": False,
    }
