"""What somebody else said, by the form it is pasted in: forwarded mail, a copied chat, a quote above an answer.

What a network itself marks as quoted comes as stretches; this is for text that was pasted. In time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FORWARD = re.compile(
    r"\s*(?:(?:fwd?|fw)\s*[:：]|[【\[]?转发(?:的?(?:消息|邮件|内容))?\s*(?:[】\]]|[:：]))\s*", re.IGNORECASE
)
_REST = re.compile(
    r"""\s*(?:
      -{2,}\s*(?:original\ message|forwarded\ message|forwarded\ by|原始邮件|转发邮件|转发的?邮件信息).*
    | begin\ forwarded\ message\s*:?.*
    | on\ [^\n]{6,100}\ wrote\s*[:：]
    | (?:在|于)\s*[^\n]{4,80}写道\s*[:：]
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_FROM = re.compile(r"\s*(?:from|von|de|发件人|寄件者|发件者)\s*[:：]", re.IGNORECASE)
_HEAD = re.compile(
    r"\s*(?:sent|date|to|cc|subject|发送时间|发送日期|日期|时间|收件人|抄送|主题)\s*[:：]", re.IGNORECASE
)
_DAY = r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?\s+|(?:昨天|今天|前天|yesterday|today)\s+)?"
_TIME = rf"{_DAY}\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:\s?[ap]m)?"
_SPEAKER = re.compile(rf"\s*\S[^\n]{{0,30}}?\s+{_TIME}\s*[:：]?\s*", re.IGNORECASE)
_LOGGED = re.compile(
    rf"\s*\[(?:[^\]\n]{{1,20}},?\s*)?{_TIME}[^\]\n]{{0,20}}\]\s*[^\n:：]{{1,40}}[:：].*", re.IGNORECASE
)
_RULE = re.compile(r"\s*(?:[-—–─]\s?){5,}\s*")


def quoted(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of the original text, in no order."""
    if found := _FORWARD.match(text):
        yield found.end(), len(text)
        return
    if "\n" in text or "「" in text:
        yield from _by_lines(text)


def _by_lines(text: str) -> Iterator[tuple[int, int]]:
    lines = list(_lines(text))
    speakers: list[int] = []
    for at, (start, end) in enumerate(lines):
        line = text[start:end]
        if _REST.fullmatch(line) or (_FROM.match(line) and _headed(text, lines[at + 1 : at + 4])):
            yield start, len(text)
            return
        if _answered(text, lines, at):
            yield 0, end
        elif _LOGGED.fullmatch(line):
            yield start, end
        elif len(line) < 80 and _SPEAKER.fullmatch(line):
            speakers.append(start)
    if len(speakers) > 1:
        yield speakers[0], len(text)


def _answered(text: str, lines: list[tuple[int, int]], at: int) -> bool:
    """A rule between a quote in corner brackets, with which the text begins, and the answer to it."""
    return at > 0 and text.startswith("「") and text.endswith("」", 0, lines[at - 1][1]) and _is_rule(text, lines[at])


def _is_rule(text: str, line: tuple[int, int]) -> bool:
    return _RULE.fullmatch(text, *line) is not None


def _headed(text: str, following: list[tuple[int, int]]) -> bool:
    return any(_HEAD.match(text, start, end) for start, end in following)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1
