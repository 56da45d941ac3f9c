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
    """Takes the attributes by name: an unknown or a missing one is its TypeError."""
    known: frozenset[str]
    """The attributes it may have."""
    required: frozenset[str]
    readers: tuple[tuple[str, Read, str], ...]
    """Attribute, how it is read when it is not plain text (ValueError or KeyError), and what it must be, in words."""
    inside: Mapping[str, tuple[str, bool]]
    """Child tag -> the field that holds it, and whether it holds many."""
    many: str
    """The field that holds many, or none."""


def _one_of(values: Mapping[str, Any]) -> tuple[Read, str]:
    return values.__getitem__, f"must be one of {', '.join(values)}"


def _reader(name: str, hint: Any) -> tuple[Read, str] | None:
    if get_origin(hint) is Literal:
        return _one_of({choice: choice for choice in get_args(hint)})
    if hint is bool:
        return _one_of({"true": True, "false": False})
    if hint is int:
        return int, "must be a whole number"
    return (safe_url, "must be an address") if name == "url" else None


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
    return Tag(
        make=_MAKERS.get(_tag_name(block), block),
        known=frozenset(field.name for field in plain),
        required=frozenset(field.name for field in plain if field.default is MISSING),
        readers=tuple((field.name, *read) for field in plain if (read := _reader(field.name, hints[field.name]))),
        inside=dict.fromkeys(tags, (held, many)),
        many=held if many else "",
    )


_OPTION: Final = Tag(_option, frozenset({"value", "label"}), frozenset({"value"}), (), {}, "")
_DOCUMENT: Final = Tag(dict, frozenset(), frozenset(), (), {"card": ("card", False)}, "")

TAGS: Final[Mapping[str, Tag]] = {
    "option": _OPTION,
    **{_tag_name(kind): _tag(kind) for kind in (*_BLOCKS, Card, tree.Badge, tree.Button, tree.Column, tree.FormField)},
}

_NAMES_READ: Final = {name: name for tag, it in TAGS.items() for name in (tag, *it.known)}
"""What the reader may name tags and attributes by: the fields' own strings, which Python finds without comparing. It
adds whatever else it reads, so each has a copy."""


class _Builder:
    """Makes blocks while the XML is read: no tree of elements in between."""

    def __init__(self, name: str, locale: str, ignore: str) -> None:
        self._given = {"name": name, "locale": locale}
        self._ignore = ignore
        self._root: dict[str, Any] = {}
        self._open: list[tuple[str, Tag, dict[str, Any]]] = [("", _DOCUMENT, self._root)]
        self._leaf = ""
        self._parser = parser = expat.ParserCreate("utf-8", None, _NAMES_READ.copy())
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def _fault(self, tag: str, reason: str) -> Fault:
        return Fault(tag, reason, self._parser.CurrentByteIndex)

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        parent, above, held = self._open[-1]
        if name not in above.inside or self._leaf:
            raise self._misplaced(name, self._leaf or parent)
        tag = TAGS[name]
        if self._ignore:
            attributes.pop(self._ignore, None)
        for key, read, must in tag.readers:
            if key in attributes:
                try:
                    attributes[key] = read(attributes[key])
                except (ValueError, KeyError):
                    raise self._fault(name, f'attribute "{key}" {must}') from None
        if tag.inside:
            if not attributes.keys() <= tag.known:  # before what it holds is put under a name no template may write
                raise self._fault(name, _wrong_keys(tag, attributes))
            if tag.many:
                attributes[tag.many] = []
            self._open.append((name, tag, attributes))
        else:
            self._leaf = name
            self._put(name, tag, attributes, above, held)

    def _end(self, name: str) -> None:
        if self._leaf:
            self._leaf = ""
            return
        _, tag, values = self._open.pop()
        if tag.many:
            values[tag.many] = tuple(values[tag.many])
        if name == "card":
            values.update(self._given)
        _, above, held = self._open[-1]
        self._put(name, tag, values, above, held)

    def _put(self, name: str, tag: Tag, values: dict[str, Any], above: Tag, held: dict[str, Any]) -> None:
        try:
            block = tag.make(**values)
        except TypeError:
            raise self._fault(name, _wrong_keys(tag, values)) from None
        field, many = above.inside[name]
        if many:
            held[field].append(block)
        elif field in held:
            raise self._fault(name, "only one is allowed here")
        else:
            held[field] = block

    def _misplaced(self, name: str, parent: str) -> Fault:
        return self._fault(name, f"not allowed inside <{parent}>" if name in TAGS and parent else "unknown tag")

    def _text(self, text: str) -> None:
        if not text.isspace():
            tag = self._leaf or self._open[-1][0]
            raise self._fault(tag, f"text goes into an attribute, not between tags: {text.strip()[:40]!r}")

    def _doctype(self, *_: object) -> None:
        raise self._fault("!DOCTYPE", "not allowed")

    def read(self, xml: str) -> Card:
        try:
            self._parser.Parse(xml.encode(), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise Fault("", f"not well-formed XML: {reason}", self._parser.ErrorByteIndex) from None
        finally:
            del self._parser  # it holds our methods: without the circle both are freed at once
        card: Card = self._root["card"]
        return card


def _wrong_keys(tag: Tag, attributes: Mapping[str, Any]) -> str:
    missing = ", ".join(sorted(tag.required - attributes.keys()))
    unknown = ", ".join(sorted(attributes.keys() - tag.known))
    return f"missing attribute {missing}" if missing else f"unknown attribute {unknown}"


def parse(name: str, xml: str, *, locale: str = "en", ignore: str = "") -> Card:
    """The card that `xml` writes. An attribute called `ignore` is passed over. Raises `Fault`."""
    return _Builder(name, locale, ignore).read(xml)
