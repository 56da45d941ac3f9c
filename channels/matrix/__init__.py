"""Matrix: the client-server API by aiohttp, unencrypted rooms alone.

matrix-nio speaks the same API, but puts the access token into addresses, which proxies log, answers 429 by waiting out
of our sight, and keeps rooms in memory: the calls are our own, and nio is the other side in the tests.
Run against Synapse with nio's clients (tests/channels/matrix/test_synapse.py); never against another server.
"""

from channels.matrix.cards import LIMITS, draw
from channels.matrix.channel import Channel
from channels.matrix.config import Config
from channels.matrix.events import EVENTS, parse

__all__ = ["EVENTS", "LIMITS", "Channel", "Config", "draw", "parse"]
