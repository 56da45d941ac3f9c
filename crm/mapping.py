"""Which of our fields is which of theirs: data in the configuration, one shape for every CRM.

```toml
[crms.erp.fields]
phone = "phone"
amount = { theirs = "x_budget", type = "decimal", direction = "read", authority = "master" }
stage = { theirs = "state", type = "choice", options = { qualified = "opportunity", won = "converted" } }
```
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from crm.model import FieldInfo, FieldValue
from crm.values import Odd, Type, heard, short, spelled
from gateway.errors import Refused
from reconcile.model import Json

Direction = Literal["both", "read", "write"]
Sensitivity = Literal["public", "internal", "confidential", "restricted"]
Authority = Literal["peer", "master", "proposes"]
Fault = tuple[str, str]
"""(key below the CRM's own table, what to change)."""

LIMIT = 20_000
OURS = re.compile(r"[a-z][a-z0-9_]{0,63}")
HOLDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "phone", "email", "decimal", "date", "choice"}),
    "phone": frozenset({"phone", "text"}),
    "email": frozenset({"email", "text"}),
    "decimal": frozenset({"decimal", "text"}),
    "date": frozenset({"date", "text"}),
    "choice": frozenset({"choice", "text"}),
    "other": frozenset({"text"}),
}
"""Which of our types a field of theirs can hold."""


class FieldMap(BaseModel):
    """One field: ours is the key, `theirs` its name in the CRM. A bare text is `{ theirs = "…" }`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    theirs: str = Field(min_length=1, max_length=200, description="The field's name in the CRM.")
    type: Type = Field("text", description="What it holds; the same as in `[fields]`.")
    direction: Direction = Field(
        "both",
        description="Whether it is read from the CRM, written to it, or both. Our edits of a `read` one stay here.",
    )
    sensitivity: Sensitivity | None = Field(
        None,
        description="A class of its own for what comes from this CRM; the stricter of it and that in `[fields]` holds.",
    )
    authority: Authority = Field(
        "peer",
        description="`master`: this CRM's value wins a conflict over it; `proposes`: what it says binds nobody "
        "until a person accepts it; `peer`: the merge policy decides.",
    )
    options: dict[str, str] = Field({}, description="Of a `choice`: our values, each with the CRM's own.")

    @property
    def reads(self) -> bool:
        return self.direction != "write"

    @property
    def writes(self) -> bool:
        return self.direction != "read"

    @model_validator(mode="after")
    def _options_of_a_choice(self) -> FieldMap:
        if self.options and self.type != "choice":
            raise ValueError('options belong to type = "choice"')
        twice = _twice(self.options.values())
        if twice:
            raise ValueError(f"two of our values are both {twice!r} there: what is read could be either")
        return self


def _written_short(value: Any) -> Any:
    return {"theirs": value} if isinstance(value, str) else value


Fields = dict[str, Annotated[FieldMap, BeforeValidator(_written_short)]]


class Mapped(BaseModel):
    """What every connector's `Config` has. `usual` is the mapping where `fields` says nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    usual: ClassVar[Mapping[str, FieldMap]] = {}
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Their names that nobody may write: keys, times, what is computed."""

    link: str = Field("", description="Address of a customer's page, with `{id}` in it; empty: cards carry no link.")
    fields: Fields = Field({}, description="The field mapping: ours, and what each is called in the CRM.")

    @field_validator("fields")
    @classmethod
    def _can_work(cls, fields: dict[str, FieldMap]) -> dict[str, FieldMap]:
        for ours in fields:
            if not OURS.fullmatch(ours):
                raise ValueError(f"{short(ours)!r}: our names are small letters, digits and _")
        twice = _twice(spec.theirs for spec in fields.values() if spec.writes)
        if twice:
            raise ValueError(f'two of our fields are written to {twice!r}: give one of them direction = "read"')
        for ours, spec in fields.items():
            if spec.writes and spec.theirs in cls.fixed:
                raise ValueError(f'{ours}: {spec.theirs!r} cannot be written there: give it direction = "read"')
        return fields

    @functools.cached_property
    def mapping(self) -> FieldMapping:
        return FieldMapping(dict(self.fields) or dict(self.usual))


def _twice(values: Iterable[str]) -> str | None:
    return next((value for value, count in Counter(values).items() if count > 1), None)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of one answer. `odd`: our fields whose value was not of its type, each with the reason."""

    fields: dict[str, FieldValue]
    odd: dict[str, Odd] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The mapping at work. Iterating gives (ours, spec)."""

    by_ours: Mapping[str, FieldMap]

    def __iter__(self) -> Iterator[tuple[str, FieldMap]]:
        return iter(self.by_ours.items())

    @property
    def asked(self) -> tuple[str, ...]:
        """Their names of all that is read, each once, in order."""
        return tuple(dict.fromkeys(spec.theirs for spec in self.by_ours.values() if spec.reads))

    def hear(self, raw: Mapping[str, object], *, sparse: bool = False, source: str = "[CRM]", as_of: int = 0) -> Heard:
        """Their values as ours. `sparse`: the CRM leaves out what is empty.

        Raises `Refused` when a field that was asked for is not in the answer: it vanished, or may no longer be seen.
        Taken for empty it would be cleared everywhere.
        """
        fields: dict[str, FieldValue] = {}
        odd: dict[str, Odd] = {}
        for ours, spec in self.by_ours.items():
            if not spec.reads:
                continue
            if spec.theirs not in raw and not sparse:
                raise vanished(spec.theirs)
            value, why = heard(spec.type, raw.get(spec.theirs), _turned(spec))
            fields[ours] = FieldValue(value, source, as_of, odd=why)
            if why:
                odd[ours] = why
        return Heard(fields, odd)

    def spell(self, ours: str, value: Json, *, limit: int = LIMIT) -> tuple[FieldMap, str | None]:
        """The field to write and the text to write there; None clears. Raises `Refused` saying what would be taken.

        A decimal is a text of digits such as `480000.00`, a date `2026-12-01`, a choice the CRM's own value.
        """
        spec = self.by_ours.get(ours)
        if spec is None:
            raise Refused("The CRM has no field called {field}.", field=short(ours))
        if not spec.writes:
            raise Refused("{field} is only read from the CRM. Change it there.", field=short(ours))
        text = spelled(ours, spec.type, value, limit=limit, options=tuple(spec.options))
        return spec, text if text is None else spec.options.get(text, text)

    def rendered(self, ours: str, raw: object) -> Json:
        """What the CRM made of a value just written, as ours."""
        spec = self.by_ours[ours]
        return heard(spec.type, raw, _turned(spec))[0]

    def unfit(self, offered: Sequence[FieldInfo]) -> list[Fault]:
        """What cannot work, given what the CRM itself says it has."""
        known = {info.name: info for info in offered}
        return [
            (f"fields.{ours}.{key}", why)
            for ours, spec in self.by_ours.items()
            for key, why in _unfit(spec, known.get(spec.theirs), known)
        ]


def _turned(spec: FieldMap) -> Mapping[str, str] | None:
    return {theirs: ours for ours, theirs in spec.options.items()} if spec.options else None


def _unfit(spec: FieldMap, info: FieldInfo | None, known: Mapping[str, FieldInfo]) -> Iterator[Fault]:
    if info is None:
        near = next((name for name in known if name.casefold() == spec.theirs.casefold()), "")
        yield "theirs", f"the CRM has no field {spec.theirs!r}" + (f"; it has {near!r}" if near else "")
        return
    if spec.writes and not info.writable:
        yield "direction", f'{spec.theirs!r} cannot be written there; give it direction = "read"'
    if spec.type not in HOLDS[info.type]:
        yield "type", f"{spec.theirs!r} is {info.native or info.type} there, which holds no {spec.type}"
    strange = sorted(set(spec.options.values()) - set(info.options)) if info.options else []
    if strange:
        yield "options", f"{spec.theirs!r} takes no {strange[0]!r}; it takes {', '.join(info.options[:20])}"


def vanished(theirs: str) -> Refused:
    return Refused(
        "The CRM no longer has the field {field}, or hides it from us. Mend the mapping or the permission.",
        field=short(theirs),
    )
