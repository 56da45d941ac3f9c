"""An edit that does not stand although nobody has to decide: the field's policy chose another meanwhile."""

from __future__ import annotations

from cards.words import say
from gateway.handlers import view
from gateway.services import Services
from gateway.store.ledger import Ingested

_STANDS = ("", "merged_in", "same_value")
"""Why an edit is a loser whose value stands all the same."""


def lost(done: Ingested) -> bool:
    return done.decision.resolution.why.get(done.edit_id, "") not in _STANDS


async def told(s: Services, locale: str, ref: str, field: str) -> str:
    state = await s.ledger.state(ref, field)
    return say(
        locale,
        "{field} was changed meanwhile, and {source} wins by this field's policy. Yours is in its history.",
        field=view.label(s.config.fields.get(field), field, locale),
        source=state.source if state is not None else "",
    )
