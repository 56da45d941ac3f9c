"""Which access policies are in force: read at the start, then followed, whichever gateway or command changed them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from gateway.afresh import Afresh
from gateway.config import Config
from gateway.errors import Misconfigured, Retry
from gateway.services import Services
from gateway.store.access_versions import AccessVersion, AccessVersions, digest
from gateway.store.engine import Store
from identity import policy_files
from identity.access import AccessPolicy
from identity.policy_files import Policies

log = logging.getLogger("floatcard.policies")

EVERY_S: Final = 1.0
_WAY_OUT: Final = "put another version in force with `floatcard access rollback`, then start again"


async def in_force(config: Config, store: Store, now: int) -> AccessPolicy:
    """The version in force: the configured files, until an admin has put a version in force; from then on files that
    say something else are proposed, and wait for an approval. Raises `Misconfigured`."""
    files, faults = policy_files.read(folder_of(config))
    configured = policy_files.build(files, faults)
    version = await AccessVersions(store).begin(files, now)
    if version.hash == digest(files):
        return AccessPolicy(configured)
    log.warning("the policy files differ from the access policies in force, version %s", version.n)
    return AccessPolicy(_built(version))


def folder_of(config: Config) -> Path | None:
    return Path(config.policies_dir) if config.policies_dir else None


def _built(version: AccessVersion) -> Policies:
    try:
        return policy_files.build(version.files)
    except Misconfigured as wrong:
        where = f"access policies, version {version.n}"
        faults = [(where, f"{file}, {key}", reason) for file, key, reason in wrong.faults]
        raise Misconfigured([*faults, (where, "", _WAY_OUT)]) from None


class Following:
    """Every gateway does this for itself. What cannot be read leaves in force what was."""

    def __init__(self, services: Services, afresh: Afresh) -> None:
        self._s = services
        self._afresh = afresh
        self._versions = AccessVersions(services.store)
        self._seen = 0
        self._unpainted = False

    async def run(self) -> None:
        while True:
            try:
                await self.once()
            except Retry:
                pass
            except Exception:
                log.exception("a change of the access policies could not be followed")
            await asyncio.sleep(EVERY_S)

    async def once(self) -> bool:
        """Whether other policies are in force from now on. Then every card is drawn again: once, after the last gateway
        that follows, because each may have drawn one by the old policies until then."""
        changed = await self._take()
        self._unpainted = self._unpainted or changed
        if self._unpainted:
            await self._afresh.followed()
            self._unpainted = False
        return changed

    async def _take(self) -> bool:
        number = await self._versions.number()
        if number == self._seen or (version := await self._versions.in_force()) is None:
            return False
        self._seen = version.n
        try:
            policies = policy_files.build(version.files)
        except Misconfigured:
            log.error("version %s of the access policies cannot be read here: what was in force stays so", version.n)
            return False
        if policies.hash == self._s.access.hash:
            return False
        self._s.access.use(policies)
        log.info("version %s of the access policies is in force", version.n)
        return True
