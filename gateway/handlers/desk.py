"""What somebody signed in to the console decides there: the same rules as on a card, judged in the scene `console`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cards.words import N_
from gateway.config.model import seconds
from gateway.errors import Refused
from gateway.handlers import alerts, beaten, conflicts, view
from gateway.handlers.hearing import Heard, heard
from gateway.services import Services
from gateway.store.due import Due
from gateway.store.ledger import Before, FieldState, Incoming, Ingested
from gateway.turn import Trail, new_trail
from identity.audience import direct
from identity.model import Person
from reconcile.canonical import equal
from reconcile.model import Actor, Json, Source
from reconcile.token import Seen

CONSOLE = Source("console", "Console", "1.0", "console")


@dataclass(frozen=True, slots=True)
class Ended:
    """`say`: what to tell, a message id. `record` is to be painted again, where something changed."""

    say: str
    wrong: bool = False
    record: str = ""


SETTLED = N_("Settled.")
KEPT = N_("Your choice is kept, but there is a newer value that this page did not show. Look again.")
BEATEN = N_("Your choice is kept, and another value stands meanwhile, by the field's policy. Look again.")
PROPOSED = N_("Kept as a proposal: another role has to decide this field.")
UNDONE = N_("Undone.")
REOPENED = N_("Undone. The conflict is open again.")
BUILT_ON = N_("Somebody has built on that change since. Both values are kept until somebody decides.")


async def seen(s: Services, ref: str, person: Person) -> Heard | None:
    """A record as this person may see it in the console."""
    return await heard(s, ref, direct(person, scene="console"))


def may_edit(s: Services, each: Heard | None, field: str) -> bool:
    spec = s.config.fields.get(field)
    return each is not None and spec is not None and spec.editable and field in each.editable


def settling(s: Services, state: FieldState, edit: str) -> str:
    """What the form of one side bears: signed, so that nobody claims to have seen other values than the page had."""
    heads: list[Json] = [*state.heads]
    return s.buttons.data("settle", r=state.record, f=state.field, e=edit, c=state.conflict or "", h=heads, q=[])


def taking(s: Services, state: FieldState, proposal: str) -> str:
    """What the form bears by which a proposal becomes the value."""
    heads: list[Json] = [*state.heads]
    case = f"{conflicts.PROPOSAL}{proposal}"
    return s.buttons.data("settle", r=state.record, f=state.field, e=proposal, c=case, h=heads, q=[proposal])


def undoing(s: Services, state: FieldState) -> str:
    heads: list[Json] = [*state.heads]
    return s.buttons.data("undo", r=state.record, f=state.field, e=state.edit or "", h=heads, q=[])


async def settle(s: Services, person: Person, data: str) -> Ended:
    """One side of an open conflict, or an open proposal, is the value. Raises `Refused`, `Rejected`, `Unreadable`."""
    _, press = s.buttons.read(data, "settle")
    ref, field, chosen, conflict = (press.text(name) for name in ("r", "f", "e", "c"))
    await _may(s, person, ref, field)
    async with conflicts.one_at_a_time(s, ref, field):
        if conflict.startswith(conflicts.PROPOSAL):
            await _waits(s, ref, field, chosen)
        elif (known := await s.ledger.conflict(conflict)) is None or known.closed_at is not None:
            raise Refused("This is settled already.")
        value = await s.ledger.value_of(chosen)
        given = _given(s, person, ref, field, "resolve", value, press.texts("h"), press.texts("q"))
        done = await s.ledger.ingest(given)
        await _noted(s, "settled", given, done)
    if conflicts.proposed(done):
        return Ended(PROPOSED, True, ref)
    if done.conflict in ("opened", "open"):
        return Ended(KEPT, True, ref)
    return Ended(BEATEN, True, ref) if beaten.lost(done) else Ended(SETTLED, False, ref)


async def _waits(s: Services, ref: str, field: str, proposal: str) -> None:
    state = await s.ledger.state(ref, field)
    if state is None or proposal not in state.proposals:
        raise Refused("This proposal is decided already.")


async def undo(s: Services, person: Person, data: str) -> Ended:
    """The value from before again; itself an edit, which can be undone. Raises as `settle` does."""
    _, press = s.buttons.read(data, "undo")
    ref, field, edit, heads = press.text("r"), press.text("f"), press.text("e"), press.texts("h")
    await _may(s, person, ref, field)
    async with conflicts.one_at_a_time(s, ref, field):
        before, state = await s.ledger.before(ref, field, edit), await s.ledger.state(ref, field)
        if before is None:
            raise Refused("There is no earlier value to go back to.")
        if _undone(s, ref, field, edit, before, state):
            raise Refused("This was undone already.")
        if state is not None and set(state.heads) != set(heads):
            raise Refused("Somebody has changed it since. Nothing was undone.")
        given = _given(s, person, ref, field, "revert", None, heads, ())
        again = await s.ledger.reopen(given, edit)
        done = again or await s.ledger.ingest(replace(given, value=before.value))
        await _noted(s, "undone", given, done)
    if conflicts.proposed(done):
        return Ended(PROPOSED, True, ref)
    if again is not None:
        return Ended(REOPENED, False, ref)
    if done.conflict in ("opened", "open"):
        return Ended(BUILT_ON, True, ref)
    return Ended(BEATEN, True, ref) if beaten.lost(done) else Ended(UNDONE, False, ref)


def _undone(s: Services, ref: str, field: str, edit: str, before: Before, state: FieldState | None) -> bool:
    if state is None or state.edit == edit:
        return False
    if state.conflict is not None:
        return any(each.undoes == edit for each in state.challengers)
    return equal(s.ledger.policies.of(ref.split(":")[1], field).normaliser, state.value, before.value)


async def move(s: Services, person: Person, ids: Sequence[str], to: Literal["acknowledge", "snooze", "reopen"]) -> int:
    """How many alerts did; those that are over, or are so already, did not."""
    moved = 0
    for id_ in dict.fromkeys(ids):
        moved += await _MOVES[to](s, person, id_)
    return moved


async def _acknowledge(s: Services, person: Person, id_: str) -> bool:
    if await s.alerts.move(id_, "acknowledged", by=person.id, frm=("open", "snoozed")) is None:
        return False
    await s.due.cancel(f"alert:{id_}")
    return await _told(s, person, id_, "acknowledged")


async def _snooze(s: Services, person: Person, id_: str) -> bool:
    """When it comes back is written down before it is hushed."""
    known = await s.alerts.get(id_)
    if known is None or known.state != "open":
        return False
    until = s.clock.now() + seconds(s.config.alerts.snooze) * 1000
    await s.due.put(Due(f"alert:{id_}", "alert", until, {"alert": id_}))
    if await s.alerts.move(id_, "snoozed", by=person.id, until=until, frm=("open",)) is None:
        return False
    return await _told(s, person, id_, "snoozed")


async def _reopen(s: Services, person: Person, id_: str) -> bool:
    if await s.alerts.move(id_, "open", frm=("acknowledged", "snoozed")) is None:
        return False
    await s.due.cancel(f"alert:{id_}")
    return await _told(s, person, id_, "")


async def _told(s: Services, person: Person, id_: str, step: str) -> bool:
    await alerts.publish(s, id_)
    if step:
        trail = new_trail("")
        trail.note(step, s.clock.now(), alert=id_, person=person.id)
        await s.trail.write(trail)
    return True


_MOVES = {"acknowledge": _acknowledge, "snooze": _snooze, "reopen": _reopen}


async def _may(s: Services, person: Person, ref: str, field: str) -> None:
    each = await seen(s, ref, person)
    if each is not None and each.standing.record.deleted:
        raise Refused("This customer was deleted in the CRM. Restore it there before you change it.")
    if not may_edit(s, each, field):
        label = view.label(s.config.fields.get(field), field, person.locale or s.config.locale)
        raise Refused("You may not edit {field}.", field=label)


def _given(
    s: Services,
    person: Person,
    ref: str,
    field: str,
    kind: Literal["resolve", "revert"],
    value: Json,
    heads: Sequence[str],
    proposals: Sequence[str],
) -> Incoming:
    """The parents are the heads on the page that was sent, never those current now."""
    return Incoming(
        record=ref,
        field=field,
        kind=kind,
        value=value,
        source=CONSOLE,
        actor=Actor("person", person.id),
        seen=Seen("ok", tuple(heads), tuple(proposals)),
        once=f"console:{secrets.token_hex(12)}",
        trace=new_trail("").turn,
        roles=person.roles,
    )


async def _noted(s: Services, step: str, given: Incoming, ingested: Ingested) -> None:
    await conflicts.opened(s, ingested)
    trail = Trail(given.trace, "")
    trail.note(
        step,
        s.clock.now(),
        record=given.record,
        field=given.field,
        reason=ingested.reason,
        decision=ingested.decision.id,
        conflict=ingested.conflict,
        proposed=conflicts.proposed(ingested),
        lost=beaten.lost(ingested),
        source=CONSOLE.watermark,
    )
    await s.trail.write(trail)
