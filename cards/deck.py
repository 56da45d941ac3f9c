"""From facts to a card: a template writes XML, the XML becomes the closed tree.

Templates are jinja2, sandboxed, strict and autoescaped; what they are handed has passed disclosure, so a
template cannot leak what it never got.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.nodes import Expr, Getattr, Impossible, Output, Template, TemplateData
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from cards import facts as views
from cards import tree
from cards.filters import FILTERS
from cards.grammar import Fault, parse
from cards.inert import legal
from cards.samples import NOW, samples
from cards.tree import Card
from cards.words import Reader, match, supported, translations
from gateway.errors import Misconfigured

TEMPLATES: Final = Path(__file__).parent / "templates"
SUFFIX: Final = ".xml.j2"
OURS: Final = "floatcard/"

_special: Final = re.compile("[&<>\"'\x00-\x1f\ud800-\udfff\ufffe\uffff]").search
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
)
_BETWEEN: Final = re.compile(r">\s+(?=<)")
_EDGES: Final = re.compile(r"\A\s+(?=<)|(?<=>)\s+\Z|\A\s+\Z")
_OPENING: Final = re.compile(r"<([a-zA-Z][\w.-]*)")
_MARK: Final = re.compile(rb' _at="([^"]*)"')


def _finalize(value: Any) -> str:
    """A value fit for an XML attribute: exactly itself, less what XML cannot carry. Markup is the template's own."""
    kind = type(value)
    if kind is str:
        return legal(value).translate(_ESCAPES) if _special(value) else value
    if kind is int:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is Markup:
        return legal(value)
    return "" if value is None else _finalize(str(value))


def _having() -> dict[str, frozenset[type]]:
    """Field name -> the views and blocks that have it: what a template may read without asking the sandbox."""
    kinds = [kind for module in (views, tree) for kind in vars(module).values() if isinstance(kind, type)]
    names = {field.name for kind in kinds if is_dataclass(kind) for field in fields(kind)}
    return {name: frozenset(kind for kind in kinds if name in _names(kind)) for name in names}


def _names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)} if is_dataclass(kind) else set()


_HAVING: Final = _having()


class _Code(CodeGenerator):
    """Reads the views' own fields at once, anything else by the sandbox's rules. Yields what stands between two
    statements as one text, where jinja2 yields each piece of it through every block around.

    Leaves escaping to `_finalize`, which knows attributes; so `{% autoescape false %}` changes nothing either.
    """

    def visit_Output(self, node: Output, frame: Frame) -> None:  # noqa: N802 - jinja2's name for it
        if frame.buffer is not None or frame.require_output_check:
            super().visit_Output(node, frame)
            return
        self.writeline("yield concat((", node)
        self.indent()
        for child in node.nodes:
            self._piece(child, frame)
        self.outdent()
        self.writeline("))")

    def _piece(self, child: Expr, frame: Frame) -> None:
        if isinstance(child, TemplateData):
            self.writeline(f"{child.data!r},", child)
            return
        finalize = self._make_finalize()
        self.newline(child)
        self._output_child_pre(child, frame, finalize)
        self.visit(child, frame)
        self._output_child_post(child, frame, finalize)
        self.write(",")

    def _output_child_to_const(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> str:
        """A literal goes the way of every value, wherever it stands."""
        if not isinstance(node, TemplateData):
            raise Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write(finalize.src or "")

    def _output_child_post(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write(")")

    def visit_Getattr(self, node: Getattr, frame: Frame) -> None:  # noqa: N802 - jinja2's name for it
        if node.attr not in _HAVING:
            super().visit_Getattr(node, frame)
            return
        self.write(f"(_it.{node.attr} if type(_it := ")
        self.visit(node.node, frame)
        self.write(f") in having_{node.attr} else environment.getattr(_it, {node.attr!r}))")

    def visit_Template(self, node: Template, frame: Frame | None = None) -> None:  # noqa: N802 - jinja2's name for it
        super().visit_Template(node, frame)
        for name in sorted({each.attr for each in node.find_all(Getattr)} & _HAVING.keys()):
            self.writeline(f"having_{name} = environment.having[{name!r}]")


class _Sandbox(ImmutableSandboxedEnvironment):
    code_generator_class = _Code
    having = _HAVING

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """No template has globals of its own, and a plain dict is copied into each drawing without a search."""
        return self.globals if d is None else super().make_globals(d)


class _Tight(Extension):
    """Takes the white space between tags out when a template is compiled: nothing of it is ever read."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                yield Token(token.lineno, "data", _EDGES.sub("", _BETWEEN.sub(">", token.value)))
            else:
                yield token


class _Marked(Extension):
    """Writes into every tag which template and line it came from. Only to tell a fault's place."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                yield Token(token.lineno, "data", self._mark(token, stream.name or ""))
            else:
                yield token

    def _mark(self, token: Token, name: str) -> str:
        def place(found: re.Match[str]) -> str:
            return f'{found[0]} _at="{name}:{token.lineno + token.value.count(chr(10), 0, found.start())}"'

        return _OPENING.sub(place, token.value)


def _environment(loader: BaseLoader, locale: str, whitespace: type[Extension]) -> Environment:
    environment = _Sandbox(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        extensions=["jinja2.ext.i18n", whitespace],
        cache_size=200,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    environment.install_gettext_translations(translations(locale), newstyle=True)  # type: ignore[attr-defined]
    return environment


def _loader(cards_dir: Path | None) -> BaseLoader:
    ours = FileSystemLoader(TEMPLATES)
    own = [FileSystemLoader(cards_dir)] if cards_dir else []
    return ChoiceLoader([*own, ours, PrefixLoader({OURS.rstrip("/"): ours})])


class Deck:
    """Draws cards. An operator's `cards_dir` is searched first; it may extend ours as `floatcard/customer.xml.j2`."""

    def __init__(self, cards_dir: Path | None = None) -> None:
        self._dir = cards_dir
        self._loader = _loader(cards_dir)
        self._environments = {locale: _environment(self._loader, locale, _Tight) for locale in supported}

    def draw(self, name: str, *, locale: str = "en", zone: str = "UTC", now: int, **facts: Any) -> Card:
        """The card of template `name`. Raises `Misconfigured` naming template, line and tag when it is no card."""
        nearest = match(locale)
        context = self._context(Reader(nearest, zone, now), facts)
        try:
            xml = self._environments[nearest].get_template(name + SUFFIX).render(context)
            return parse(name, xml, locale=nearest)
        except Exception as error:
            raise Misconfigured([self._explain(name, nearest, context, error)]) from error

    def _context(self, reader: Reader, facts: dict[str, Any]) -> dict[str, Any]:
        return {**facts, "reader": reader, "say": reader.say, "locale": reader.locale}

    def check(self) -> list[tuple[str, str, str]]:
        """Every fault as (file, key, reason): each template drawn with made-up facts in each language."""
        faults: dict[tuple[str, str, str], None] = {}
        for locale in supported:
            for name, cases in samples(locale).items():
                for case in cases:
                    self._try(name, locale, case, faults)
        for fault in self._unparsed():
            faults[fault] = None
        return list(faults)

    def _try(self, name: str, locale: str, case: Any, faults: dict[tuple[str, str, str], None]) -> None:
        try:
            self.draw(name, locale=locale, now=NOW, **case)
        except Misconfigured as error:
            faults.update(dict.fromkeys(error.faults))

    def _unparsed(self) -> Iterator[tuple[str, str, str]]:
        """Faults of the operator's templates that no drawing may have reached."""
        for path in sorted(self._dir.rglob(f"*{SUFFIX}")) if self._dir else ():
            name = path.relative_to(self._dir or path).as_posix()
            try:
                self._environments["en"].get_template(name)
            except TemplateError as error:
                yield self._of_template(name, error)

    def _explain(self, name: str, locale: str, context: dict[str, Any], error: Exception) -> tuple[str, str, str]:
        if isinstance(error, Fault):
            return self._of_drawing(name, locale, context)
        return self._of_template(name + SUFFIX, error)

    def _of_drawing(self, name: str, locale: str, context: dict[str, Any]) -> tuple[str, str, str]:
        """Draws once more with every tag marked, to find the line that wrote what is wrong."""
        xml = _environment(self._loader, locale, _Marked).get_template(name + SUFFIX).render(context)
        place, reason = f"{name}{SUFFIX}:1", "the template draws different things from the same facts"
        try:
            parse(name, xml, ignore="_at")
        except Fault as fault:
            marks = _MARK.findall(xml.encode()[: _tag_end(xml.encode(), fault.offset)])
            place, reason = marks[-1].decode() if marks else place, str(fault)
        file, _, line = place.rpartition(":")
        return self._file(file), f"line {line}", reason

    def _of_template(self, file: str, error: Exception) -> tuple[str, str, str]:
        if isinstance(error, TemplateNotFound):
            return self._file(file), "template", f"no template {error.name} here, nor among Floatcard's own"
        if isinstance(error, TemplateSyntaxError):
            return self._file(error.name or file), f"line {error.lineno}", error.message or "syntax error"
        where, line = _frame_of(error, file)
        return self._file(where), f"line {line}", f"{type(error).__name__}: {error}"

    def _file(self, name: str) -> str:
        for folder in (self._dir, TEMPLATES):
            path = (folder / name.removeprefix(OURS)) if folder and not name.startswith("/") else Path(name)
            if path.is_file() and not (name.startswith(OURS) and folder is not TEMPLATES):
                return str(path) if folder is self._dir else f"cards/templates/{path.name}"
        return name


def _tag_end(xml: bytes, offset: int) -> int:
    end = xml.find(b">", offset)
    return len(xml) if end < 0 else end


def _frame_of(error: Exception, file: str) -> tuple[str, int]:
    """The innermost template line of a traceback; jinja2 has put the templates' own lines into it."""
    where, line, trace = file, 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(SUFFIX):
            where, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return where, line
