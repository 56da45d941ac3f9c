"""What the bot can do, by Telegram's own word: of everything, and in one room."""

from __future__ import annotations

from telegram import ChatMember, ChatMemberRestricted, User

from cards.words import N_
from channels.doctor import Finding
from channels.model import Place
from channels.telegram.calls import asked
from channels.telegram.config import Config
from channels.telegram.members import Members

_LIST = N_(
    "Telegram lists only administrators: make the bot an administrator, and have everybody who was there before it "
    "say a word."
)
_HEAR = N_(
    "Send /setprivacy to BotFather, choose the bot, choose Disable, then take the bot out of the room and add it "
    "again; or make it an administrator here."
)
_START = N_("Whoever is to be told something alone opens a chat with the bot and presses Start.")
_GONE = N_("Add the bot to the room again.")
_MUTE = N_("The bot may not write in this room. Let members send messages, or make the bot an administrator.")
_NAME = N_("The bot is called @{name} at Telegram: put that into `username`.")
_NO_HOOK = N_("Telegram has no address to deliver to: set `webhook`, or `mode` to polling.")
_FAILING = N_("Telegram cannot deliver to our address: {reason}")


async def examine(members: Members, config: Config, place: Place | None) -> tuple[Finding, ...]:
    me = await asked(members.bot.get_me)
    hears = bool(me.can_read_all_group_messages)
    if place is None:
        hear = Finding("hear", "yes") if hears else Finding("hear", "partly", _HEAR)
        return (await _connected(members, config, me), hear, Finding("edit", "yes"))
    if not place.room.startswith("-"):
        return tuple(Finding(what, "yes") for what in ("hear", "speak", "edit", "whisper", "members"))
    return await _room(members, place, hears)


async def _connected(members: Members, config: Config, me: User) -> Finding:
    if (me.username or "").casefold() != config.username.casefold():
        return Finding("connect", "no", _NAME, {"name": me.username or ""})
    if config.mode == "polling":
        return Finding("connect", "yes")
    hook = await asked(members.bot.get_webhook_info)
    if not hook.url:
        return Finding("connect", "no", _NO_HOOK)
    if hook.last_error_message and hook.pending_update_count:
        return Finding("connect", "partly", _FAILING, {"reason": hook.last_error_message[:200]})
    return Finding("connect", "yes")


async def _room(members: Members, place: Place, hears: bool) -> tuple[Finding, ...]:
    ourselves = await members.there(int(place.room), int(members.scope))
    if ourselves is None:
        return (Finding("hear", "no", _GONE), Finding("speak", "no", _GONE))
    hears = hears or ourselves.status == ChatMember.ADMINISTRATOR
    mute = isinstance(ourselves, ChatMemberRestricted) and not ourselves.can_send_messages
    roster = await members.roster(place)
    return (
        Finding("hear", "yes") if hears else Finding("hear", "partly", _HEAR),
        Finding("speak", "no", _MUTE) if mute else Finding("speak", "yes"),
        Finding("edit", "yes"),
        Finding("whisper", "partly", _START),
        Finding("members", "yes") if roster.complete else Finding("members", "partly", _LIST),
    )
