"""Over many made-up records, stages and grants: what comes after disclosure only ever takes away, and tells nothing."""

from __future__ import annotations

import random
from dataclasses import replace

from crm.model import FieldValue, Item, Record, RecordRef
from gateway.config import Config
from gateway.governance import KINDS, Governance
from gateway.stages import STAGES, Stages
from gateway.store.stages import Run
from identity.disclosure import KINDS as LISTS
from identity.disclosure import ORDER, Classes
from identity.model import BOTTOM, Application, Audience, Disclosed, Scene

ROUNDS = 400
FIELDS = tuple(f"f{n}" for n in range(8))
NAMES = ("sms", "erp", "web")


def configured(chance: random.Random) -> Config:
    def some() -> list[str]:
        every = (*FIELDS, *LISTS, "name", "url", "*", *(f"class:{each}" for each in ORDER))
        return chance.sample(every, chance.randrange(5))

    return Config.model_validate(
        {
            "deployment": "x",
            "master_key": "00" * 32,
            "fields": {name: {"label": {}, "sensitivity": chance.choice(ORDER)} for name in FIELDS},
            "granted": {name: chance.sample(NAMES, chance.randrange(3)) for name in chance.sample(FIELDS, 2)}
            | {"contact.phone": chance.sample(NAMES, 1)},
            "applications": {name: {"read": [*some(), "name"], "write": some()} for name in chance.sample(NAMES, 2)},
            "stages": {"start": chance.choice(STAGES), "minimal": some(), "standard": some()},
        }
    )


def disclosed(chance: random.Random, value: str = "") -> Disclosed:
    """With `value`, those fields' values are that and nothing else of it differs."""
    fields = {name: FieldValue(value or f"v{chance.random()}") for name in FIELDS if chance.random() < 0.8}
    contact = Item("c", "contact", "Zhou", detail={"phone": value or "1", "title": "x"})
    related = {kind: (replace(contact, kind=kind),) for kind in LISTS if chance.random() < 0.8}
    record = Record(RecordRef("local", "account", "a"), "Hua Xing", "https://x", 0, fields, related)
    return Disclosed(record, None, {}, True, frozenset(name for name in fields if chance.random() < 0.5))


def cut(config: Config, it: Disclosed, audience: Audience) -> Disclosed:
    classes = Classes({name: spec.sensitivity for name, spec in config.fields.items()}, {})
    stages = Stages(config, classes, None)  # type: ignore[arg-type]
    for kind in KINDS:
        assert stages.run(kind) == Run(kind, 0, config.stages.start)
    return stages.cut(Governance(config, classes).cut(it, audience.application), audience)[0]


def one_of(chance: random.Random) -> tuple[Config, Audience, Application]:
    scene: Scene = chance.choice(("group", "external_group", "direct"))
    application = Application(
        chance.choice(NAMES),
        reads=chance.choice([None, frozenset({"*"}), frozenset({"name", "f0", "contact"})]),
        writes=chance.choice([None, frozenset(), frozenset({"f0"})]),
    )
    kind = chance.choice(("group", "public", ""))
    return configured(chance), Audience(scene, {BOTTOM: 1}, kind=kind, application=application), application


def test_nothing_is_ever_added() -> None:
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        config, audience, _ = one_of(chance)
        before = disclosed(chance)
        after = cut(config, before, audience)
        assert after.record.fields.items() <= before.record.fields.items(), seed
        assert set(after.record.related) <= set(before.record.related), seed
        for kind, items in after.record.related.items():
            for item, was in zip(items, before.record.related[kind], strict=True):
                assert item.detail.items() <= was.detail.items(), seed
        assert after.editable <= before.editable & set(after.record.fields), seed
        assert after.record.title in ("", before.record.title) and after.record.url in ("", before.record.url), seed


def test_what_was_taken_away_leaves_no_trace() -> None:
    """Two records that differ only in values come out alike wherever what differs was taken away."""
    told = 0
    for seed in range(ROUNDS):
        config, audience, _ = one_of(random.Random(seed))
        one, other = (
            cut(config, disclosed(random.Random(seed + ROUNDS), value), audience) for value in ("one", "other")
        )
        if "one" not in str(one.record):
            assert one == other, seed
            told += 1
    assert told > 20, "some of them were cut to nothing that differs"


def test_no_application_gets_what_only_others_were_granted() -> None:
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        config, audience, application = one_of(chance)
        after = cut(config, disclosed(chance), audience)
        for field, only in config.granted.items():
            if application.name not in only:
                assert field not in after.record.fields, seed
                kind, _, key = field.partition(".")
                assert all(key not in item.detail for item in after.record.related.get(kind, ()) if key), seed  # type: ignore[call-overload]
