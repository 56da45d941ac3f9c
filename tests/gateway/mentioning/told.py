"""What several of these tests ask of a house."""

from __future__ import annotations

from typing import Any

from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import Live

QINGDAO, SHENZHEN = "local:account:yh-qingdao", "local:account:yh-shenzhen"
TWIN = "远航科技"


async def facts(live: Live, step: str) -> list[dict[str, Any]]:
    return [each.step.facts for each in await live.s.trail.latest(500) if each.step.step == step]


async def said(live: Live, person: str, room: str, text: str, **more: Any) -> str:
    message = await live.say(person, room, text, **more)
    await live.settle()
    return message


async def told(live: Live, person: str, room: str, command: str) -> str:
    """What a command answers, in English."""
    await said(live, person, room, command, addressed=True, locale="en")
    return text(live.chat.whispers(room, person)[-1].card)


def questions(live: Live, room: str, person: str) -> list[Message]:
    return [one for one in live.chat.whispers(room, person) if buttons(one.card, "pick")]
