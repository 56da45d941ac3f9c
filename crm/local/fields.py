"""The fields of an account: their types, and how a value is spelled here."""

from __future__ import annotations

from crm.model import FieldInfo
from crm.values import bounded, required, scrub, short, spelled, ungrouped
from gateway.errors import Refused
from reconcile.model import Json

__all__ = ["FIELDS", "KNOWN", "bounded", "clean", "required", "scrub", "short", "spelled", "ungrouped"]

TIERS = ("VIP", "key", "standard", "trial")
STAGES = ("lead", "qualified", "negotiation", "won", "lost")

FIELDS: tuple[FieldInfo, ...] = (
    FieldInfo("phone", "Phone", "phone"),
    FieldInfo("email", "Email", "email"),
    FieldInfo("address", "Address", "text"),
    FieldInfo("city", "City", "text"),
    FieldInfo("industry", "Industry", "text"),
    FieldInfo("tier", "Tier", "choice", TIERS),
    FieldInfo("stage", "Stage", "choice", STAGES),
    FieldInfo("renewal", "Renewal", "date"),
    FieldInfo("amount", "Amount", "decimal"),
    FieldInfo("credit_limit", "Credit limit", "decimal"),
    FieldInfo("website", "Website", "text"),
    FieldInfo("description", "Description", "text"),
)
KNOWN = {info.name: info for info in FIELDS}

NAME_LIMIT = 200
NOTE_LIMIT = 20_000
LIMITS = {"description": 20_000}
LIMIT = 2_000


def clean(field: str, value: Json) -> str | None:
    """The value as this CRM spells it; None clears. Raises `Refused` for a field or value it does not take."""
    info = KNOWN.get(field)
    if info is None or info.type == "other":
        raise Refused("The CRM has no field called {field}.", field=short(field))
    return spelled(info.label, info.type, value, limit=LIMITS.get(field, LIMIT), options=info.options)
