"""What the field mappings of all CRMs say together: who is the master of which field, and what cannot work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError

from crm import registry
from crm.mapping import FieldMap, Mapped
from gateway.config.model import Config, FieldSpec
from identity.model import Sensitivity

STRICTNESS: tuple[Sensitivity, ...] = ("public", "internal", "confidential", "restricted")


def mappings(config: Config) -> dict[str, Mapped]:
    """The settings of each CRM that is read by a mapping; what is not valid is told elsewhere."""
    found: dict[str, Mapped] = {}
    for name, spec in config.crms.items():
        try:
            settings: BaseModel = registry.load(spec.type).Config.model_validate(spec.settings)
        except (ValidationError, ValueError):
            continue
        if isinstance(settings, Mapped):
            found[name] = settings
    return found


def specs(mapped: Mapping[str, Mapped]) -> Iterator[tuple[str, str, FieldMap]]:
    """(CRM, our field, how it is mapped there)."""
    for crm, settings in mapped.items():
        for field, spec in settings.mapping:
            yield crm, field, spec


def masters(config: Config) -> dict[str, str]:
    """The CRM whose value wins a conflict over a field, where a mapping names one."""
    return {field: crm for crm, field, spec in specs(mappings(config)) if spec.authority == "master"}


def proposers(config: Config) -> dict[str, tuple[str, ...]]:
    """The CRMs whose word on a field binds nobody until a person accepts it."""
    found: dict[str, tuple[str, ...]] = {}
    for crm, field, spec in specs(mappings(config)):
        if spec.authority == "proposes":
            found[field] = (*found.get(field, ()), crm)
    return found


def sensitivities(config: Config) -> dict[str, Sensitivity]:
    """Of each configured field, the strictest class anybody gave it."""
    found = {name: spec.sensitivity for name, spec in config.fields.items()}
    for _, field, spec in specs(mappings(config)):
        if field in found and spec.sensitivity is not None:
            found[field] = max(found[field], spec.sensitivity, key=STRICTNESS.index)
    return found


def faults(config: Config) -> list[tuple[str, str]]:
    """(key, what to change) of every mapping that cannot work, as far as that can be told without the CRM."""
    mapped = mappings(config)
    found = [
        (f"crms.{crm}.fields.{field}{key}", why)
        for crm, field, spec in specs({name: each for name, each in mapped.items() if each.fields})
        for key, why in _unfit(field, spec, config.fields.get(field))
    ]
    return [*found, *_two_masters(mapped), *_nobody_writes(config, mapped)]


def _unfit(field: str, spec: FieldMap, ours: FieldSpec | None) -> Iterator[tuple[str, str]]:
    if ours is None:
        yield "", f"there is no [fields.{field}]"
        return
    if ours.type != spec.type:
        yield ".type", f"is {spec.type} here and {ours.type} in [fields.{field}]"
    strange = [each for each in spec.options if ours.options and each not in ours.options]
    if strange and ours.type == "choice":
        yield ".options", f"{strange[0]!r} is no option of [fields.{field}]"
    unsaid = [each for each in ours.options if spec.options and each not in spec.options]
    if unsaid and ours.editable and spec.writes:
        yield ".options", f"{unsaid[0]!r} of [fields.{field}] has no value there: who chooses it would be refused"


def _two_masters(mapped: Mapping[str, Mapped]) -> Iterator[tuple[str, str]]:
    first: dict[str, str] = {}
    for crm, field, spec in specs(mapped):
        if spec.authority == "master" and first.setdefault(field, crm) != crm:
            yield f"crms.{crm}.fields.{field}.authority", f"{first[field]} is its master already"


def _nobody_writes(config: Config, mapped: Mapping[str, Mapped]) -> Iterator[tuple[str, str]]:
    if not config.crms or set(config.crms) - set(mapped):
        return  # a CRM without a mapping takes what its own fields are
    written = {field for _, field, spec in specs(mapped) if spec.writes}
    for field, spec in config.fields.items():
        if spec.editable and field not in written:
            yield f"fields.{field}.editable", "no CRM takes it: map it to be written, or let nobody edit it"
