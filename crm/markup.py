"""HTML in a CRM's notes, as plain text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from crm.http import storable

_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table"})
_UNSHOWN = frozenset({"script", "style", "head", "title"})
_GAPS = re.compile(r"[ \t\xa0]*\n[ \t\xa0]*")
LONGEST = 20_000


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._unshown = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSHOWN:
            self._unshown += 1
        if tag in _BLOCKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSHOWN:
            self._unshown = max(0, self._unshown - 1)
        if tag in _BLOCKS and tag != "br":
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self.found.append(data)


def plain(markup: str) -> str:
    """HTML as text: a line for a block, nothing of scripts, whatever is not closed closed."""
    parser = _Plain()
    try:
        parser.feed(markup[: LONGEST * 10])
        parser.close()
    except (AssertionError, ValueError):
        pass  # a declaration the parser knows nothing of: what came before it is kept
    lines = _GAPS.sub("\n", "".join(parser.found))
    return storable(re.sub(r"\n{2,}", "\n", lines).strip()[:LONGEST])


def marked_up(plain_text: str) -> str:
    return "<p>" + html.escape(plain_text).replace("\n", "<br/>") + "</p>"
