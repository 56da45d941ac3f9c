"""What may stand in a room whose network cannot change what is posted: a name, and nothing that could end (A5)."""

from __future__ import annotations

from dataclasses import replace

from channels.model import Edits
from gateway.governance import without
from gateway.services import Services
from identity.access import GROUPS
from identity.disclosure import NAME, URL
from identity.explain import STAYS
from identity.model import Audience, Disclosed, Withheld


def lasting(s: Services, disclosed: Disclosed, audience: Audience) -> Disclosed:
    """The rest waits behind *show me*, where each press is judged. For the readers of a room alone."""
    channel = s.channels.get(audience.application.name) if audience.application is not None else None
    if audience.scene not in GROUPS or channel is None or isinstance(channel, Edits):
        return disclosed
    named = [field for field in s.classes.named() if field != NAME]
    there = {*named, *disclosed.record.fields, *disclosed.record.related, URL}
    withheld = {field: Withheld(s.classes.of(field), (), (STAYS,)) for field in named}
    return replace(
        disclosed,
        record=without(disclosed.record, frozenset(there)),
        withheld={**withheld, **disclosed.withheld},
        editable=frozenset(),
    )
