"""Which role may look at which page of the console, do what there, and for what they have to prove themselves anew."""

from __future__ import annotations

from typing import Final

ROLES: Final = frozenset({"admin", "auditor", "manager"})
"""Whoever has one of these may enter. An auditor reads all and changes nothing."""
_ADMIN: Final = frozenset({"admin"})
_READERS: Final = frozenset({"admin", "auditor"})
_MANAGERS: Final = frozenset({"admin", "manager"})

_OWN: Final = ("/console/logout", "/console/me", "/console/again", "/console/oidc")
"""Anybody's who is signed in."""
_SHARED: Final = ("/console/customers", "/console/conflicts", "/console/alerts")
"""Where managers work."""
_ALONE: Final = ("/console/customers/erase", "/console/customers/join", "/console/identities/bring")
"""An admin's, to look at as well."""
_READING: Final = (
    "/console/audit/verify",
    "/console/audit/export",
    "/console/audit/applications/export",
    "/console/customers/export",
    "/console/audit/deeds/export",
    "/console/alerts/export",
    "/console/conflicts/export",
)
"""Forms that change nothing."""
_FRESH: Final = (
    "/console/policies/apply",
    "/console/policies/undo",
    "/console/policies/access/apply",
    "/console/policies/access/rollback",
    "/console/customers/erase",
    "/console/identities/bring",
    "/console/identities/person",
    "/console/sources/epoch",
)


def may(roles: frozenset[str], method: str, path: str) -> bool:
    if _within(path, _OWN):
        return bool(roles & ROLES)
    if _within(path, _ALONE):
        return bool(roles & _ADMIN)
    if method not in ("GET", "HEAD") and not _within(path, _READING):
        return bool(roles & (_MANAGERS if _within(path, _SHARED) else _ADMIN))
    shared = path.rstrip("/") == "/console" or _within(path, _SHARED)
    return bool(roles & (ROLES if shared else _READERS))


def needs_fresh(path: str) -> bool:
    """Policies put in force or taken back, roles given, what cannot be undone, and whatever takes data out in bulk."""
    last = path.rstrip("/").rpartition("/")[2]
    return _within(path, _FRESH) or last.endswith(".csv") or last.startswith("export")


def _within(path: str, pages: tuple[str, ...]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in pages)
