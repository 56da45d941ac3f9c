"""The app as Slack is told of it: scopes, events, commands, shortcuts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

SCOPES = {
    "chat:write": "post, repaint and remove cards, whisper",
    "channels:history": "hear messages in public channels",
    "groups:history": "hear messages in private channels",
    "im:history": "hear what is said to it directly",
    "mpim:history": "hear messages in group conversations",
    "channels:read": "who is in a public channel",
    "groups:read": "who is in a private channel",
    "im:read": "who is in a direct room",
    "mpim:read": "who is in a group conversation",
    "users:read": "who is a guest or from another company",
    "im:write": "write to a manager directly",
    "commands": "slash commands and shortcuts",
    "app_mentions:read": "know that it is spoken to",
    "links:read": "see links to customers",
    "links:write": "show a preview of them",
}
EVENTS = (
    *("message.channels", "message.groups", "message.im", "message.mpim", "app_mention"),
    *("member_joined_channel", "member_left_channel", "channel_left", "group_left", "channel_shared"),
    *("app_home_opened", "link_shared", "app_uninstalled", "tokens_revoked"),
)
COMMANDS = {
    "/card": ("Shows a customer to you alone", "name"),
    "/bind": ("Ties this room to a customer", "name | off"),
    "/quiet": ("Floats no cards here for a while", "2h"),
    "/why": ("Explains the last card here", "[trace code]"),
    "/link": ("Ties your accounts together", "[code]"),
    "/floatcard": ("All of these, where a word is taken: /floatcard quiet 2h", "help | card | why | …"),
}


def manifest(settings: Mapping[str, Any], url: str) -> dict[str, Any]:
    """`settings` as they stand in the configuration, no secret read; `url` is where Slack delivers.

    docs.slack.dev/reference/app-manifest."""
    socket, several = "app_token" in settings, "client_id" in settings
    there: dict[str, Any] = {} if socket else {"request_url": url}
    oauth: dict[str, Any] = {"scopes": {"bot": list(SCOPES)}}
    if several:
        oauth |= {"redirect_urls": [f"{url}/oauth"]}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {"name": "Floatcard", "description": "Customer cards where customers are mentioned"},
        "features": _features(url, socket),
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**there, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **there},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": several,
        },
    }


def _features(url: str, socket: bool) -> dict[str, Any]:
    return {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "bot_user": {"display_name": "Floatcard", "always_online": True},
        "shortcuts": [
            _shortcut("Show the customer", "message", "card", "The customers this message names, to you alone"),
            _shortcut("Why this card?", "message", "why", "What matched, who hears it, what was withheld"),
            _shortcut("Link my account", "global", "link", "A code that ties your accounts together"),
            _shortcut("What can it do?", "global", "help", "The commands, in a line"),
        ],
        "slash_commands": [_command(name, *words, "" if socket else url) for name, words in COMMANDS.items()],
        "unfurl_domains": [host] if (host := urlsplit(url).hostname) and "." in host else [],
    }


def _shortcut(name: str, kind: str, callback: str, description: str) -> dict[str, str]:
    return {"name": name, "type": kind, "callback_id": callback, "description": description}


def _command(name: str, description: str, hint: str, url: str) -> dict[str, Any]:
    given = {"url": url} if url else {}
    return {"command": name, "description": description, "usage_hint": hint, "should_escape": False, **given}
