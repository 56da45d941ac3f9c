"""The endpoints of customers that are in several CRMs, as data. Each is only for a token that reads as an admin."""

from __future__ import annotations

from gateway.http import api_joined_models as models
from gateway.http.api_endpoint import Endpoint

_ADMIN = "Only for a token that reads as an admin."

JOINED: tuple[Endpoint, ...] = (
    Endpoint(
        "list_joins",
        "GET",
        "/joins",
        "operate",
        "Which records are one customer",
        "By what the customer is called here. " + _ADMIN,
        models.JoinsPage,
    ),
    Endpoint(
        "join_records",
        "POST",
        "/joins",
        "operate",
        "Join two records",
        "They are one customer within seconds; what differs is decided by each field's policy, and nothing is "
        "overwritten before that. Answers the list as it is then. " + _ADMIN,
        models.JoinsPage,
        body=models.JoinBody,
        errors=(409,),
    ),
    Endpoint(
        "look_at_join",
        "POST",
        "/joins/look",
        "operate",
        "What joining two records would mean",
        "Which fields the two CRMs hold otherwise; nothing is joined. " + _ADMIN,
        models.JoinLook,
        body=models.JoinBody,
        errors=(409,),
    ),
    Endpoint(
        "part_record",
        "POST",
        "/joins/part",
        "operate",
        "Part a record again",
        "It is a customer of its own again; its past stays where it was made. Answers the list as it is then. "
        + _ADMIN,
        models.JoinsPage,
        body=models.PartBody,
        errors=(409,),
    ),
)
