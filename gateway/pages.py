"""A link to a form of our own, for somebody on a network without forms: signed, for one person, opened once, soon over.

The link names a person, the account and place they speak from, and a record. It grants nothing by itself: what the form
shows and takes is judged anew each time, as if its reader had pressed *Edit* in that place.
"""

from __future__ import annotations

from dataclasses import dataclass

from cards import tree
from cards.words import say
from channels.model import ImId, OpenForm, Place
from gateway.errors import Rejected, Unreadable
from gateway.services import Services
from gateway.store.tokens import PAGE_MS, TokenStore
from gateway.turn import Turn
from reconcile.model import Json
from reconcile.token import read_button, sign_button

_KIND = "page"


@dataclass(frozen=True, slots=True)
class FormLink:
    """`once` is the link's own secret. Times in ms."""

    person: str
    im: ImId
    place: Place
    record: str
    once: str
    expires: int

    def signed(self, s: Services) -> str:
        body: list[Json] = [self.person, self.im.key, self.place.key, self.record, self.once, self.expires]
        return sign_button({"a": _KIND, "d": s.config.deployment, "l": body}, s.keys.buttons)


def read_link(s: Services, token: str) -> FormLink:
    """Raises `Rejected` for what was not signed here as a link; one that is too old is told by `expires`."""
    payload = read_button(token, s.keys.buttons)
    if payload.get("a") != _KIND or payload.get("d") != s.config.deployment:
        raise Rejected("not a link to a form of this deployment")
    match payload.get("l"):
        case [str(person), str(im), str(place), str(record), str(once), int(expires)]:
            return FormLink(person, ImId.parse(im), Place.parse(place), record, once, expires)
    raise Rejected("a link of another version")


async def page_card(s: Services, turn: Turn, answer: OpenForm) -> tree.Card:
    """The form as a link, for the one who asked for it and nobody else."""
    person = turn.person
    form = next(block for block in answer.card.blocks if isinstance(block, tree.Form))
    _, saved = s.buttons.read(form.data, "save")
    if person is None:
        raise Unreadable("a form for nobody")
    locale = turn.locale or s.config.locale
    once = await TokenStore(s.store, s.clock).page_link(person.id)
    link = FormLink(person.id, turn.event.who.id, turn.place, saved.text("r"), once, turn.now + PAGE_MS)
    url = f"{s.config.public_url.rstrip('/')}/form/{link.signed(s)}"
    text = say(locale, "This link is yours alone. It opens once, within {minutes} minutes.", minutes=PAGE_MS // 60_000)
    opens = tree.Link(say(locale, "Open the form"), url)
    return tree.Card(
        "page", answer.card.summary, (tree.Title(answer.card.summary), opens, tree.Text(text)), locale=locale
    )
