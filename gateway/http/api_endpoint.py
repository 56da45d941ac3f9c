"""One endpoint of the API, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from gateway.http import api_bodies as asked

BASE = "/api/v1"
Scope = Literal["read", "edit", "identities", "mentions", "operate", "scim"]

Name = Literal[
    "search_customers",
    "read_customer",
    "erase_customer",
    "make_edit",
    "field_history",
    "read_decision",
    "read_trail",
    "list_identities",
    "list_unmapped",
    "make_link",
    "end_link",
    "link_contact",
    "rekey_accounts",
    "merge_persons",
    "split_person",
    "list_person_changes",
    "undo_person_change",
    "list_devices",
    "add_device",
    "bind_device_key",
    "revoke_device",
    "try_message",
    "list_learned",
    "judge_name",
    "set_room",
    "list_parked",
    "replay_parked",
    "list_sources",
    "begin_epoch",
    "list_targets",
    "plan_policy",
    "list_policy_changes",
    "read_policy_change",
    "apply_policy",
    "undo_policy",
    "list_access_versions",
    "propose_access",
    "read_access_version",
    "apply_access",
    "withdraw_access",
    "rollback_access",
    "check_access",
    "diff_access",
    "simulate_access",
    "compare_access",
    "list_stages",
    "set_stage",
    "undo_stage",
    "list_applications",
    "end_token",
    "list_joins",
    "look_at_join",
    "join_records",
    "part_record",
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`errors` are those of its own, besides what any request can meet."""

    name: Name
    method: Literal["GET", "POST", "DELETE"]
    path: str
    scope: Scope
    summary: str
    about: str
    answer: type[BaseModel] | None
    status: int = 200
    query: type[BaseModel] = asked.NoQuery
    body: type[BaseModel] | None = None
    errors: tuple[int, ...] = ()

    @property
    def full_path(self) -> str:
        return BASE + self.path
