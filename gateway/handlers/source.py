"""Where an edit made on a card comes from."""

from __future__ import annotations

from gateway.services import Services
from reconcile.model import Source

CARD_VERSION = "1.0"


def card_source(s: Services, channel: str) -> Source:
    """Policies name the channel as configured; people read its kind: `[Slack card 1.0]`."""
    kind = s.config.channels[channel].type.rsplit(".", 1)[-1]
    return Source(channel, f"{kind[:1].upper()}{kind[1:]} card", CARD_VERSION, channel)
