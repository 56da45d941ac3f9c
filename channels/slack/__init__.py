"""Slack: Events API, interactivity and slash commands over HTTP; the Web API outward.

Run here: signatures by slack_sdk's own verifier, cards through slack_sdk's Block Kit models, calls against a
server on the loopback that answers as the vendor's pages say. Never run against slack.com: the payloads are
composed from docs.slack.dev, and what Slack itself does with retries, rates and views is taken from there.
"""

from channels.slack.cards import LIMITS, draw
from channels.slack.channel import Channel
from channels.slack.config import Config
from channels.slack.events import EVENTS, parse
from channels.slack.manifest import manifest

__all__ = ["EVENTS", "LIMITS", "Channel", "Config", "draw", "manifest", "parse"]
