"""The people and rooms of the demo, as they are before anybody did anything."""

from __future__ import annotations

from gateway.chat.model import ChatPerson, ChatRoom

PERSONS: tuple[ChatPerson, ...] = (
    ChatPerson("u_liting", "李婷", "Li Ting", "member", "rep", "zh-CN"),
    ChatPerson("u_chenwei", "陈伟", "Chen Wei", "member", "rep", "zh-CN"),
    ChatPerson("u_wangmin", "王敏", "Wang Min", "member", "manager", "zh-CN"),
    ChatPerson("u_zhaolei", "赵磊", "Zhao Lei", "member", "admin", "zh-CN"),
    ChatPerson("u_sunjia", "孙佳", "Sun Jia", "member", "colleague", "zh-CN"),
    ChatPerson("u_guest", "David Park", "David Park", "guest", "guest", "en"),
)

ROOMS: tuple[ChatRoom, ...] = (
    ChatRoom("r_east", "华东销售", "East China sales"),
    ChatRoom("r_deal", "华星项目", "Huaxing deal"),
    ChatRoom("r_partner", "渠道伙伴", "Channel partners", external=True),
)

_SALES = ("u_liting", "u_chenwei", "u_wangmin")
MEMBERS: dict[str, tuple[str, ...]] = {
    "r_east": _SALES,
    "r_deal": _SALES,
    "r_partner": ("u_liting", "u_wangmin", "u_sunjia", "u_guest"),
}


def direct_room(person: str) -> str:
    return f"d_{person}"


def directs() -> tuple[ChatRoom, ...]:
    return tuple(ChatRoom(direct_room(p.id), "Floatcard", "Floatcard", "direct") for p in PERSONS)
