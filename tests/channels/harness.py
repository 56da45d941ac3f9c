"""What the contract of channels stands on: which there are, their payloads, cards made of one hostile string."""

from __future__ import annotations

import importlib
import json
import pkgutil
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

import channels
from cards import tree
from channels import registry
from channels.model import Event, ImId, Inbound, MessageRef, Place, Reply, Said
from channels.wire import Source, json_object

HERE = Path(__file__).parent
NOW = 1_795_228_400_000
"""What both clocks of a channel under test say, in milliseconds."""


def every_channel() -> list[str]:
    """The modules of `channels/` that have what a channel has, found by looking."""
    found = [info.name for info in pkgutil.iter_modules(channels.__path__)]
    return [name for name in found if _is_channel(importlib.import_module(f"channels.{name}"))]


def _is_channel(module: ModuleType) -> bool:
    return all(hasattr(module, part) for part in registry.PARTS)


def recipe(name: str) -> Any:
    """`tests/channels/<name>/recipe.py`: its configuration, how its network signs, what judges its drawings."""
    return importlib.import_module(f"tests.channels.{name}.recipe")


def dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Payload:
    channel: str
    path: Path
    data: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.channel}/{self.path.stem}"

    @property
    def body(self) -> tuple[bytes, str]:
        request = self.data["request"]
        if "form" in request:
            form = {key: each if isinstance(each, str) else dumped(each) for key, each in request["form"].items()}
            return urlencode(form).encode(), "application/x-www-form-urlencoded"
        return dumped(request["json"]).encode(), "application/json"


def payloads(name: str) -> list[Payload]:
    paths = sorted((HERE / name / "payloads").glob("*.json"))
    return [Payload(name, path, json.loads(path.read_text("utf-8"))) for path in paths]


class NoNetwork:
    """Stands where a session would: `receive` must not look at it."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"receive() touched the network: session.{name}. Verify and parse need no call; move it.")


def make(name: str, session: Any = None, **settings: Any) -> Any:
    """A channel through the loader that production uses."""
    module = registry.load(name)
    config = module.Config.model_validate({**recipe(name).CONFIG, **settings})
    return module.Channel(
        recipe(name).NAME, config, session=session or NoNetwork(), clock=lambda: NOW, wall=lambda: NOW
    )


def inbound(name: str, body: bytes, content_type: str, seconds: int = NOW // 1000) -> Inbound:
    url = f"https://crm.example/in/{recipe(name).NAME}"
    sealed = {} if asks(name) else recipe(name).seal("POST", url, body, seconds)
    headers = {"content-type": content_type, **sealed}
    return Inbound("POST", url, headers, body)


def asks(name: str) -> bool:
    """Whether the network sends us nothing: then `receive` takes nothing, and `parse` reads what `listen` brings."""
    return (HERE / name / "recipe.py").is_file() and bool(getattr(recipe(name), "ASKS", False))


def seals_whole(name: str) -> bool:
    """Whether what a network is known by covers the time and the body; a mere password covers neither."""
    return bool(getattr(recipe(name), "SEALS_WHOLE", True)) if (HERE / name / "recipe.py").is_file() else True


async def heard(name: str, request: Inbound, channel: Any = None) -> Reply:
    """What becomes of a payload, by the way that network's payloads come; its letters are opened."""
    if not asks(name):
        door = channel or make(name)
        return await opened(door, await door.receive(request))
    return Reply(
        registry.load(name).parse(Source(recipe(name).NAME, recipe(name).SCOPE, NOW), json_object(request.body))
    )


async def opened(channel: Any, reply: Reply) -> Reply:
    """Its letters read, each of them the one message that it says it is."""
    told: list[Event] = []
    for letter in reply.letters:
        (event,) = await channel.read(letter.body)
        assert isinstance(event, Said) and not event.addressed, "What somebody may wait for is read at once."
        assert (event.once, event.where.room_key) == (letter.once, letter.room)
        told.append(event)
    return replace(reply, events=(*reply.events, *told), letters=())


def last(name: str, drawn: Any) -> Any:
    """What a drawn card ends with."""
    judge = getattr(recipe(name), "last", None)
    return judge(drawn) if judge is not None else drawn["blocks"][-1]


def told(event: Event) -> dict[str, Any]:
    """An event as the payload files write it: ids as their keys, defaults left out."""
    said: dict[str, Any] = {"event": type(event).__name__}
    for each in fields(event):
        value = getattr(event, each.name)
        if value != each.default:
            said[each.name] = _told(value)
    return said


def _told(value: Any) -> Any:
    if isinstance(value, Place | ImId):
        return value.key
    if isinstance(value, MessageRef):
        return {"place": value.place.key, "id": value.id}
    if is_dataclass(value):
        parts = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
        return {name: _told(part) for name, (part, default) in parts.items() if part not in ("", default)}
    return json.loads(json.dumps(value))


OPAQUE = {"name": "field", "action": "edit", "data": "v1.data", "token": "v1.token"}


def linked(text: str) -> tree.Link:
    return tree.Link(text, "https://crm.example/?a=1&b=2")


def hostile_cards(text: str) -> Iterator[tree.Card]:
    """Cards in which every place that holds text holds `text`: every block there is, then each kind of form field."""
    blocks = [fill(block, text) for block in get_args(tree.Block) if block is not tree.Form]
    yield tree.Card("customer", text, tuple(blocks))
    yield tree.Card("notice", text, (tree.Title(text, (), "https://crm.example/?a=1&b=2"), linked(text)))
    for kind in ("text", "long", "date", "choice"):
        one = fill(tree.FormField, text, kind=kind)
        yield tree.Card("edit_form", text, (tree.Title(text), tree.Form("v1.form", (one,), text, text)))


def fill(part: Any, text: str, **given: Any) -> Any:
    hints = get_type_hints(part)
    known = {each.name: _filled(each.name, hints[each.name], text) for each in fields(part)}
    assert all(value is not MISSING for value in known.values()), f"harness.fill does not know a field of {part}"
    return part(**(known | given))


def _filled(name: str, hint: Any, text: str) -> Any:
    if name in OPAQUE:
        return OPAQUE[name]
    if hint is str:
        return text
    if hint in (int, bool):
        return hint(1)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return (_filled("", inner[0], text),)
    if origin in (Union, UnionType):
        return _filled(name, inner[0], text)
    return fill(hint, text) if is_dataclass(hint) else MISSING


def unseen(text: str) -> str:
    """The characters that hide, reorder or break, judged apart from the code that removes them."""
    bad = [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cs")]
    bad += [char for char in text if "\u202a" <= char <= "\u202e" or char in "\u2066\u2067\u2028\u2029\u200b\ufeff"]
    depth = 0
    for char in text:
        depth += (char == "\u2068") - (char == "\u2069")
        bad += ["unbalanced isolate"] if depth < 0 else []
    return " ".join(map(ascii, bad + (["open isolate"] if depth else [])))
