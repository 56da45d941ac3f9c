from __future__ import annotations

from pathlib import Path

import pytest

from cards.facts import CustomerView
from cards.samples import DAY, NOW, bare_customer, full_customer, samples
from cards.tree import (
    Actions,
    Block,
    Card,
    Columns,
    Divider,
    Fact,
    Footer,
    Form,
    Note,
    OpenItem,
    Risk,
    Row,
    Text,
    Title,
)
from tests.cards.standard import STANDARD, draw, every_card, standard_cards

PROMISED = {
    "customer",
    "customers",
    "picker",
    "edit_form",
    "conflict",
    "alert",
    "link",
    "home",
    "show_me",
    "withheld",
    "notice",
    "why",
}


def of(card: Card, kind: type[Block]) -> list[Block]:
    return [block for block in card.blocks if isinstance(block, kind)]


def test_every_promised_template_is_drawn_in_both_languages() -> None:
    assert set(STANDARD) == PROMISED
    for locale in ("en", "zh-CN"):
        cards = standard_cards(locale)
        assert {name: (card.name, card.locale) for name, card in cards.items()} == {n: (n, locale) for n in PROMISED}
        assert all(card.summary and card.blocks for card in cards.values())


def test_every_template_of_ours_is_promised() -> None:
    files = {path.name.removesuffix(".xml.j2") for path in Path("cards/templates").glob("*.xml.j2")}
    assert files - {"parts"} == PROMISED


def test_the_customer_card_stands_in_the_order_of_the_sketch() -> None:
    card = standard_cards("zh-CN")["customer"]
    kinds = [type(block) for block in card.blocks]
    assert kinds == [Title, Risk, *[Fact] * 6, Divider, *[Note] * 3, *[OpenItem] * 3, Actions, Footer]
    assert card.blocks[1] == Risk("A competitor was invited", "high", "高风险")
    assert card.blocks[-1] == Footer("10:32", "[CRM] 10:30", "溯源 7F3A-19", NOW)
    assert card.tone == "danger"


def test_an_english_footer() -> None:
    assert standard_cards("en")["customer"].blocks[-1] == Footer("10:32", "[CRM] 10:30", "trace 7F3A-19", NOW)


def test_facts_say_their_state() -> None:
    facts = {fact.label: fact for fact in of(standard_cards("en")["customer"], Fact) if isinstance(fact, Fact)}
    assert facts["Owner"].source == "[CRM] 王敏 10:30"
    assert facts["Stage"].source == "[CRM] Nov 18 10:32 · not decided yet"
    assert (facts["Stage"].undecided, facts["Stage"].editable) == (True, True)
    assert facts["Renewal"].source == "[Kingdee] Oct 17, 2025 10:32"
    assert facts["Address"].source == "[Chat card 1.0] Li Ting 10:31 · saved here, not yet in the CRM"
    assert facts["City"].source == "[CRM] · in the CRM"
    assert facts["Phone"].source == "the CRM refused it"


def test_only_facts_one_can_act_on_follow_the_first_three() -> None:
    facts = full_customer("en").facts
    plain = tuple(type(fact)(fact.field, fact.label, fact.value) for fact in facts)
    card = draw("customer", {"customer": CustomerView("A", facts=plain)})
    assert [fact.label for fact in card.blocks if isinstance(fact, Fact)] == ["Owner", "Stage", "Renewal"]


def test_notes_newest_first_and_open_items_overdue_first() -> None:
    card = standard_cards("zh-CN")["customer"]
    assert [note.date for note in card.blocks if isinstance(note, Note)] == ["11-18", "11-12", "10-12"]
    items = [item for item in card.blocks if isinstance(item, OpenItem)]
    assert [(item.due, item.overdue) for item in items] == [("逾期（11-19 到期）", True), ("11-24", False), ("", False)]


def test_a_card_has_three_buttons_and_show_me_all_of_them() -> None:
    cards = standard_cards("en")
    assert [len(row.buttons) for row in cards["customer"].blocks if isinstance(row, Actions)] == [3]
    assert [len(row.buttons) for row in cards["show_me"].blocks if isinstance(row, Actions)] == [4]


def test_withheld_and_empty_look_the_same() -> None:
    empty = bare_customer("en")
    none = CustomerView(empty.title, facts=empty.facts, trace=empty.trace)
    for name in ("customer", "show_me"):
        assert draw(name, {"customer": empty}) == draw(name, {"customer": none})


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Pacific/Kiritimati", "America/Los_Angeles", "No/Where"])
def test_an_item_is_overdue_from_midnight_in_the_readers_zone(zone: str) -> None:
    from cards.facts import OpenItemView
    from cards.words import Reader
    from tests.cards.standard import deck

    items = tuple(OpenItemView(str(hours), NOW - hours * DAY // 24) for hours in range(48))
    card = deck().draw("show_me", locale="en", zone=zone, now=NOW, customer=CustomerView("A", open_items=items))
    late = {item.text for item in card.blocks if isinstance(item, OpenItem) and item.overdue}
    reader = Reader("en", zone, NOW)
    assert late == {item.text for item in items if item.due and reader.date(item.due) != reader.date(NOW)}


def test_a_conflict_shows_every_side_and_settled_has_no_button_but_undo() -> None:
    still_open, settled = (draw("conflict", facts) for facts in samples("en")["conflict"])
    sides = next(block for block in still_open.blocks if isinstance(block, Columns)).columns
    assert [side.label for side in sides] == ["Before", "Now in the CRM", "Yours", "Changed to"]
    assert sides[1].value == "(empty)"
    assert [side.button is not None for side in sides] == [False, True, True, False]
    done = next(block for block in settled.blocks if isinstance(block, Columns)).columns
    assert not any(side.button for side in done)
    assert Text("Settled by Li Ting at 10:32.") in settled.blocks
    assert [[b.label for b in row.buttons] for row in settled.blocks if isinstance(row, Actions)] == [["Undo"]]


def test_an_alert_says_its_state() -> None:
    states = [draw("alert", facts) for facts in samples("zh-CN")["alert"]]
    english = [draw("alert", facts, "en") for facts in samples("en")["alert"]]
    badges = [[badge.text for badge in card.blocks[0].badges] for card in english if isinstance(card.blocks[0], Title)]
    assert badges == [[], ["Acknowledged"], ["Snoozed"], ["Over"]]
    assert [card.tone for card in states] == ["danger", "neutral", "neutral", "neutral"]
    assert Fact("Comes back", "Nov 22 10:32", at=NOW + DAY) in english[2].blocks


def test_a_form_keeps_values_tokens_and_options_whole() -> None:
    card = standard_cards("en")["edit_form"]
    form = next(block for block in card.blocks if isinstance(block, Form))
    assert form.fields == STANDARD["edit_form"]["fields"]
    assert (form.data, form.submit, form.cancel) == ("v1.form.c2lnbmVk", "Save", "Cancel")


def test_several_customers_have_a_row_each() -> None:
    rows = of(standard_cards("en")["customers"], Row)
    assert rows[0] == Row("华星医疗", "Owner 王敏 · Stage 谈判", "danger", full_customer("en").buttons[0])
    assert rows[1] == Row("Acme", "Owner Bo")


def test_all_states_of_all_templates_differ_between_the_languages() -> None:
    for english, chinese in zip(every_card("en"), every_card("zh-CN"), strict=True):
        assert english.locale == "en"
        assert chinese.locale == "zh-CN"
        if english.name not in {"notice"}:
            assert english.blocks != chinese.blocks
