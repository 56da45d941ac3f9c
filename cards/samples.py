"""Made-up facts for every template: what `Deck.check` draws at start, and what the tests draw as standard cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from cards.facts import (
    AlertView,
    ConflictView,
    ContactView,
    CustomerView,
    FactView,
    HomeView,
    NoteView,
    OpenItemView,
    OptionView,
    RiskView,
    SideView,
    TagView,
    TaskView,
    WhyStep,
    WhyView,
    WithheldView,
)
from cards.tree import Button, FormField
from cards.words import N_, say

Facts: TypeAlias = Mapping[str, Any]

MINUTE: Final = 60_000
DAY: Final = 24 * 60 * MINUTE
NOW: Final = 1_795_228_320_000
"""2026-11-21 02:32 UTC, a Saturday: the moment the samples are drawn at."""


def _button(locale: str, label: str, action: str, style: Any = "default") -> Button:
    return Button(say(locale, label), action, f"v1.{action}.c2lnbmVk", style)


def _fact(locale: str, field: str, label: str, value: str, **more: Any) -> FactView:
    return FactView(field, say(locale, label), value, **more)


def _customer_facts(locale: str) -> tuple[FactView, ...]:
    return (
        _fact(locale, "owner", N_("Owner"), "王敏", source="[CRM]", who="王敏", at=NOW - 2 * MINUTE),
        _fact(locale, "stage", N_("Stage"), "谈判", source="[CRM]", at=NOW - 3 * DAY, editable=True, undecided=True),
        _fact(locale, "renewal", N_("Renewal"), "2026-12-01", source="[Kingdee]", at=NOW - 400 * DAY),
        _fact(
            locale,
            "address",
            N_("Address"),
            "苏州工业园区星湖街 328 号",
            source="[Chat card 1.0]",
            who="Li Ting",
            at=NOW - MINUTE,
            editable=True,
            write_state="saved_here",
        ),
        _fact(locale, "city", N_("City"), "Suzhou", source="[CRM]", write_state="in_crm"),
        _fact(locale, "phone", N_("Phone"), "+86 512 5550 0100", editable=True, write_state="refused"),
    )


def _notes() -> tuple[NoteView, ...]:
    return (
        NoteView("演示完成,等采购流程", "王敏", NOW - 9 * DAY),
        NoteView("Has doubts about the quote; wants a comparison", "Li Ting", NOW - 3 * DAY),
        NoteView("First call with the new head of purchasing", "王敏", NOW - 40 * DAY),
        NoteView("Contract of last year sent", "Li Ting", NOW - 380 * DAY),
    )


def _open_items() -> tuple[OpenItemView, ...]:
    return (
        OpenItemView("Agree a technical review", NOW + 3 * DAY),
        OpenItemView("Send the comparison", NOW - 2 * DAY),
        OpenItemView("Ask for the organisation chart", None),
        OpenItemView("Book the room", NOW - 5 * DAY, done=True),
    )


def full_customer(locale: str) -> CustomerView:
    return CustomerView(
        title="华星医疗",
        url="https://crm.example/accounts/17",
        tags=(TagView("VIP", "info"), TagView("华东")),
        facts=_customer_facts(locale),
        notes=_notes(),
        open_items=_open_items(),
        risks=(RiskView("Invoice 30 days late", "medium"), RiskView("A competitor was invited", "high")),
        contacts=(
            ContactView("陈静", "Head of purchasing", "+86 512 5550 0101", "chen@example.com"),
            ContactView("Bo"),
        ),
        buttons=(
            _button(locale, N_("Edit"), "edit", "primary"),
            _button(locale, N_("Show me everything"), "show_me"),
            _button(locale, N_("Not this customer"), "wrong_customer"),
            _button(locale, N_("Why?"), "why"),
        ),
        as_of=NOW,
        source="[CRM]",
        source_at=NOW - 2 * MINUTE,
        trace="7F3A-19",
    )


def bare_customer(locale: str) -> CustomerView:
    return CustomerView(title="Acme", facts=(_fact(locale, "owner", N_("Owner"), "Bo"),), notes=(), trace="0C11-02")


def _conflict(locale: str) -> ConflictView:
    take = N_("Take this one")
    return ConflictView(
        title="华星医疗",
        field="phone",
        label=say(locale, "Phone"),
        sides=(
            SideView("before", "+86 512 5550 0100", at=NOW - 30 * DAY, source="[CRM]"),
            SideView("crm", "", "王敏", NOW - 5 * MINUTE, "[CRM]", _button(locale, take, "settle")),
            SideView("yours", "+86 512 5550 0199", "Li Ting", NOW, "[Chat card 1.0]", _button(locale, take, "settle")),
            SideView("theirs", "+86 512 5550 0111", "Bo", NOW - MINUTE, "[WeCom 2.3]"),
        ),
        trace="7F3A-20",
    )


def _settled(locale: str) -> ConflictView:
    return ConflictView(
        title="华星医疗",
        field="phone",
        label=say(locale, "Phone"),
        sides=(SideView("before", "1", at=NOW - DAY), SideView("crm", "2", "王敏", NOW - MINUTE, "[CRM]")),
        settled="2",
        settled_by="Li Ting",
        settled_at=NOW,
        undo=_button(locale, N_("Undo"), "undo"),
        trace="7F3A-21",
    )


def _alert(locale: str) -> AlertView:
    return AlertView(
        rule="risk_high",
        title="华星医疗",
        what="The risk turned high: a competitor was invited.",
        since=NOW - 10 * MINUTE,
        tone="danger",
        proposal="Call the owner today",
        buttons=(_button(locale, N_("Acknowledge"), "ack", "primary"), _button(locale, N_("Snooze"), "snooze")),
        trace="7F3A-22",
    )


def _home(locale: str, customer: CustomerView) -> HomeView:
    tasks = (TaskView("华星医疗", OpenItemView("Send the comparison", NOW - 2 * DAY)),)
    return HomeView((customer,), tasks, (_alert(locale),), (_button(locale, N_("Link my account"), "code"),))


def _alert_in(state: Any, **more: Any) -> AlertView:
    return AlertView("conflict_open", "Acme", "A conflict is open.", NOW - DAY, "warning", state=state, **more)


def _options(locale: str) -> tuple[OptionView, ...]:
    mean = N_("This one")
    return (
        OptionView("华星医疗（苏州）", ("Suzhou", "王敏", "11-18"), _button(locale, mean, "pick")),
        OptionView("华星医疗（成都）", (), _button(locale, mean, "pick")),
    )


def _fields(locale: str) -> tuple[FormField, ...]:
    return (
        FormField(
            "phone",
            say(locale, "Phone"),
            "+86 512 5550 0100",
            "phone",
            source="[CRM] 王敏 10:30",
            hint="With the country code",
            error="This is not a phone number.",
            max_length=40,
            token="v1.parents.c2lnbmVk",  # noqa: S106 - a sample, signed by nobody
        ),
        FormField("stage", say(locale, "Stage"), "won", "choice", ("new", "won", "lost"), ("New", "Won", "Lost")),
        FormField("size", "Size", "S", "choice", ("S", "L")),
        FormField("about", "About", "two\nlines", "long"),
    )


def _why(locale: str) -> WhyView:
    steps = (
        WhyStep("Matched", "“华星” is a short name of 华星医疗"),
        WhyStep("Heard by", "4 people, one guest"),
        WhyStep("Withheld", "Contract value"),
    )
    return WhyView("华星医疗", steps, "7F3A-23")


def samples(locale: str) -> dict[str, tuple[Facts, ...]]:
    """Facts by template name: the first is the standard one, the others are its other states."""
    customer, bare = full_customer(locale), bare_customer(locale)
    notice = {"title": "Saved", "text": "The phone number is saved here.", "tone": "info"}
    return {
        "customer": ({"customer": customer}, {"customer": bare}),
        "customers": ({"customers": (customer, bare), "trace": "7F3A-24"}, {"customers": (bare,), "trace": ""}),
        "picker": ({"surface": "华星", "options": _options(locale)},),
        "edit_form": ({"title": "华星医疗", "fields": _fields(locale), "data": "v1.form.c2lnbmVk"},),
        "conflict": ({"conflict": _conflict(locale)}, {"conflict": _settled(locale)}),
        "alert": (
            {"alert": _alert(locale)},
            {"alert": _alert_in("acknowledged", by="Bo")},
            {"alert": _alert_in("snoozed", by="Bo", until=NOW + DAY)},
            {"alert": _alert_in("over")},
        ),
        "link": (
            {"code": "K7QF-93MD", "expires": NOW + 10 * MINUTE, "url": "https://card.example/link"},
            {"code": "K7QF-93MD", "expires": NOW + 10 * MINUTE, "url": ""},
        ),
        "home": ({"home": _home(locale, customer)}, {"home": HomeView((), (), ())}),
        "show_me": ({"customer": customer}, {"customer": bare}),
        "withheld": ({"reasons": (WithheldView(("Phone", "Contract value"), "A guest is in this room."),)},),
        "notice": (
            {**notice, "buttons": (_button(locale, N_("Undo"), "undo"),)},
            {"title": "", "text": "Nothing to undo.", "tone": "neutral", "buttons": ()},
        ),
        "why": ({"why": _why(locale)},),
    }
