"""The way of a form: drawn as a modal, submitted as Slack submits one, read again, answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.models.views import View

from cards import tree
from channels import model
from channels.model import ImId, MessageRef, Place
from channels.slack import parse
from channels.slack.cards import draw, message, view
from channels.slack.text import escaped, said_plainly
from channels.wire import Source
from tests.channels.harness import NOW, make

WHERE = ("C0SALES01", "1.0", "1.5")
SOURCE = Source("slack", "T0FLOAT01", NOW)


def form(*fields: tree.FormField, data: str = "v1.form") -> tree.Card:
    return tree.Card("edit_form", "s", (tree.Title("Edit 华星"), tree.Form(data, fields, "Save", "Cancel")))


def submitted(shown: dict[str, Any], **typed: str) -> model.Submitted:
    """What Slack sends for a view: its blocks, its metadata, and every input's state."""
    inputs = [block for block in shown["blocks"] if block["type"] == "input"]
    state = {block["block_id"]: {"value": _state(block["element"], typed.get(block["block_id"]))} for block in inputs}
    payload = {
        "type": "view_submission",
        "user": {"id": "U1"},
        "trigger_id": "tr.2",
        "view": {**shown, "id": "V1", "state": {"values": state}},
    }
    (event,) = parse(SOURCE, json.loads(json.dumps(payload)))
    assert isinstance(event, model.Submitted)
    return event


def _state(element: dict[str, Any], typed: str | None) -> dict[str, Any]:
    if element["type"] == "datepicker":
        return {"type": "datepicker", "selected_date": typed or element.get("initial_date")}
    if element["type"] == "static_select":
        return {"type": "static_select", "selected_option": element.get("initial_option")}
    return {"type": "plain_text_input", "value": typed or element.get("initial_value")}


def test_a_form_comes_back_as_it_went_out() -> None:
    fields = (
        tree.FormField("phone", "Phone", "+86 512\u202e", source="[CRM] 10:30", token="v1.p"),
        tree.FormField("stage", "Stage", "won", "choice", ("open", "won"), ("Offen", "Gewonnen"), token="v1.s"),
        tree.FormField("odd", "Odd", "neither", "choice", ("open", "won")),
        tree.FormField("renewal", "Renewal", "2026-12-01", "date", token="v1.r"),
        tree.FormField("empty", "Empty"),
        tree.FormField("notes", "Notes", "a\nb", "long"),
    )
    shown = view(form(*fields), WHERE)
    View(**shown).to_dict()
    event = submitted(shown, phone="+86 513")
    assert event.values == {
        "phone": "+86 513",
        "stage": "won",
        "odd": "neither",
        "renewal": "2026-12-01",
        "empty": "",
        "notes": "a\nb",
    }
    assert event.tokens == {"phone": "v1.p", "stage": "v1.s", "renewal": "v1.r"}
    assert (event.data, event.where) == ("v1.form", Place("slack", "C0SALES01", "1.0"))
    assert event.message == MessageRef(event.where, "1.5")
    labels = [option["text"]["text"] for option in shown["blocks"][2]["element"]["options"]]
    assert labels == ["Offen", "Gewonnen"]


@pytest.mark.parametrize("count", [1, 5, 8, 20, 40])
def test_tokens_that_overflow_the_metadata_come_back_too(count: int) -> None:
    fields = [tree.FormField(f"f{at}", "F", "x", token=f"v1.{at}." + "aB3_" * 150) for at in range(count)]
    shown = view(form(*fields, data="v1." + "d" * 1_800), WHERE)
    View(**shown).to_dict()
    assert len(shown["blocks"]) <= 100
    assert len(shown["private_metadata"]) <= 3_000
    event = submitted(shown)
    fit = count <= 20
    assert event.tokens == ({field.name: field.token for field in fields} if fit else {}), "all of them, or none"
    assert event.data == "v1." + "d" * 1_800
    assert len(event.values) == count


def test_what_an_input_cannot_hold_is_shown_and_not_asked() -> None:
    long, short = (tree.FormField(name, name, "x" * size) for name, size in (("long", 3_001), ("short", 3_000)))
    shown = view(form(long, short), WHERE)
    assert [block["type"] for block in shown["blocks"]] == ["header", "section", "input"]
    assert submitted(shown).values == {"short": "x" * 3_000}


@pytest.mark.parametrize("options", [(), tuple(map(str, range(101))), ("x" * 151,)])
def test_a_choice_slack_cannot_offer_is_typed(options: tuple[str, ...]) -> None:
    shown = view(form(tree.FormField("f", "F", "", "choice", options)))
    assert shown["blocks"][-1]["element"]["type"] == "plain_text_input"


@pytest.mark.parametrize("value", ["2026-02-31", "soon", "2026-2-1"])
def test_a_date_slack_would_refuse_is_typed(value: str) -> None:
    shown = view(form(tree.FormField("f", "F", value, "date")))
    assert shown["blocks"][-1]["element"]["type"] == "plain_text_input"
    assert submitted(shown).values == {"f": value}


def test_a_form_in_a_message_is_read_only_and_shows_its_values() -> None:
    drawn = message(form(tree.FormField("phone", "Phone", "+86 512")))
    assert "+86 512" in json.dumps(drawn)
    assert not [block for block in drawn["blocks"] if block["type"] == "input"]
    assert draw(form())["type"] == "modal"


EVENT = submitted(view(form(tree.FormField("phone", "P"), tree.FormField("city", "C")), WHERE))


def answered(answer: model.Answer) -> Any:
    body = make("slack").answer(EVENT, answer).body
    return json.loads(body) if body else None


def test_a_fields_error_stands_at_its_input() -> None:
    assert answered(model.FieldErrors({"phone": "Not a number"})) == {
        "response_action": "errors",
        "errors": {"phone": "Not a number"},
    }


def test_an_error_of_a_field_that_was_not_asked_is_still_said() -> None:
    assert answered(model.FieldErrors({"gone": "Read only"}))["errors"] == {"phone": "Read only"}


def test_a_card_answers_in_the_modal_and_keeps_its_place() -> None:
    card = tree.Card("conflict", "s", (tree.Title("Conflict"), tree.Actions((tree.Button("Keep", "keep", "v1"),))))
    answer = answered(model.ShowCard(card))
    assert answer["response_action"] == "update"
    View(**answer["view"]).to_dict()
    press = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "trigger_id": "tr.3",
        "view": answer["view"],
        "actions": [{"type": "button", **answer["view"]["blocks"][-1]["elements"][0]}],
    }
    (pressed,) = parse(SOURCE, json.loads(json.dumps(press)))
    assert isinstance(pressed, model.Pressed)
    assert (pressed.action, pressed.data, pressed.where.room) == ("keep", "v1", "C0SALES01")
    assert pressed.message == EVENT.message


def test_words_and_nothing() -> None:
    toast = answered(model.Toast("Saved", "info"))
    assert "Saved" in json.dumps(toast["view"])
    View(**toast["view"]).to_dict()
    assert answered(model.Nothing()) is None


def test_a_press_is_not_answered_in_its_response() -> None:
    pressed = model.Pressed("o", Place("slack", "C"), model.Sender(ImId("slack", "T", "user", "U"), ""), "a", "d", 0)
    with pytest.raises(TypeError, match="Pressed"):
        make("slack").answer(pressed, model.Toast("x"))


def test_a_second_try_of_a_form_is_another_event() -> None:
    shown = view(form(tree.FormField("phone", "P")), WHERE)
    view_ = {**shown, "id": "V1", "state": {"values": {}}}
    base = {"type": "view_submission", "user": {"id": "U1"}, "view": view_}
    first, second = (parse(SOURCE, {**base, "trigger_id": id_})[0].once for id_ in ("tr.1", "tr.2"))
    assert first != second


def test_a_view_that_is_not_ours_is_unreadable() -> None:
    for metadata in ("", "{}", '{"w":["a"]}', '{"w":["a","b","c"]}', '{"w":["a","b","c"],"d":1}', "[]"):
        body = {
            "type": "view_submission",
            "user": {"id": "U1"},
            "trigger_id": "t",
            "view": {"private_metadata": metadata},
        }
        with pytest.raises(Exception, match=r"not|missing"):
            parse(SOURCE, body)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("a &amp;lt; b", "a &lt; b"),
        ("<https://acme.example|Acme &amp; co>", "Acme & co"),
        ("<https://acme.example>", "https://acme.example"),
        ("<mailto:a@acme.example|a@acme.example>", "a@acme.example"),
        ("<mailto:a@acme.example>", "a@acme.example"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<!channel> <#C1> <@U2>", "@channel #C1 @U2"),
        ("<@UBOT>, /card 华星", "/card 华星"),
        ("<@UBOT>:/card", "/card"),
        ("hi <@UBOT>", "hi "),
        ("<<>>", "<>"),
        ("<", "<"),
    ],
)
def test_markup_becomes_words(raw: str, plain: str) -> None:
    assert said_plainly(raw, "UBOT")[0] == plain


def test_quotes_are_marked_line_by_line_or_to_the_end() -> None:
    text, quoted, _ = said_plainly("&gt; a\nb\n&gt;&gt;&gt; c\nd", "")
    assert [text[first:last] for first, last in quoted] == ["> a", ">>> c", "d"]


def test_escaping_leaves_nothing_slack_reads() -> None:
    assert escaped("<!channel> & *b* _i_ ~s~ `c`") == "&lt;!channel&gt; &amp; ∗b∗ ˍiˍ ∼s∼ ˋcˋ"
