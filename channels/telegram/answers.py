"""What a press is answered with: a line at the top of the screen, or a warning to be clicked away."""

from __future__ import annotations

import json
from typing import Any

from telegram.constants import CallbackQueryLimit

from cards.inert import inert
from cards.words import N_, say
from channels import model
from channels.telegram.text import units

JSON = {"content-type": "application/json; charset=utf-8"}
_OLD = N_("This was made by an older version. Ask for the card again.")


def old(event: model.Pressed) -> model.Toast:
    """For a button of which nothing is kept any more."""
    return model.Toast(say(event.locale, _OLD))


def in_response(event: model.Pressed, answer: model.Answer) -> model.Reply:
    body = {"method": "answerCallbackQuery", "callback_query_id": event.trigger, **words(answer)}
    return model.Reply(headers=JSON, body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def words(answer: model.Answer) -> dict[str, Any]:
    most = CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
    if isinstance(answer, model.Toast):
        text = _fitting(answer.text, most)
        return {"text": text, "show_alert": answer.tone in ("warning", "danger")} | (
            {"url": answer.url} if answer.url else {}
        )
    if isinstance(answer, model.FieldErrors):
        return {"text": _fitting("\n".join(answer.errors.values()), most), "show_alert": True}
    if isinstance(answer, model.ShowCard | model.OpenForm):
        return {"text": _fitting(answer.card.summary, most), "show_alert": True}
    if isinstance(answer, model.Nothing):
        return {}
    raise TypeError(f"channels.telegram cannot word a {type(answer).__name__}")


def _fitting(text: str, most: int) -> str:
    """In at most so many units of UTF-16."""
    shown = inert(text, limit=most)
    return shown if units(shown) <= most else inert(shown, limit=most // 2)
