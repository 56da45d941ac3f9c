"""Plans, applies and takes back changes of policy, beside everything else; what was begun goes on after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.beside import beside
from gateway.errors import Retry
from gateway.lab.planner import Plan, Question, Stopped, plan
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.engine import Store
from gateway.store.ledger import Ledger
from gateway.store.policy_changes import OPEN, PolicyChange, PolicyChanges
from gateway.wearily import Wearily

log = logging.getLogger("floatcard.lab")

EVERY_S = 1.0
LOOK_S = 0.5
AT_ONCE = 200
"""Fields decided again in one transaction: nobody waits long behind it."""
STEPS = 1_000

Told = Callable[[int, int], None]


@dataclass(slots=True)
class _Progress:
    done: int = 0
    total: int = 0
    stopped: bool = False

    def __call__(self, done: int, total: int) -> bool:
        self.done, self.total = done, total
        return not self.stopped


async def make_plan(
    store: Store, vault: bytes, change: PolicyChange, told: Told | None = None, processes: int | None = None
) -> Plan | None:
    """Of a change that is stored as being planned, into its row; None when it was cancelled meanwhile."""
    changes, state = PolicyChanges(store), _Progress()
    url = store.url.render_as_string(hide_password=False)
    question = Question(url, vault, change.policies, change.records, change.since)
    work = asyncio.ensure_future(beside(plan, question, state, processes))
    try:
        while not (await asyncio.wait({work}, timeout=LOOK_S))[0]:
            if told is not None:
                told(state.done, state.total)
            state.stopped = not await changes.progress(change.id, state.done, state.total)
        made = work.result()
    except Stopped:
        return None
    finally:
        state.stopped = True
        work.cancel()
    for start in range(0, len(made.decided), STEPS):
        await changes.steps_found(change.id, made.decided[start : start + STEPS])
    await changes.progress(change.id, made.fields, made.fields)
    await changes.planned(change.id, made.report())
    return made


async def work_off(ledger: Ledger, id_: str, told: Told | None = None) -> PolicyChange | None:
    """Until the change is neither being applied nor undone."""
    while True:
        change = await ledger.redecide(id_, AT_ONCE)
        if change is None or change.state not in ("applying", "undoing"):
            return change
        if told is not None:
            told(change.done, max(change.total, change.done))


class Laboratory:
    """`run` is for one gateway at a time."""

    def __init__(self, services: Services, spine: Spine) -> None:
        self._s = services
        self._spine = spine
        self.changes = PolicyChanges(services.store)
        self._planning: asyncio.Task[None] | None = None
        self._wearily = Wearily(log)

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self.once()
                except Retry as tired:
                    self._wearily.warning("the laboratory waits: %s", tired)
                except Exception:
                    log.exception("the laboratory broke")
                await asyncio.sleep(EVERY_S)
        finally:
            await self._stop()

    async def once(self) -> None:
        """What is to be applied or undone now is; a plan is begun, and goes on beside."""
        for change in reversed(await self.changes.all(OPEN)):
            if change.state != "planning":
                await work_off(self._s.ledger, change.id)
            elif self._planning is None or self._planning.done():
                self._planning = asyncio.create_task(self._plan(change))
        await self.tell()

    async def _plan(self, change: PolicyChange) -> None:
        try:
            await make_plan(self._s.store, self._s.keys.vault, change)
        except Retry as tired:
            log.warning("a plan waits: %s", tired)  # it is still to be planned, and begun again
        except Exception:
            log.exception("a change of policy could not be planned")
            with contextlib.suppress(Retry):
                await self.changes.planned(change.id, None)

    async def planned(self) -> None:
        """Until the plan that was begun is made."""
        if self._planning is not None:
            await asyncio.wait({self._planning})

    async def _stop(self) -> None:
        if self._planning is not None:
            self._planning.cancel()
            await asyncio.wait({self._planning})

    async def tell(self) -> int:
        """Cards that show what was decided again are drawn anew, and conflicts that opened are shown; how many."""
        told = 0
        for id_ in await self.changes.with_untold():
            while steps := await self.changes.untold(id_):
                for record in sorted({step.record for step in steps}):
                    await self._spine.refresh(record)
                await self.changes.told(id_, steps)
                told += len(steps)
        if told:
            await self._spine.show_conflicts()
        return told
