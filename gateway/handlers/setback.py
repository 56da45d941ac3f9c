"""A source that was set back, for the managers and admins: what it says is set aside, and somebody has to look."""

from __future__ import annotations

from gateway.handlers import alerts
from gateway.services import Services
from gateway.store.due import Due, DueStore
from gateway.turn import Trail

RULE = alerts.SET_BACK


async def told(s: Services, source: str, stream: str, trail: Trail) -> None:
    """Once until it is over, however much it says meanwhile. `stream`: empty of a CRM."""
    if not s.config.alerts.set_back:
        return
    subject = f"{source}|{stream}"
    known = await s.alerts.get(alerts.alert_id(RULE, "", subject))
    if known is None or known.state == "over":
        await alerts.raise_alert(s, RULE, "", subject, "", trail)


async def begun(due: DueStore, source: str, streams: tuple[str, ...], now: int) -> None:
    """A new epoch: the alert is looked at again."""
    for stream in streams or ("",):
        id_ = alerts.alert_id(RULE, "", f"{source}|{stream}")
        await due.put(Due(f"alert:{id_}", "alert", now, {"alert": id_}))
