"""The endpoints of access policies, as data. Each is only for a token that reads as an admin."""

from __future__ import annotations

from gateway.http import api_access_models as models
from gateway.http.api_endpoint import Endpoint

_ADMIN = "Only for a token that reads as an admin."

ACCESS: tuple[Endpoint, ...] = (
    Endpoint(
        "list_access_versions",
        "GET",
        "/access/versions",
        "operate",
        "Versions of the access policies",
        "Proposed, in force, replaced and withdrawn. " + _ADMIN,
        models.VersionsPage,
    ),
    Endpoint(
        "propose_access",
        "POST",
        "/access/versions",
        "operate",
        "Propose a version",
        "Checked against the schema, and that it shuts not every admin out; it changes nothing until another "
        "admin applies it. " + _ADMIN,
        models.WholeVersion,
        status=201,
        body=models.ProposeBody,
        errors=(409,),
    ),
    Endpoint(
        "read_access_version",
        "GET",
        "/access/versions/{n}",
        "operate",
        "A version with its files",
        "And what it changes against what was in force when it was proposed. " + _ADMIN,
        models.WholeVersion,
        errors=(404,),
    ),
    Endpoint(
        "apply_access",
        "POST",
        "/access/versions/{n}/apply",
        "operate",
        "Put a version in force",
        "By another admin than its proposer; where there is one admin only, by that one. Every gateway "
        "follows within seconds, and every card is drawn again. " + _ADMIN,
        models.WholeVersion,
        body=models.ApproveBody,
        errors=(404, 409),
    ),
    Endpoint(
        "withdraw_access",
        "POST",
        "/access/versions/{n}/withdraw",
        "operate",
        "End a proposal",
        "It is never in force. " + _ADMIN,
        models.WholeVersion,
        errors=(404, 409),
    ),
    Endpoint(
        "rollback_access",
        "POST",
        "/access/rollback",
        "operate",
        "Go back to an earlier version",
        "Its files are in force again, as a new version. They were approved once: one admin alone may do it. " + _ADMIN,
        models.WholeVersion,
        body=models.RollbackBody,
        errors=(409,),
    ),
    Endpoint(
        "check_access",
        "POST",
        "/access/check",
        "operate",
        "Check policy files",
        "Every fault at once, and the difference to what is in force. Nothing is kept. " + _ADMIN,
        models.CheckedView,
        body=models.CheckBody,
        errors=(409,),
    ),
    Endpoint(
        "diff_access",
        "GET",
        "/access/diff",
        "operate",
        "The difference between two sets",
        "Policy by policy and line by line. " + _ADMIN,
        models.DiffView,
        query=models.DiffQuery,
        errors=(409,),
    ),
    Endpoint(
        "simulate_access",
        "POST",
        "/access/simulate",
        "operate",
        "Who in this room would see a field",
        "At a moment, under a set of policies: by kind of reader with the policy and line that decides. "
        "Nothing is shown to anybody. " + _ADMIN,
        models.SimulatedView,
        body=models.SimulateBody,
        errors=(409,),
    ),
    Endpoint(
        "compare_access",
        "POST",
        "/access/compare",
        "operate",
        "What would change between two sets",
        "For the people, rooms and cards there are, at a moment. Nothing is shown to anybody. " + _ADMIN,
        models.ComparedView,
        body=models.CompareBody,
        errors=(409,),
    ),
)
