"""Every page of the console that can be looked at, found in its own table of routes: a new one is in by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from aiohttp import web

BEYOND = ("/console/static/{file}", "/console/", "/console/oidc/start", "/console/oidc/back")
"""What answers with a file, or sends elsewhere."""
NOWHERE = "/console/{nowhere:"
"""Every other address: there is no such page."""


def addresses(routes: Iterable[web.RouteDef], asked: Mapping[str, Iterable[str]]) -> list[str]:
    """`asked`: for a route its queries, or for one with `{…}` in it whole addresses. What has none is asked plainly,
    with 1 for whatever it wants."""
    found: list[str] = []
    for path in sorted({each.path for each in routes if each.method == "GET" and each.path not in BEYOND}):
        if path.startswith(NOWHERE):
            continue
        if "{" in path:
            found += asked.get(path, (re.sub(r"{[^}]*}", "1", path),))
        else:
            found += [path + (f"?{query}" if query else "") for query in asked.get(path, ("",))]
    return found


def of(record: str, room: str, person: str, code: str, name: str, change: str) -> dict[str, tuple[str, ...]]:
    """Each page as it opens, searched, filtered, and with the details of one."""
    name, ref = quote(name), quote(record)
    return {
        "/console/login": ("link=x",),
        "/console/identities": ("", f"q={name}"),
        "/console/identities/one": (f"person={person}", f"person={person}&other=p_zhaolei"),
        "/console/rooms": ("", "q=room", "which=quiet", "which=outside"),
        "/console/rooms/one": (f"room={quote(room)}", f"room={quote(room)}&customer={ref}"),
        "/console/customers": ("", f"q={name}", "which=disputed", "which=refused"),
        "/console/customers/one": (f"ref={ref}", f"ref={ref}&field=phone"),
        "/console/conflicts": ("", "which=mine", "which=nobody", "which=settled", "field=phone"),
        "/console/policies/why/{code}": (f"/console/policies/why/{code}",),
        "/console/policies/{change}": (f"/console/policies/{quote(change)}",),
        "/console/mentions": ("", f"q={name}"),
        "/console/alerts": ("", "which=all", "rule=risk_high"),
        "/console/audit": ("", f"record={ref}", f"person={person}", f"q={code}", f"q={name}"),
    }
