"""Telegram: updates by webhook or long polling, cards as HTML with inline keyboards, the Bot API outward.

Run here: updates and answers through python-telegram-bot's own parser, calls by its `Bot` to a server on the loopback
that answers as the vendor's pages say. Never run against api.telegram.org: the payloads are composed from
core.telegram.org/bots/api, and what Telegram itself does with retries, rates and migrated groups is taken from there.
"""

from channels.telegram.cards import LIMITS, draw
from channels.telegram.channel import Channel
from channels.telegram.config import Config
from channels.telegram.events import EVENTS, parse

__all__ = ["EVENTS", "LIMITS", "Channel", "Config", "draw", "parse"]
