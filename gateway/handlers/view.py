"""From a disclosed record to what a template is handed: labels, formatted values, buttons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from cards.facts import ContactView, CustomerView, FactView, NoteView, OpenItemView, RiskView, TagView
from cards.tree import Button, Tone
from cards.words import N_, join, local, match, say
from crm.model import FieldValue, Item, Record
from gateway.config.model import FieldSpec
from gateway.refusal import worded as worded_refusal
from gateway.store.ledger import FieldState
from reconcile.model import Json

LISTS = {
    "note": N_("Notes"),
    "open_item": N_("Open items"),
    "risk": N_("Risks"),
    "contact": N_("Contacts"),
    "name": N_("Name"),
}
_SOON_DAYS = 30


def label(spec: FieldSpec | None, field: str, locale: str) -> str:
    """The field's name in the reader's language, else in English, else as configured."""
    if spec is None:
        return field
    return spec.label.get(match(locale)) or spec.label.get("en") or field


def worded(spec: FieldSpec | None, value: Json, locale: str, now: int, zone: str = "") -> str:
    """A value as people read it. A cleared one is a dash: never a blank that could be read as unknown.

    With a zone a date that is near also says in how many days: see `until`, when that is another number.
    """
    if value is None or value == "":
        return "—"
    if isinstance(value, list):
        return join(locale, [worded(spec, each, locale, now, zone) for each in value]) or "—"
    text = value if isinstance(value, str) else str(value)
    if spec is None:
        return text
    if spec.type == "choice":
        labels = spec.options.get(text, {})
        return labels.get(match(locale)) or labels.get("en") or text
    if spec.type == "date":
        return _dated(text, locale, now, zone)
    if spec.type == "decimal":
        return _grouped(text)
    return text


def _dated(text: str, locale: str, now: int, zone: str) -> str:
    left = _days_left(text, now, zone) if zone else None
    if left in (0, 1):
        return say(locale, N_("{date} (tomorrow)") if left else N_("{date} (today)"), date=text)
    if left is not None and 1 < left <= _SOON_DAYS:
        return say(locale, "{date} ({days} days)", date=text, days=left)
    return text


def _days_left(text: str, now: int, zone: str) -> int | None:
    try:
        return (date.fromisoformat(text) - local(now, zone).date()).days
    except ValueError:
        return None


def until(record: Record, specs: Mapping[str, FieldSpec], now: int, zone: str) -> int | None:
    """The next midnight in the zone when a shown date counts days, or will from then on; else None."""
    dates = (str(value.value) for name, value in record.fields.items() if name in specs and specs[name].type == "date")
    left = [days for days in (_days_left(text, now, zone) for text in dates) if days is not None]
    if not any(0 <= days <= _SOON_DAYS + 1 for days in left):
        return None
    midnight = local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return int(midnight.timestamp() * 1000)


def _grouped(text: str) -> str:
    whole, dot, rest = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{dot}{rest}" if digits.isdecimal() and len(digits) < 30 else text


def customer(
    record: Record,
    specs: Mapping[str, FieldSpec],
    *,
    locale: str,
    now: int,
    zone: str = "",
    editable: Iterable[str] = (),
    buttons: tuple[Button, ...] = (),
    everything: bool = False,
    writes: Mapping[str, FieldState] | None = None,
) -> CustomerView:
    """What this audience may see of it. `everything` shows also the facts that wait behind *show me*."""
    shown = [name for name, value in record.fields.items() if name in specs and _filled(value)]
    facts = [name for name in shown if not specs[name].tag and (everything or specs[name].card)]
    facts.sort(key=lambda name: (specs[name].card or 99, name))
    decided = [record.fields[name] for name in (*facts, *_tags(shown, specs)) if record.fields[name].decision]
    newest = max(decided, key=_age, default=None)
    offered = frozenset(editable)
    return CustomerView(
        title=record.title,
        url=record.url,
        tags=_tag_views(record, specs, shown, locale, now),
        facts=tuple(_fact(record, specs, name, locale, now, zone, offered, writes or {}) for name in facts),
        notes=_notes(record),
        open_items=_open_items(record),
        risks=_risks(record),
        contacts=_contacts(record) if everything else None,
        buttons=buttons,
        as_of=now,
        source=newest.source if newest is not None else "",
        source_at=newest.as_of if newest is not None else 0,
        trace=(newest.decision or "") if newest is not None else "",
    )


def tells(record: Record, specs: Mapping[str, FieldSpec], *, everything: bool = False) -> tuple[str, ...]:
    """The names of what `customer` shows of it."""
    shown = [name for name, value in record.fields.items() if name in specs and _filled(value)]
    fields = [name for name in shown if everything or specs[name].tag or specs[name].card]
    lists = [kind for kind, items in record.related.items() if items and (everything or kind != "contact")]
    return ("name", *fields, *lists, *(["url"] if record.url else ()))


def _filled(value: FieldValue) -> bool:
    """A field that was cleared is shown as cleared; one that never had a value is not shown at all."""
    return value.value is not None or value.decision is not None


def _age(value: FieldValue) -> tuple[int, str]:
    return value.as_of, value.decision or ""


def _tags(shown: list[str], specs: Mapping[str, FieldSpec]) -> list[str]:
    return sorted((name for name in shown if specs[name].tag), key=lambda name: (specs[name].card, name))


def _tag_views(
    record: Record, specs: Mapping[str, FieldSpec], shown: list[str], locale: str, now: int
) -> tuple[TagView, ...]:
    values = ((name, record.fields[name].value) for name in _tags(shown, specs))
    tone: Tone = "info"
    gone = [TagView(say(locale, why_gone(record)), "danger")] if record.deleted else []
    return (*gone, *(TagView(worded(specs[name], value, locale, now), tone) for name, value in values if value))


def why_gone(record: Record) -> str:
    """Why nobody may edit it, as a message id."""
    if record.merged_into:
        return N_("Merged into another customer in the CRM: read only")
    return N_("Deleted in the CRM: read only")


def _fact(
    record: Record,
    specs: Mapping[str, FieldSpec],
    name: str,
    locale: str,
    now: int,
    zone: str,
    editable: frozenset[str],
    writes: Mapping[str, FieldState],
) -> FactView:
    value, spec = record.fields[name], specs[name]
    wrote = writes.get(name)
    return FactView(
        field=name,
        label=label(spec, name, locale),
        value=worded(spec, value.value, locale, now, zone),
        source=value.source,
        who=value.actor,
        at=value.as_of if value.actor else 0,  # what the CRM says of itself is as old as the footer says
        editable=name in editable and spec.editable,
        undecided=value.undecided,
        write_state=wrote.write if wrote is not None else "",
        write_at=wrote.written_at if wrote is not None and wrote.write == "in_crm" else 0,
        write_why=why_not(wrote, locale) if wrote is not None else "",
    )


def why_not(state: FieldState, locale: str) -> str:
    """Why a target does not hold the value, or nobody knows whether it does; empty where there is no trouble."""
    return worded_refusal(locale, state.why_refused) if state.write in ("refused", "in_doubt", "disputed") else ""


def _notes(record: Record) -> tuple[NoteView, ...] | None:
    items = record.related.get("note")
    if items is None:
        return None
    return tuple(NoteView(each.text, each.who, each.at) for each in sorted(items, key=lambda each: -each.at))


def _open_items(record: Record) -> tuple[OpenItemView, ...] | None:
    items = record.related.get("open_item")
    if items is None:
        return None
    waiting = [each for each in items if not each.done]
    waiting.sort(key=lambda each: (each.due is None, each.due or 0))
    return tuple(OpenItemView(each.text, each.due) for each in waiting)


_LEVELS = {"high": 0, "medium": 1, "low": 2}


def _risks(record: Record) -> tuple[RiskView, ...] | None:
    items = record.related.get("risk")
    if items is None:
        return None
    return tuple(RiskView(each.text, each.level or "low") for each in sorted(items, key=_severity))


def _severity(item: Item) -> tuple[int, int]:
    return _LEVELS[item.level or "low"], -item.at


def _contacts(record: Record) -> tuple[ContactView, ...] | None:
    items = record.related.get("contact")
    if items is None:
        return None
    return tuple(
        ContactView(each.text, each.detail.get("title", ""), each.detail.get("phone", ""), each.detail.get("email", ""))
        for each in items
    )
