"""What went wrong, named by what happens next. Imports nothing, so every floor may raise these."""


class Rejected(Exception):
    """The caller is not who they say they are: answered 401 and counted."""


class Unreadable(Exception):
    """Their format, not understood: counted, kept for a fixture, answered 200 so that they don't retry."""


class Refused(Exception):
    """A person can mend it, and is told how.

    `say` is an English message id of the catalogues with `{name}` placeholders; `facts` fill them after
    translation, so a hostile value is never part of a format string.
    """

    def __init__(self, say: str, **facts: object) -> None:
        super().__init__(say)
        self.say = say
        self.facts = facts


class Gone(Refused):
    """The message is not there any more: nobody reads it."""


class Fixed(Refused):
    """The message can never be changed: it is of no use to ask again."""


class NotHere(Refused):
    """This person, or the bot, is not in the room: in a room of their own they can be told."""


class Unmet(Refused):
    """Nothing can be said to this person alone until they have spoken to the bot."""


class Retry(Exception):
    """The other side is down or tired: the bus brings the work back in `after` seconds.

    `limit`: it is well, but was asked too often: "room", "method" or "network", whichever has to wait for so long.
    """

    def __init__(self, after: float, why: str = "", *, limit: str = "") -> None:
        super().__init__(why or f"again in {after:g} s")
        self.after = after
        self.limit = limit


class Unsure(Retry):
    """The call was sent and its answer never read: it may have been taken. Read before it is sent again."""


class Misconfigured(Exception):
    """Raised at start only, with every fault found: (file, key, reason)."""

    def __init__(self, faults: list[tuple[str, str, str]]) -> None:
        super().__init__("\n".join(f"{file}: {key}: {reason}" for file, key, reason in faults))
        self.faults = faults
