"""Every endpoint of the API, as data: the routes and the OpenAPI document are made from this one table."""

from __future__ import annotations

from gateway.http import api_answers as told
from gateway.http import api_bodies as asked
from gateway.http import api_mentions_models as mentions
from gateway.http import api_policies_models as policies
from gateway.http.api_access_table import ACCESS
from gateway.http.api_endpoint import BASE, Endpoint, Name
from gateway.http.api_governed_table import GOVERNED
from gateway.http.api_joined_table import JOINED
from gateway.http.api_persons_table import PERSONS

__all__ = ["BASE", "ENDPOINTS", "PATHS", "Endpoint", "Name"]

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "search_customers",
        "GET",
        "/customers",
        "read",
        "Customers by a part of their name",
        "Those the token's person may know to be customers, in the order of their `ref`. A page may be short, or "
        "empty, while `after` is not null: then go on.",
        told.CustomerPage,
        query=asked.CustomersQuery,
    ),
    Endpoint(
        "read_customer",
        "GET",
        "/customers/{ref}",
        "read",
        "One customer",
        "As the token's person may see it: what they may not see is absent. With the scope `edit` every field they may "
        "edit carries its `parents`.",
        told.Customer,
        errors=(404,),
    ),
    Endpoint(
        "erase_customer",
        "POST",
        "/customers/{ref}/erase",
        "operate",
        "Erase a customer for ever",
        "Every value becomes unreadable, names are forgotten, cards are taken away; decisions stay as rows without a "
        "value, and the chain stays whole. The CRM is not touched. Only for a token that reads as an admin, with a new "
        "one-time link of that admin as proof: `floatcard login` makes one, and it is used up.",
        told.Erased,
        body=asked.EraseBody,
        errors=(404,),
    ),
    Endpoint(
        "make_edit",
        "POST",
        "/edits",
        "edit",
        "Edit a field, as a plugin",
        "System and surface are fixed by the token; claiming a source, a stream or a device is answered 403. Durable "
        "when answered. Send it again with the same `once` whenever the answer was lost: it is answered the same, and "
        "says so in the header `Idempotent-Replay`.",
        told.EditAnswer,
        body=asked.EditBody,
        errors=(404, 409),
    ),
    Endpoint(
        "field_history",
        "GET",
        "/customers/{ref}/fields/{field}/history",
        "read",
        "A field's history",
        "Every edit with the decision made when it came, newest first.",
        told.HistoryPage,
        query=asked.HistoryQuery,
        errors=(404,),
    ),
    Endpoint(
        "read_decision",
        "GET",
        "/decisions/{trace}",
        "read",
        "A decision by its trace code",
        "Which source, who, when, under which policy and what it replaced; and where it stands in the chain.",
        told.DecisionAnswer,
        errors=(404,),
    ),
    Endpoint(
        "read_trail",
        "GET",
        "/trail",
        "read",
        "What a turn decided, step by step",
        "By `turn`, or the last one of a `room`: only of rooms the token's person is in, or as an admin. Facts are "
        "ids, counts and field names; steps about a customer or a field that person may not see are not told.",
        told.TrailAnswer,
        query=asked.TrailQuery,
        errors=(404,),
    ),
    Endpoint(
        "list_identities",
        "GET",
        "/identities",
        "identities",
        "Persons and their accounts",
        "Every person with the links that stand, in the order of their ids.",
        told.IdentitiesPage,
        query=asked.IdentitiesQuery,
    ),
    Endpoint(
        "list_unmapped",
        "GET",
        "/identities/unmapped",
        "identities",
        "Accounts that belong to nobody yet",
        "Those last heard first, each with who it might be.",
        told.UnmappedPage,
        query=asked.UnmappedQuery,
    ),
    Endpoint(
        "make_link",
        "POST",
        "/identities/links",
        "identities",
        "Link an account to a person",
        "Kept with the token's name and your evidence; every card is computed again. A link that stands already is "
        "answered as it is.",
        told.LinkView,
        status=201,
        body=asked.LinkBody,
        errors=(404, 409),
    ),
    Endpoint(
        "end_link",
        "DELETE",
        "/identities/links/{id}",
        "identities",
        "Undo a link",
        "The account belongs to nobody from now on; that it once did stays on record.",
        None,
        status=204,
        errors=(404,),
    ),
    Endpoint(
        "try_message",
        "POST",
        "/mentions/try",
        "mentions",
        "Try a message",
        "What it names, how sure that is, why, and whether a card would float, somebody would be asked, or nothing "
        "would happen. Nothing is kept or shown.",
        mentions.TryAnswer,
        body=mentions.TryBody,
    ),
    Endpoint(
        "list_learned",
        "GET",
        "/mentions/names",
        "mentions",
        "What use has taught about names",
        "Most often wrong first, with what it weighs; names that were wrong three times are proposed as common words.",
        mentions.LearnedPage,
    ),
    Endpoint(
        "judge_name",
        "POST",
        "/mentions/names",
        "mentions",
        "An admin's word on a name",
        "Accept or refuse it as a common word, take that back, or take back everything use taught about it. Answers "
        "the list as it is then.",
        mentions.LearnedPage,
        body=mentions.NameBody,
    ),
    Endpoint(
        "set_room",
        "POST",
        "/mentions/rooms",
        "mentions",
        "What a room is about, and its budget",
        "The customer that names said there mean first, and how many cards it may have in an hour. Answers what is so "
        "then.",
        mentions.RoomSetting,
        body=mentions.RoomBody,
        errors=(404,),
    ),
    Endpoint(
        "list_sources",
        "GET",
        "/sources",
        "operate",
        "How far each source was read",
        "CRMs by their feeds, systems under `[sources]` by their numbers: when, how late, and whether anything is "
        "missing or was set back. Only for a token that reads as an admin.",
        told.SourcePage,
    ),
    Endpoint(
        "begin_epoch",
        "POST",
        "/sources/{name}/epoch",
        "operate",
        "Begin a new epoch of a source",
        "Of a source that was set back: what it says from now on is news, on top of what is known here. Of a CRM each "
        "of the records is read anew. Nothing is done, and 409 answered, where nothing was set back. Only for a token "
        "that reads as an admin.",
        told.Epoch,
        errors=(409,),
    ),
    Endpoint(
        "list_targets",
        "GET",
        "/targets",
        "operate",
        "Whom this gateway calls, and whether they answer",
        "Each network, CRM, feed and user list has a circuit breaker of its own, and so have the sign-in provider and "
        "the collector of traces. As the gateway that answers finds them; another may find them otherwise. Only for a "
        "token that reads as an admin.",
        told.TargetPage,
    ),
    Endpoint(
        "list_parked",
        "GET",
        "/parked",
        "operate",
        "Jobs that were set aside",
        "Those that failed to the end, or ended the process they ran in; oldest first. Nothing in it is of a person, a "
        "room or a customer. Only for a token that reads as an admin.",
        told.ParkedPage,
        query=asked.ParkedQuery,
    ),
    Endpoint(
        "replay_parked",
        "POST",
        "/parked/replay",
        "operate",
        "Take parked jobs up again",
        "From the first try, each in its own lane. Only for a token that reads as an admin.",
        told.Replayed,
        body=asked.ReplayBody,
    ),
    Endpoint(
        "plan_policy",
        "POST",
        "/policies/plans",
        "operate",
        "Try a merge policy on what happened",
        "Begins a plan, which changes nothing; read it until its state is `planned`. Only for a token that reads as an "
        "admin, who is its proposer.",
        policies.ChangeView,
        status=202,
        body=policies.PlanBody,
        errors=(409,),
    ),
    Endpoint(
        "list_policy_changes",
        "GET",
        "/policies/changes",
        "operate",
        "Changes of merge policies",
        "Planned, in force and taken back. Only for a token that reads as an admin.",
        policies.ChangesPage,
    ),
    Endpoint(
        "read_policy_change",
        "GET",
        "/policies/changes/{change}",
        "operate",
        "A change of policy, with its report",
        "How far it is, and what it found: what would differ, which conflicts would not have been asked, which edits "
        "would have lost, each with examples. Only for a token that reads as an admin.",
        policies.ChangeView,
        errors=(404,),
    ),
    Endpoint(
        "apply_policy",
        "POST",
        "/policies/changes/{change}/apply",
        "operate",
        "Put a planned change in force",
        "It rules new edits at once; the fields it decides otherwise are decided again in batches. Only for a token "
        "that reads as an admin other than the proposer.",
        policies.ChangeView,
        status=202,
        body=policies.ApplyBody,
        errors=(404, 409),
    ),
    Endpoint(
        "undo_policy",
        "POST",
        "/policies/changes/{change}/undo",
        "operate",
        "Take a change of policy back",
        "Cancels one that is planned or being applied, undoes one that is applied: every field is decided again by "
        "what ruled before. Only for a token that reads as an admin.",
        policies.ChangeView,
        status=202,
        body=policies.UndoBody,
        errors=(404, 409),
    ),
    *PERSONS,
    *ACCESS,
    *GOVERNED,
    *JOINED,
)

PATHS: dict[str, tuple[str, int, str]] = {
    "ref": ("The customer's `ref`.", 512, "local:account:hx-medical"),
    "field": ("The field's name.", 128, "phone"),
    "trace": ("A trace code, in any spelling a person types.", 64, "7F3A-19C2-0B4D-88E1"),
    "id": ("The link's id.", 64, "0f2a9c61b8d4e377"),
    "change": ("The change's id.", 32, "pc-0f2a9c61b8d4"),
    "device": ("The device's id.", 32, "dv_0f2a9c61b8d4"),
    "n": ("The version's number.", 9, "7"),
    "name": ("The source's name in the configuration.", 64, "erp"),
}
"""Each placeholder of a path: what it is, its greatest length, an example."""
