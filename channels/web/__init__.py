"""The built-in web chat: a channel like every other, the only one of which both ends are ours. Signed by `seal`."""

from channels.web.cards import LIMITS, draw
from channels.web.channel import Channel
from channels.web.config import Config
from channels.web.events import EVENTS, parse

__all__ = ["EVENTS", "LIMITS", "Channel", "Config", "draw", "parse"]
