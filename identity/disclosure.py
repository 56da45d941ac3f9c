"""What of a record a room may see: a field that anybody there may not see is absent. Computed before the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, get_args

from crm.model import Item, Kind, Record
from identity.access import GROUPS, AccessPolicy, Verdict
from identity.audience import readers
from identity.model import Action, Attributes, Audience, Disclosed, Scene, Sensitivity, Withheld
from identity.narrow import Asked

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ORDER: Final[tuple[Sensitivity, ...]] = get_args(Sensitivity)
NAME: Final = "name"
URL: Final = "url"
VISIBLE_UNTIL: Final = "visible-until-is-over"
"""Not a policy: the field's own end has come."""

LISTS: Final[Mapping[str, Sensitivity]] = {
    "note": "confidential",
    "open_item": "internal",
    "risk": "confidential",
    "contact": "confidential",
}
"""The classes of the lists of related items, where the configuration says nothing else."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The class of each field by its name, of each list of related items, and of the customer's name.

    A field named nowhere has the class `default`; it is never listed as withheld, because that would tell
    that the record has it. The link to the CRM is the field `url`, `internal` unless named.
    """

    fields: Mapping[str, Sensitivity]
    lists: Mapping[str, Sensitivity]
    name: Sensitivity = "public"
    default: Sensitivity = "restricted"

    def of(self, field: str) -> Sensitivity:
        if field == NAME:
            return self.name
        if field in KINDS:
            return self.lists.get(field, LISTS[field])
        return self.fields.get(field, "internal" if field == URL else self.default)

    def named(self) -> tuple[str, ...]:
        """Every field and list that has a class, whether or not a record has it."""
        return (NAME, *KINDS, *(field for field in self.fields if field != NAME and field not in KINDS))


def highest(*classes: str) -> Sensitivity:
    """The class of what is derived from several; a class nobody knows counts as the highest there is."""
    if not all(one in ORDER for one in classes):
        return ORDER[-1]
    return max((one for one in ORDER if one in classes), key=ORDER.index, default=ORDER[-1])


def item_class(item: Item, classes: Classes) -> Sensitivity:
    """An item's own class can raise that of its list, never lower it."""
    listed = classes.of(item.kind)
    return listed if item.sensitivity is None else highest(listed, item.sensitivity)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one class comes to for a whole room. `because`: the attributes that may not see it."""

    shown: bool
    because: tuple[Attributes, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One record before one audience, to be asked about classes at a time."""

    access: AccessPolicy
    scene: Scene
    readers: tuple[tuple[tuple[Attributes, ...], bool], ...]
    """With who owns the record apart: those whom no policy in force can tell from one another, together."""
    editors: tuple[Attributes, ...]
    """In a group, one for each kind of reader as a policy would tell them apart if the record were theirs."""
    team: str
    region: str
    zone: str

    @staticmethod
    def of(record: Record, audience: Audience, access: AccessPolicy, owners: frozenset[str], zone: str) -> Question:
        team, region = record.team, record.region
        alike: dict[tuple[Asked, bool], list[Attributes]] = {}
        editors: dict[Asked, Attributes] = {}
        for one, owner in readers(audience, owners):
            alike.setdefault((access.asked(one, owner=owner, team=team, region=region), owner), []).append(one)
            if audience.scene in GROUPS:
                editors.setdefault(access.asked(one, owner=True, team=one.team, region=one.region), one)
        together = tuple((tuple(many), owner) for (_, owner), many in alike.items())
        return Question(access, audience.scene, together, tuple(editors.values()), team, region, zone)

    def find(self, sensitivity: Sensitivity, at: int) -> Finding:
        """Shown when every reader may view it; to nobody at all, nothing."""
        verdicts = [(who, self._ask(who[0], "view", sensitivity, self.scene, owner, at)) for who, owner in self.readers]
        denied = [(who, verdict) for who, verdict in verdicts if not verdict.allowed]
        because = tuple(sorted({one for who, _ in denied for one in who}))
        policies = sorted({policy for _, verdict in denied for policy in verdict.policies})
        return Finding(bool(verdicts) and not denied, because, tuple(policies))

    def sees(self, sensitivity: Sensitivity, at: int) -> bool:
        """As `find` has it, without whom it is hidden because of."""
        return bool(self.readers) and all(
            self._ask(who[0], "view", sensitivity, self.scene, owner, at).allowed for who, owner in self.readers
        )

    def editable(self, sensitivity: Sensitivity, at: int) -> bool:
        """In a group: whether somebody here could edit it, alone with the form, if the record were theirs.

        That is asked without the record's owners and team, which the button must not tell. Elsewhere, of the one
        reader, it is the permission itself.
        """
        if self.scene in GROUPS:
            return any(self._could_edit(who, sensitivity, at) for who in self.editors)
        return any(self._ask(who[0], "edit", sensitivity, self.scene, owner, at).allowed for who, owner in self.readers)

    def _could_edit(self, who: Attributes, sensitivity: Sensitivity, at: int) -> bool:
        return self.access.permit(
            who, "edit", sensitivity, "direct", owner=True, team=who.team, region=who.region, at=at, zone=self.zone
        ).allowed

    def _ask(
        self, who: Attributes, action: Action, sensitivity: Sensitivity, scene: Scene, owner: bool, at: int
    ) -> Verdict:
        return self.access.permit(
            who, action, sensitivity, scene, owner=owner, team=self.team, region=self.region, at=at, zone=self.zone
        )


def disclose(
    record: Record,
    audience: Audience,
    now: int,
    access: AccessPolicy,
    classes: Classes,
    *,
    owners: frozenset[str],
    zone: str,
) -> Disclosed:
    """`owners`: ids of the persons who own the record; `zone`: the room's, "" = UTC.

    The record given back holds what every reader may see and nothing else: no owners, team, region, version, aliases,
    nor when it was modified and by whom (`version` is 0: a write takes it from the stored record). Every list that
    may be shown is there, empty or not. When the name may not be shown, nothing is there. What has passed its own
    `visible_until` is absent without being listed as withheld. `editable`: in a group, the fields whose edit button is
    worth showing; for one reader alone, those they may edit. The press is judged again, by `may`.
    """
    question = Question.of(record, audience, access, owners, zone)
    findings = {sensitivity: question.find(sensitivity, now) for sensitivity in ORDER}
    visible = {sensitivity for sensitivity, finding in findings.items() if finding.shown}
    name = classes.name in visible and _lasts(record, NAME, now)
    shown = _shown(record, classes, visible, now) if name else _nothing(record)
    return Disclosed(
        shown,
        _valid_until(question, record, classes, visible, now, name),
        {field: _withheld(classes, findings, field) for field in classes.named() if not _at(classes, field, visible)},
        name,
        _editable(question, shown, classes, now),
    )


def _editable(question: Question, shown: Record, classes: Classes, now: int) -> frozenset[str]:
    changeable = {one for one in {classes.of(field) for field in shown.fields} if question.editable(one, now)}
    return frozenset(field for field in shown.fields if classes.of(field) in changeable)


def _at(classes: Classes, field: str, visible: set[Sensitivity]) -> bool:
    return classes.name in visible and classes.of(field) in visible


def _withheld(classes: Classes, findings: Mapping[Sensitivity, Finding], field: str) -> Withheld:
    """Its own class's reason; where that alone would be shown, the name's."""
    sensitivity = classes.of(field)
    finding = findings[sensitivity]
    if finding.shown:
        finding = findings[classes.name]
    return Withheld(sensitivity, finding.because, finding.policies)


def _lasts(record: Record, field: str, now: int) -> bool:
    return (end := record.visible_until.get(field)) is None or now < end


def _shown(record: Record, classes: Classes, visible: set[Sensitivity], now: int) -> Record:
    def may(field: str) -> bool:
        return classes.of(field) in visible and _lasts(record, field, now)

    related = {kind: _items(record.related.get(kind, ()), classes, visible, now) for kind in KINDS if may(kind)}
    return replace(
        _nothing(record),
        title=record.title,
        url=record.url if may(URL) else "",
        fields={field: value for field, value in record.fields.items() if may(field)},
        related=related,
        deleted=record.deleted,
        merged_into=record.merged_into,
    )


def _nothing(record: Record) -> Record:
    return Record(record.ref, "", "", 0, {}, {})


def _items(items: Sequence[Item], classes: Classes, visible: set[Sensitivity], now: int) -> tuple[Item, ...]:
    return tuple(
        item
        for item in items
        if item_class(item, classes) in visible and (item.visible_until is None or now < item.visible_until)
    )


def _valid_until(
    question: Question, record: Record, classes: Classes, visible: set[Sensitivity], now: int, name: bool
) -> int | None:
    """The nearest end of a window met, or of something shown."""
    ends = _ends(record, classes, visible, now) if name else []
    if (turn := _turn(question, now)) is not None:
        ends.append(turn)
    return min(ends, default=None)


def _ends(record: Record, classes: Classes, visible: set[Sensitivity], now: int) -> list[int]:
    shown = _shown(record, classes, visible, now)
    present = {NAME, *shown.fields, *shown.related} | ({URL} if shown.url else set())
    ends = [end for field, end in record.visible_until.items() if field in present]
    ends += [item.visible_until for items in shown.related.values() for item in items if item.visible_until is not None]
    return [end for end in ends if end > now]


def _turn(question: Question, now: int) -> int | None:
    """The first boundary at which something becomes visible, invisible or editable; else when to look again."""
    present: tuple[bool, ...] | None = None
    last: int | None = None
    for last in question.access.boundaries(now, question.zone):
        present = present or _picture(question, now)
        if _picture(question, last) != present:
            return last
    return last


def _picture(question: Question, at: int) -> tuple[bool, ...]:
    views = [question.sees(sensitivity, at) for sensitivity in ORDER]
    return (*views, *(question.editable(sensitivity, at) for sensitivity in ORDER))


def may(
    who: Attributes,
    action: Action,
    record: Record,
    field: str,
    scene: Scene,
    *,
    at: int,
    access: AccessPolicy,
    classes: Classes,
    owner: bool,
    zone: str,
    item: Item | None = None,
) -> Verdict:
    """Whether this one may do this now, with a field, a list (`note` …), `name`, or one `item` of a list.

    Judged at the press, for the one who presses. What one may not view one may neither edit nor act on.
    """
    ends = [record.visible_until.get(field), item.visible_until if item is not None else None]
    if any(end is not None and end <= at for end in ends):
        return Verdict(False, (VISIBLE_UNTIL,))
    sensitivity = classes.of(field) if item is None else highest(classes.of(field), item_class(item, classes))
    actions: tuple[Action, ...] = ("view",) if action == "view" else ("view", action)
    verdict = Verdict(False)
    for one in actions:
        verdict = access.permit(
            who, one, sensitivity, scene, owner=owner, team=record.team, region=record.region, at=at, zone=zone
        )
        if not verdict.allowed:
            return verdict
    return verdict
