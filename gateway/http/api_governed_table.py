"""The endpoints of stages and applications, as data. Each is only for a token that reads as an admin."""

from __future__ import annotations

from gateway.http import api_governed_models as models
from gateway.http.api_endpoint import Endpoint

_ADMIN = "Only for a token that reads as an admin."

GOVERNED: tuple[Endpoint, ...] = (
    Endpoint(
        "list_stages",
        "GET",
        "/stages",
        "operate",
        "How much cards show, by kind of room",
        "With what cards led to at this stage and the one before, counted without persons or customers, and what that "
        "speaks for. " + _ADMIN,
        models.StagesPage,
    ),
    Endpoint(
        "set_stage",
        "POST",
        "/stages",
        "operate",
        "Decide a stage",
        "Cards that are up follow within seconds. Answers the list as it is then. " + _ADMIN,
        models.StagesPage,
        body=models.StageBody,
        errors=(409,),
    ),
    Endpoint(
        "undo_stage",
        "POST",
        "/stages/undo",
        "operate",
        "Take the last decision back",
        "The kind of room is where it was before. " + _ADMIN,
        models.StagesPage,
        body=models.StageUndoBody,
        errors=(409,),
    ),
    Endpoint(
        "list_applications",
        "GET",
        "/applications",
        "operate",
        "Who may read and write what, and did",
        "Channels and bearers of tokens with the fields they were granted, their tokens, and how often they read and "
        "wrote which field on which day: never a value. " + _ADMIN,
        models.ApplicationsPage,
        query=models.ApplicationsQuery,
    ),
    Endpoint(
        "end_token",
        "POST",
        "/applications/tokens/end",
        "operate",
        "End a token",
        "At once and for good, in every gateway. " + _ADMIN,
        None,
        status=204,
        body=models.EndTokenBody,
        errors=(404,),
    ),
)
