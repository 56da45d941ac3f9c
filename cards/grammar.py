"""The tags a template may write, and the block each becomes.

A tag's attributes are its block's fields, all of them and no other; a field without a default is required;
blocks inside a block are elements inside an element. Tags are closed: one that is not here is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints
from xml.parsers import expat

from cards import tree
from cards.inert import safe_url
from cards.tree import Card


class Fault(Exception):
    """A drawing that is no card. `offset` is where in the XML, in UTF-8 bytes."""

    def __init__(self, tag: str, reason: str, offset: int) -> None:
        super().__init__(f"<{tag}>: {reason}" if tag else reason)
        self.offset = offset


Read: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Tag:
    make: Callable[..., Any]
    readers: Mapping[str, Read | None]
    """How each attribute is read; None = as it is."""
    required: frozenset[str]
    inside: Mapping[str, tuple[str, bool]]
    """Child tag -> the field that holds it, and whether it holds many."""
    many: tuple[str, ...]
    """Fields that hold many and have no default, so are given even when empty."""


_BOOLEANS: Final = {"true": True, "false": False}


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError('must be "true" or "false"')
    return _BOOLEANS[text]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _one_of(choices: tuple[str, ...]) -> Read:
    known = {choice: choice for choice in choices}

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return known[text]

    return read


def _reader(name: str, hint: Any) -> Read | None:
    if get_origin(hint) is Literal:
        return _one_of(get_args(hint))
    if name == "url":
        return safe_url
    return {bool: _boolean, int: _whole}.get(hint)


def _option(value: str, label: str = "") -> tuple[str, str]:
    return value, label


def _field(options: tuple[tuple[str, str], ...] = (), **values: Any) -> tree.FormField:
    labels = tuple(label or value for value, label in options) if any(label for _, label in options) else ()
    return tree.FormField(options=tuple(value for value, _ in options), option_labels=labels, **values)


def _link(text: str, url: str) -> tree.Block:
    return tree.Link(text, url) if url else tree.Text(text)


_BLOCKS: Final = (
    tree.Title,
    tree.Text,
    tree.Heading,
    tree.Fact,
    tree.Note,
    tree.OpenItem,
    tree.Risk,
    tree.Row,
    tree.Columns,
    tree.Divider,
    tree.Link,
    tree.Code,
    tree.Actions,
    tree.Form,
    tree.Footer,
)
_NAMES: Final = {tree.OpenItem: "open-item", tree.FormField: "field"}
_MAKERS: Final[Mapping[str, Callable[..., Any]]] = {"link": _link, "field": _field}
_GIVEN: Final = {(Card, "name"), (Card, "locale"), (tree.FormField, "option_labels")}
"""Fields that no template writes."""


def _tag_name(block: type) -> str:
    return _NAMES.get(block, block.__name__.lower())


# Parent class -> the field its children go to, their tags, and whether there may be many.
_CHILDREN: Final[Mapping[type, tuple[str, tuple[str, ...], bool]]] = {
    tree.Card: ("blocks", tuple(_tag_name(block) for block in _BLOCKS), True),
    tree.Title: ("badges", ("badge",), True),
    tree.Row: ("button", ("button",), False),
    tree.Columns: ("columns", ("column",), True),
    tree.Column: ("button", ("button",), False),
    tree.Actions: ("buttons", ("button",), True),
    tree.Form: ("fields", ("field",), True),
    tree.FormField: ("options", ("option",), True),
}


def _tag(block: type) -> Tag:
    held, tags, many = _CHILDREN.get(block, ("", (), False))
    hints = get_type_hints(block)
    plain = [field for field in fields(block) if field.name != held and (block, field.name) not in _GIVEN]
    bare = [field.name for field in fields(block) if field.name == held and field.default is MISSING]
    return Tag(
        _MAKERS.get(_tag_name(block), block),
        {field.name: _reader(field.name, hints[field.name]) for field in plain},
        frozenset(field.name for field in plain if field.default is MISSING),
        dict.fromkeys(tags, (held, many)),
        tuple(bare) if many else (),
    )


TAGS: Final[Mapping[str, Tag]] = {
    **{
        _tag_name(block): _tag(block)
        for block in (*_BLOCKS, Card, tree.Badge, tree.Button, tree.Column, tree.FormField)
    },
    "option": Tag(_option, {"value": None, "label": None}, frozenset({"value"}), {}, ()),
}

_DOCUMENT: Final = Tag(dict, {}, frozenset(), {"card": ("card", False)}, ())


class _Builder:
    """Makes blocks while the XML is read: no tree of elements in between."""

    def __init__(self, name: str, locale: str, ignore: str) -> None:
        self._given = {"name": name, "locale": locale}
        self._ignore = ignore
        self._root: dict[str, Any] = {}
        self._open: list[tuple[str, Tag, dict[str, Any]]] = [("", _DOCUMENT, self._root)]
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def _fault(self, tag: str, reason: str) -> Fault:
        return Fault(tag, reason, self._parser.CurrentByteIndex)

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        parent, above, _ = self._open[-1]
        if name not in above.inside:
            known = name in TAGS
            raise self._fault(name, f"not allowed inside <{parent}>" if known and parent else "unknown tag")
        tag = TAGS[name]
        readers = tag.readers
        if self._ignore:
            attributes.pop(self._ignore, None)
        for key, value in attributes.items():
            try:
                read = readers[key]
                if read is not None:
                    attributes[key] = read(value)
            except KeyError:
                raise self._fault(name, f'unknown attribute "{key}"') from None
            except ValueError as wrong:
                raise self._fault(name, f'attribute "{key}" {wrong}') from None
        if not tag.required <= attributes.keys():
            missing = ", ".join(sorted(tag.required - attributes.keys()))
            raise self._fault(name, f"missing attribute {missing}")
        for held in tag.many:
            attributes[held] = []
        self._open.append((name, tag, attributes))

    def _end(self, name: str) -> None:
        _, tag, values = self._open.pop()
        for held in _LISTS.get(name, ()):
            if held in values:
                values[held] = tuple(values[held])
        if name == "card":
            values.update(self._given)
        self._put(name, tag.make(**values))

    def _put(self, name: str, block: Any) -> None:
        _, above, values = self._open[-1]
        held, many = above.inside[name]
        if many:
            values.setdefault(held, []).append(block)
        elif held in values:
            raise self._fault(name, "only one is allowed here")
        else:
            values[held] = block

    def _text(self, text: str) -> None:
        if not text.isspace():
            raise self._fault(
                self._open[-1][0], f"text goes into an attribute, not between tags: {text.strip()[:40]!r}"
            )

    def _doctype(self, *_: object) -> None:
        raise self._fault("!DOCTYPE", "not allowed")

    def read(self, xml: str) -> Card:
        try:
            self._parser.Parse(xml.encode(), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise Fault("", f"not well-formed XML: {reason}", self._parser.ErrorByteIndex) from None
        card: Card = self._root["card"]
        return card


_LISTS: Final = {_tag_name(block): (held,) for block, (held, _, many) in _CHILDREN.items() if many}


def parse(name: str, xml: str, *, locale: str = "en", ignore: str = "") -> Card:
    """The card that `xml` writes. An attribute called `ignore` is passed over. Raises `Fault`."""
    return _Builder(name, locale, ignore).read(xml)
