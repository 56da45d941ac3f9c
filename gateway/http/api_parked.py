"""Jobs that were set aside: an admin's token lists them and takes them up again."""

from __future__ import annotations

from gateway.http import api_answers as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_bodies import ParkedQuery, ReplayBody
from gateway.http.api_problem import forbidden
from gateway.parked import listed
from gateway.services import Services

_LAST = 2**63 - 1
"""No job's id is above it."""


class ParkedJobs:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def listing(self, ask: Ask) -> Done:
        admin(ask)
        asked = ask.asked(ParkedQuery)
        total, _ = await self._s.bus.aside()
        rows = await listed(self._s.bus, min(int(asked.after or 0), _LAST), asked.limit + 1)
        jobs = [
            told.ParkedJob(id=str(e.id), topic=e.topic, lane=e.lane, tries=e.tries, why=e.why, at=e.at)
            for e in rows[: asked.limit]
        ]
        after = jobs[-1].id if len(rows) > asked.limit else None
        return Done(told.ParkedPage(jobs=jobs, after=after, total=total))

    async def replay(self, ask: Ask) -> Done:
        admin(ask)
        ids = ask.sent(ReplayBody).ids
        done = await self._s.bus.replay(None if ids is None else [int(each) for each in ids])
        return Done(told.Replayed(replayed=done))


def admin(ask: Ask) -> None:
    """Raises `Problem` 403: the scope alone is not enough, the token's person must be one."""
    person = ask.caller.person
    if person is None or "admin" not in person.roles:
        raise forbidden("not_admin", "The person this token reads as must have the role `admin`.")
