"""Modals: what a submitted one is answered with."""

from __future__ import annotations

from typing import Any

from cards import tree
from cards.inert import inert
from channels import model
from channels.slack.cards import view


def words(event: model.Submitted, answer: model.Answer) -> dict[str, Any]:
    """What Slack does with the view; {} closes it."""
    where = [event.where.room, event.where.thread, event.message.id if event.message else ""]
    if isinstance(answer, model.FieldErrors):
        return _errors(event, answer)
    if isinstance(answer, model.ShowCard | model.OpenForm):
        return {"response_action": "update", "view": view(answer.card, where)}
    if isinstance(answer, model.Toast):
        said = tree.Card("notice", answer.text, (tree.Text(answer.text, answer.tone),))
        return {"response_action": "update", "view": view(said, where)}
    if isinstance(answer, model.Nothing):
        return {}
    raise TypeError(f"channels.slack cannot word a {type(answer).__name__}")


def _errors(event: model.Submitted, answer: model.FieldErrors) -> dict[str, Any]:
    """Slack takes errors for the inputs of that view alone; the others are put to the first of these."""
    said = {name: inert(text, limit=500, lines=False) for name, text in answer.errors.items()}
    known = {name: text for name, text in said.items() if name in event.values}
    elsewhere = " · ".join(text for name, text in said.items() if name not in event.values)
    if elsewhere and event.values:
        first = next(iter(event.values))
        known[first] = " · ".join(filter(None, (known.get(first, ""), elsewhere)))
    return {"response_action": "errors", "errors": known}
