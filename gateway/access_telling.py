"""Access policies in English, for the terminal: versions, differences, and what a simulation found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cards.words import Reader
from gateway.access_comparing import Comparison
from gateway.access_looking import Looking, zoned
from gateway.access_simulating import Answer, Kind
from gateway.access_words import because, changed, field, kind, right
from gateway.store.access_versions import AccessVersion
from identity.policy_diff import Changed


def plain(text: str) -> str:
    """Nothing in it steers the terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def told_version(it: AccessVersion) -> str:
    """One line."""
    said = [f"version {it.n}", it.state, it.hash[:8], f"proposed by {it.proposed_by} {_day(it.proposed_at)}"]
    said.append(plain(it.reason))
    if it.applied_by:
        alone = ", the only admin" if it.alone else ""
        said.append(f"applied by {it.applied_by}{alone} {_day(it.applied_at)}: {plain(it.applied_why)}")
    if it.back_to:
        said.append(f"back to version {it.back_to}")
    return "  ".join(said)


def told_files(it: AccessVersion) -> str:
    files = (f"-- {plain(name)}\n{_lines(text)}" for name, text in sorted(it.files.items()))
    return "\n".join([told_version(it), *files])


def _lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.split("\n"))


def told_diff(found: Iterable[Changed]) -> str:
    reader = Reader("en", "", 0)
    lines = [line for each in found for line in (plain(changed(reader, each)), *_signed(each))]
    return "\n".join(lines) if lines else "There is no difference."


def _signed(it: Changed) -> Iterator[str]:
    return (f"  {sign} {plain(text)}" for sign, text in it.lines)


def told_answer(looking: Looking, it: Answer) -> str:
    reader = Reader("en", it.zone, it.at)
    seen, not_seen = it.seeing
    lines = [
        f"{plain(field(looking, it.field, 'en'))} ({it.sensitivity}) in {plain(it.title or it.room)}, "
        f"{zoned(it.at, it.zone)}",
        "On the card: shown to everybody." if it.shown else "On the card: hidden.",
        f"{seen} would see it, on the card or by asking for it alone; {not_seen} would not.",
    ]
    if not it.complete:
        lines.append("The list of members is not complete: whoever is missing counts as unknown.")
    return "\n".join([*lines, *(line for each in it.kinds for line in _kind(reader, it, each))])


def _kind(reader: Reader, it: Answer, one: Kind) -> Iterator[str]:
    here = "allows it here" if one.here else "hides it here"
    alone = "sees it alone" if one.alone else "does not see it alone"
    words = kind(reader, one.who, owner=one.owner, complete=it.complete)
    yield f"  {one.people} × {plain(words)}: {here}, {alone}"
    yield f"      here: {plain(because(reader, one.why))}"
    if it.scene != "direct":
        yield f"      alone: {plain(because(reader, one.why_alone))}"
    if one.names:
        yield f"      {plain(', '.join(one.names))}"


def told_comparison(looking: Looking, it: Comparison) -> str:
    reader = Reader("en", it.zone, it.at)
    lines = [f"{zoned(it.at, it.zone)}: {it.people} people, {it.cards} cards in {it.rooms} rooms looked at."]
    if it.left_out:
        lines.append(f"{it.left_out} more rooms were not looked at.")
    if it.nothing:
        return "\n".join([*lines, "Nothing changes."])
    lines += [f"  {plain(right(reader, each))} ({each.people} people)" for each in it.rights]
    lines.append(f"{it.changed_cards} cards in {it.changed_rooms} rooms change.")
    for says, counts in (("would be shown besides", it.more), ("would be shown no more", it.less)):
        lines += [f"  {plain(field(looking, name, 'en'))}: {says} on {n}" for name, n in counts.most_common()]
    for each in it.examples:
        signs = [f"+{name}" for name in each.more] + [f"-{name}" for name in each.less]
        lines.append(f"  {plain(each.title or each.room)}  {plain(each.customer)}  {' '.join(signs)}")
    return "\n".join(lines)
