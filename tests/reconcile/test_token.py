"""P15: what a token proves, and to whom."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Rejected
from reconcile.model import Json
from reconcile.plan import edit_id
from reconcile.token import Parents, Seen, read, read_button, sign, sign_button

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_770_000_000_000
PARENTS = Parents("prod-1", "crm:account:7", "phone", ("h1", "h2"), ("p1",), "card-9", NOW + 1000)


def seen(token: str | None, key: bytes = KEY, deployment: str = "prod-1", now: int = NOW) -> Seen:
    return read(token, key, deployment=deployment, record="crm:account:7", field="phone", now=now)


def test_a_good_token_says_what_was_seen() -> None:
    found = seen(sign(PARENTS, KEY))
    assert found == Seen("ok", ("h1", "h2"), ("p1",))
    assert found.parents == {"h1", "h2", "p1"}


def test_an_expired_one_is_still_evidence() -> None:
    assert seen(sign(PARENTS, KEY), now=NOW + 1000).status == "ok"
    assert seen(sign(PARENTS, KEY), now=NOW + 1001) == Seen("expired", ("h1", "h2"), ("p1",))


@pytest.mark.parametrize("token", [None, ""])
def test_none_is_missing(token: str | None) -> None:
    assert seen(token) == Seen("missing")


def test_another_deployment_counts_as_absent() -> None:
    foreign = replace(PARENTS, deployment="staging")
    assert seen(sign(foreign, OTHER)) == Seen("foreign")
    assert seen(sign(foreign, KEY)) == Seen("foreign")


def test_another_key_under_our_name_is_bad() -> None:
    assert seen(sign(PARENTS, OTHER)) == Seen("bad")


@pytest.mark.parametrize("other", [replace(PARENTS, record="crm:account:8"), replace(PARENTS, field="email")])
def test_another_record_or_field_is_bad(other: Parents) -> None:
    assert seen(sign(other, KEY)) == Seen("bad")


def test_every_changed_character_is_bad() -> None:
    token = sign(PARENTS, KEY)
    for at, was in enumerate(token):
        other = token[:at] + ("A" if was != "A" else "B") + token[at + 1 :]
        assert seen(other).status in ("bad", "foreign"), at
        assert seen(token[:at]).status in ("bad", "missing", "foreign"), at


def test_evidence_cannot_be_added() -> None:
    kind, body, mac = sign(PARENTS, KEY).split(".")
    row = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    row[3].append("h3")
    forged = urlsafe_b64encode(json.dumps(row).encode()).rstrip(b"=").decode()
    assert seen(f"{kind}.{forged}.{mac}") == Seen("bad")


@settings(max_examples=200, derandomize=True)
@given(st.one_of(st.text(), st.text(alphabet="pb1.-_AZaz09=", max_size=60)))
def test_reading_never_raises(text: str) -> None:
    assert seen(text).status in ("missing", "bad", "foreign")
    with pytest.raises(Rejected):
        read_button(text, KEY)


@pytest.mark.parametrize("body", [b"[" * 9000, b"{}", b"[]", b"\xff", b'["prod-1",1,2,3,4,5,6]', b"9" * 5000])
def test_a_hostile_body_is_bad(body: bytes) -> None:
    text = urlsafe_b64encode(body).rstrip(b"=").decode()
    assert seen(f"p1.{text}.AAAA") == Seen("bad")
    with pytest.raises(Rejected):
        read_button(f"b1.{text}.AAAA", KEY)


def test_the_two_kinds_are_not_mistaken_for_each_other() -> None:
    button = sign_button({"do": "settle"}, KEY)
    parents = sign(PARENTS, KEY)
    assert seen(button) == Seen("bad") and seen("p1" + button[2:]) == Seen("bad")
    for token in (parents, "b1" + parents[2:]):
        with pytest.raises(Rejected):
            read_button(token, KEY)


def test_a_button_says_what_it_was_given() -> None:
    payload: dict[str, Json] = {"do": "settle", "edit": "e1", "name": "甲 \ud800 <!channel>", "n": [1, True, None, 1.5]}
    assert read_button(sign_button(payload, KEY), KEY) == payload
    with pytest.raises(Rejected):
        read_button(sign_button(payload, OTHER), KEY)


def test_usual_contents_fit_a_slack_button() -> None:
    ids = tuple(edit_id(str(i), "crm:account:7", "phone") for i in range(30))
    parents = Parents(
        "acme-production", "salesforce:account:0015g00000XyZabAAF", "billing_phone", ids[:20], ids[20:], "x" * 32, NOW
    )
    token = sign(parents, KEY)
    assert (
        len(token) < 1900
        and token.isascii()
        and read(token, KEY, deployment=parents.deployment, record=parents.record, field=parents.field, now=NOW).heads
        == ids[:20]
    )
