"""Customers, as the token's person may see them."""

from __future__ import annotations

import unicodedata

from crm.model import FieldValue, Item, Record
from gateway.handlers.forms import parents_token
from gateway.handlers.hearing import Heard, heard
from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done, seen
from gateway.http.api_bodies import CustomersQuery
from gateway.services import Services
from gateway.store.ledger import FieldState

SCANNED = 2_000
"""A page looks at so many customers at most: a rare name may take several pages to be found."""


class Customers:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def search(self, ask: Ask) -> Done:
        asked = ask.asked(CustomersQuery)
        wanted, after, rows, scanned = _folded(asked.query), asked.after, list[told.CustomerRow](), 0
        while len(rows) < asked.limit and scanned < SCANNED:
            keys = await self._s.mirror.keys(after, min(200, SCANNED - scanned))
            if not keys:
                return Done(told.CustomerPage(customers=rows, after=None))
            for key in keys:
                scanned, after = scanned + 1, key
                row = await self._row(key, wanted, ask)
                if row is not None:
                    rows.append(row)
                if len(rows) == asked.limit:
                    break
        return Done(told.CustomerPage(customers=rows, after=after))

    async def _row(self, key: str, wanted: str, ask: Ask) -> told.CustomerRow | None:
        record = await self._s.records.mirrored(key)
        if record is None or not any(wanted in _folded(name) for name in (record.title, *record.names)):
            return None
        each = await heard(self._s, key, ask.caller.audience)
        if each is not None:
            self._s.tally.read(ask.caller.application, ("name", *(["url"] if each.record.url else ())))
        return told.CustomerRow(ref=key, name=each.record.title, url=each.record.url) if each is not None else None

    async def customer(self, ask: Ask) -> Done:
        ref = ask.path["ref"]
        # What was decided is read before what is shown: a token never claims that more was seen than was.
        states = await self._s.ledger.states(ref)
        each = await seen(self._s, ref, ask.caller.audience)
        record = each.record
        there = ("name", *record.fields, *record.related, *(["url"] if record.url else ()))
        self._s.tally.read(ask.caller.application, there)
        fields = {
            name: self._value(each, name, value, states.get(name), ask) for name, value in sorted(record.fields.items())
        }
        return Done(
            told.Customer(
                ref=ref,
                name=record.title,
                url=record.url,
                valid_until=each.disclosed.valid_until,
                fields=fields,
                related={kind: [_item(record, item) for item in items] for kind, items in record.related.items()},
                withheld=sorted(each.disclosed.withheld),
            )
        )

    def _value(self, each: Heard, name: str, value: FieldValue, state: FieldState | None, ask: Ask) -> told.FieldValue:
        ref = each.record.ref
        editable = name in each.editable and self._s.config.fields[name].editable
        with_token = editable and ask.caller.may("edit")
        return told.FieldValue(
            value=value.value,
            source=state.system if state is not None else ref.crm,
            watermark=value.source,
            as_of=value.as_of,
            decision=value.decision,
            undecided=value.undecided,
            actor=value.actor,
            write=state.write if state is not None else "",
            editable=editable,
            parents=parents_token(self._s, ref.key, name, state) if with_token else None,
        )


def _item(record: Record, item: Item) -> told.RelatedItem:
    return told.RelatedItem(
        id=item.id,
        text=item.text,
        who=item.who,
        due=item.due,
        done=item.done,
        level=item.level,
        detail=dict(item.detail),
        source=record.ref.crm,
        watermark="[CRM]",
        as_of=item.at,
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
