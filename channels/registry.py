"""From a configured `type` to the module that speaks that network. A vendor's module is imported when configured."""

from __future__ import annotations

from crm.registry import Registry

PARTS = ("Config", "parse", "draw", "Channel")
NOT_CHANNELS = frozenset(
    {
        "doctor",
        "fit",
        "keeper",
        "letter",
        "limits",
        "misread",
        "model",
        "ranks",
        "registry",
        "seal",
        "simple",
        "value",
        "wire",
    }
)
CHANNELS = Registry("channels", "channel", PARTS, NOT_CHANNELS)
load = CHANNELS.load
