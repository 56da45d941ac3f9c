"""Texts of ours that are kept in English beside what people wrote: said in the reader's language. What somebody wrote
themselves stays as it is."""

from __future__ import annotations

import re
from typing import Final

from cards.words import N_, Reader

_EVIDENCE: Final = (
    N_("the demo's directory"),
    N_("chosen in the console"),
    N_("said through the API"),
    N_("verified e-mail address"),
    N_("one-time code"),
    N_("signed in there from a session of their own"),
    N_("one-time code given to {who}"),
    N_("said by {who} in {where}"),
    N_("a contact of {record}"),
    N_("imported from {source}"),
    N_("IM field of CRM user {user}"),
    N_("named by the device with its key before"),
)
_NOTES: Final = frozenset(
    {
        N_(
            "An auditor reads every page of the console, and on it what any known colleague reads: that is all. To let "
            "auditors see more, permit it for them in a file of your own, best with an end."
        ),
        N_(
            "Who audits changes nothing, whatever else is permitted to colleagues; who also sells or administers does "
            "so as that."
        ),
        N_("A full member of the company's own workspace, mapped to a person or not yet."),
        N_("Outside the chat a colleague has to be known."),
        N_(
            "Somebody known from the directory, without a CRM account, does not make a private room any poorer. On "
            'their own ("show me", a direct message) they see no more than any colleague.'
        ),
        N_(
            "Whoever can read a room may read what is public in it, guests and unknown readers included. By default a "
            "customer's name is public and nothing else is."
        ),
        N_("A document drawn for marketing never receives what is confidential (receivables), in whatever template."),
        N_("Contact data (the list of contacts, phone, e-mail: confidential) is hidden in the approval flow."),
        N_(
            "Restricted values are for the owner and those who answer for the team, alone with the bot or in the "
            "console. In a group they are never shown, whatever a policy says."
        ),
        N_("Only what one may also view can be edited or acted on: that is asked first."),
    }
)


def _pattern(msgid: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(msgid)))


_PATTERNS: Final = tuple((msgid, _pattern(msgid)) for msgid in _EVIDENCE)


def evidence(reader: Reader, kept: str) -> str:
    """Why an account is somebody's."""
    for msgid, pattern in _PATTERNS:
        if (found := pattern.fullmatch(kept)) is not None:
            return reader.say(msgid, **found.groupdict())
    return kept


def note(reader: Reader, kept: str) -> str:
    """What stands above a policy. An admin who rewrote it reads their own."""
    return reader.say(kept) if kept in _NOTES else kept
