"""Mentions: a message tried, what use has taught, and an admin's word on names and rooms."""

from __future__ import annotations

from typing import Literal

from channels.model import Place
from gateway.handlers.hearing import heard
from gateway.http import api_mentions_models as told
from gateway.http.api_ask import Ask, Done, granted, seen
from gateway.http.api_problem import unprocessable
from gateway.mentioning import reasons, weights
from gateway.mentioning.knowing import Asked
from gateway.mentioning.reading import Judged, judge
from gateway.mentioning.spoken import spoken
from gateway.services import Services
from gateway.store.mentioning import Learned
from mentions.decide import SHOW

BEARERS = 10
"""Of one name, so many customers are looked at."""
_STATES = {"accept": "accepted", "refuse": "refused", "forget": ""}


class Mentioned:
    def __init__(self, services: Services) -> None:
        self._s = services

    async def try_message(self, ask: Ask) -> Done:
        body = ask.sent(told.TryBody)
        place = self._place(body.room) if body.room is not None else None
        asked = Asked(place, ask.caller.person, self._s.clock.now())
        views = [await self._heard(each, ask) for each in await judge(self._s, asked, body.text)]
        # that a word is heard at all tells that it is a customer's name: only to who may know one of that name
        return Done(told.TryAnswer(threshold=SHOW, mentions=[each for each in views if each.candidates]))

    def _place(self, room: str) -> Place:
        """Raises `Problem` 422."""
        try:
            place = Place.parse(f"{room}/")
        except ValueError:
            place = Place("", "")
        if place.channel not in self._s.channels or not place.room or not room.isprintable():
            raise unprocessable("bad_room", "Write channel/room, of a configured channel.", "room")
        return place

    async def _heard(self, each: Judged, ask: Ask) -> told.HeardView:
        seen_by = ask.caller.audience
        found = {one.ref: await heard(self._s, one.ref, seen_by) for one in each.mention.candidates}
        known = {ref: it for ref, it in found.items() if it is not None and (it.contacts or not each.contact)}
        taught = each.taught is not None
        refs = [each.taught] if each.taught else [] if taught else [*each.decision.refs]
        said = ("chosen here before",) if taught else each.decision.reasons
        action: Literal["show", "ask", "silent", "taught"] = "taught" if taught else each.decision.action
        return told.HeardView(
            start=each.mention.start,
            end=each.mention.end,
            decision=action,
            refs=[ref for ref in refs if ref in known],
            score=round(each.decision.score, 4),
            learned=each.learned,
            reasons=[reasons.worded(ask.locale, one) for one in said],
            contact=each.contact,
            candidates=[
                told.CandidateView(ref=one.ref, name=known[one.ref].record.title, score=one.score)
                for one in each.mention.candidates
                if one.ref in known
            ],
        )

    async def learned(self, ask: Ask) -> Done:
        granted(self._s, "view", "name", ask.caller.audience)
        found = await self._s.mentioning.learned(self._s.clock.now() - weights.WINDOW_MS)
        return Done(told.LearnedPage(names=[learned_view(each) for each in found if await self._told(each.name, ask)]))

    async def _told(self, name: str, ask: Ask) -> bool:
        """What is said of a customer tells that there is one: to who may see one that bears the name."""
        bearing = {one.ref for mention in self._s.records.names.find(name) for one in mention.candidates[:BEARERS]}
        for ref in sorted(bearing):
            if await heard(self._s, ref, ask.caller.audience) is not None:
                return True
        return not bearing

    async def judge_name(self, ask: Ask) -> Done:
        body, now = ask.sent(told.NameBody), self._s.clock.now()
        name = spoken(body.name)
        if not name or "\ufffd" in name or not name.isprintable():
            raise unprocessable("bad_name", "Write a name as the list has it.", "name")
        by = f"token:{ask.caller.token.name}"
        if body.word == "undo":
            await self._s.mentioning.take_back(name, by, now)
        else:
            await self._s.mentioning.decide(name, _STATES[body.word], by, now)
        return await self.learned(ask)

    async def set_room(self, ask: Ask) -> Done:
        body = ask.sent(told.RoomBody)
        room = self._place(body.room).room_key
        if body.customer:
            await seen(self._s, body.customer, ask.caller.audience)
        if body.customer is not None:
            await self._s.mentioning.bind(
                room, body.customer, f"token:{ask.caller.token.name}"[:64], self._s.clock.now()
            )
        if body.budget is not None:
            await self._s.mentioning.budget(room, body.budget if body.budget >= 0 else None)
        now = await self._s.mentioning.binding(room)
        budget = self._s.config.mentions.budget if now.budget is None else now.budget
        return Done(told.RoomSetting(room=room, customer=now.bound, budget=budget))


def learned_view(each: Learned) -> told.LearnedView:
    states: dict[str, Literal["", "accepted", "refused"]] = {"accepted": "accepted", "refused": "refused"}
    return told.LearnedView(
        name=each.name,
        weight=weights.name_weight(each.counts, each.common),
        counts=dict(each.counts),
        common=states.get(each.common, ""),
        proposed=weights.proposed(each.counts, each.common),
    )
