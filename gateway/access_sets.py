"""A set of policies by what somebody calls it: a version's number, what is in force, the files, or ours."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.access_changes import told
from gateway.access_following import folder_of
from gateway.config import Config
from gateway.errors import Misconfigured, Refused
from gateway.store.access_versions import AccessVersions
from identity import policy_files
from identity.access import AccessPolicy


async def files_of(said: str, versions: AccessVersions, config: Config) -> Mapping[str, str]:
    """Raises `Refused`."""
    if said == "ours":
        return policy_files.read(None)[0]
    if said == "files":
        return policy_files.read(folder_of(config))[0]
    found = await versions.in_force() if said == "force" else None
    if said.isascii() and said.isdigit() and len(said) < 10:
        found = await versions.get(int(said))
    if found is None:
        raise Refused("There is no version {n} of the access policies.", n=said[:64])
    return found.files


def access_of(files: Mapping[str, str]) -> AccessPolicy:
    """Raises `Refused` for what this release cannot read any more."""
    try:
        return AccessPolicy.of(files)
    except Misconfigured as wrong:
        raise Refused("These policies cannot come in force: {faults}", faults=told(wrong.faults)) from None
