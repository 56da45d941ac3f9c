"""What a press or a form is answered with, as JSON."""

from __future__ import annotations

from typing import Any

from cards.inert import inert
from channels import model
from channels.web.cards import LIMITS, draw


def words(answer: model.Answer) -> dict[str, Any]:
    if isinstance(answer, model.Toast):
        return {"kind": "toast", "text": inert(answer.text, limit=LIMITS.text), "tone": answer.tone}
    if isinstance(answer, model.ShowCard):
        return {"kind": "card", "card": draw(answer.card)}
    if isinstance(answer, model.OpenForm):
        return {"kind": "form", "card": draw(answer.card)}
    if isinstance(answer, model.FieldErrors):
        errors = {name: inert(text, limit=LIMITS.text) for name, text in answer.errors.items()}
        return {"kind": "errors", "errors": errors}
    if isinstance(answer, model.Nothing):
        return {"kind": "nothing"}
    raise TypeError(f"channels.web cannot word a {type(answer).__name__}")
