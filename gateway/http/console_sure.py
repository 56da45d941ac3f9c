"""What was decided in the console goes the way of every edit: cards are painted again, the CRM is written to."""

from __future__ import annotations

from collections.abc import Awaitable

from gateway.errors import Rejected, Unreadable
from gateway.handlers import desk
from gateway.http.console_session import elsewhere
from gateway.spine import Spine

_SAID = {
    desk.SETTLED: "settled",
    desk.UNDONE: "undone",
    desk.REOPENED: "again",
    desk.KEPT: "newer",
    desk.BEATEN: "beaten",
    desk.PROPOSED: "proposed",
    desk.BUILT_ON: "built",
}


async def surely(spine: Spine, work: Awaitable[desk.Ended]) -> str:
    """The code of what the next page tells. Raises `Turned` for a form that was not made here."""
    try:
        ended = await work
    except (Rejected, Unreadable):
        raise elsewhere() from None
    if ended.record:
        await spine.refresh(ended.record)
        for nudge in spine.edited:
            nudge()
    return _SAID[ended.say]
