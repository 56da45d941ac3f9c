"""The hosts a configuration names: those the operator wrote, and those a channel's own module has for its vendor; and
the session that calls them alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import aiohttp
from pydantic import BaseModel

from channels import registry
from channels.wire import json_bytes
from crm.hosts import Hosts, guarded
from gateway.config import Config

_SCHEMES = ("http://", "https://", "ws://", "wss://")


def declared(config: Config) -> Hosts:
    """Of every channel. A CRM's client and the sign-in of the console have theirs with them."""
    hosts = Hosts()
    for spec in config.channels.values():
        model = cast("type[BaseModel]", registry.load(spec.type).Config)
        whole = model.model_validate(spec.settings).model_dump(mode="python")
        hosts |= Hosts.of(own=_addresses(spec.settings), outside=_addresses(whole))
    return hosts


def session_of(config: Config, seconds: float = 15) -> aiohttp.ClientSession:
    """What every channel calls through. A call takes no more than `seconds`."""
    limit = aiohttp.ClientTimeout(total=seconds)
    return guarded(declared(config), timeout=limit, json_serialize_bytes=json_bytes)


def _addresses(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for each in tree.values():
            yield from _addresses(each)
    elif isinstance(tree, list | tuple):
        for each in tree:
            yield from _addresses(each)
    elif isinstance(tree, str) and tree.startswith(_SCHEMES):
        yield tree
