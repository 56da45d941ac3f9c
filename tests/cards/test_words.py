from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from cards import locales_tool as tool
from cards import words
from cards.samples import DAY, NOW
from cards.words import Reader, ago, join, match, say, supported
from tests.cards.corpus import CORPUS


@pytest.mark.parametrize("locale", supported)
def test_the_compiled_catalogue_is_that_of_its_source(locale: str) -> None:
    assert tool.po_path(locale).with_suffix(".mo").read_bytes() == tool.compiled(locale), "python -m cards.locales_tool"


def test_everything_said_anywhere_has_a_chinese_translation() -> None:
    said = tool.messages()
    assert len(said) > 60
    catalogue = tool.read("zh-CN")
    lacking = [f"{said[msgid]}: {msgid}" for msgid in said if not (known := catalogue.get(msgid)) or not known.string]
    assert not lacking, "python -m cards.locales_tool, then translate:\n" + "\n".join(lacking)


def test_a_translation_has_the_placeholders_of_its_message() -> None:
    for message in tool.read("zh-CN"):
        if message.id and message.string:
            found = [sorted(words._PLACE.findall(str(text))) for text in (message.id, message.string)]
            assert found[0] == found[1], message.id


def test_what_a_translator_may_not_lose_is_in_the_compiled_catalogue() -> None:
    assert say("zh-CN", "Notes") == "记录"
    assert say("en", "Notes") == "Notes"
    assert say("zh-CN", "not in any catalogue") == "not in any catalogue"
    assert say("zh-CN", "") == ""


@pytest.mark.parametrize(
    ("locale", "nearest"),
    [
        ("zh", "zh-CN"),
        ("zh-CN", "zh-CN"),
        ("zh_TW", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("ZH-hant", "zh-CN"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("", "en"),
        ("zho", "en"),
        ("../../x", "en"),
    ],
)
def test_the_nearest_locale(locale: str, nearest: str) -> None:
    assert match(locale) == nearest


def test_facts_are_filled_after_translation_and_never_read_as_a_format() -> None:
    for _, text in CORPUS:
        assert say("zh-CN", "Edit {name}", name=text) == f"编辑 {text}"
        assert say("en", "{name}: {what}", name=text, what="{name}") == f"{text}: {{name}}"


def test_a_placeholder_reads_no_attribute() -> None:
    assert say("en", "{name.__class__} {name!r} {0} {other} {name}", name="x") == (
        "{name.__class__} {name!r} {0} {other} x"
    )


def test_lists_in_facts_are_joined_for_the_reader() -> None:
    assert say("en", "Edit {name}", name=("a", "b", "c")) == "Edit a, b, and c"
    assert join("zh-CN", ["甲", "", "乙"]) == "甲和乙"
    assert join("en", []) == ""
    assert join("zh-CN", ["李婷", "1 名访客"]) == "李婷和 1 名访客"
    assert join("zh-CN", ["Li Ting", "王敏"]) == "Li Ting 和王敏"


def test_times_in_the_readers_zone() -> None:
    reader, chinese = Reader("en", "Asia/Shanghai", NOW), Reader("zh-CN", "America/New_York", NOW)
    assert reader.time(NOW) == reader.moment(NOW) == "10:32"
    assert reader.moment(NOW - DAY) == "Nov 20 10:32"
    assert reader.date(NOW - 400 * DAY) == "Oct 17, 2025"
    assert reader.exact(NOW) == "2026-11-21 10:32:00+08:00"
    assert chinese.moment(NOW) == "21:32"
    assert chinese.moment(NOW - 400 * DAY) == "2025-10-16 22:32"
    assert reader.is_past_day(NOW - 11 * 3_600_000)
    assert not reader.is_past_day(NOW - 10 * 3_600_000)


@pytest.mark.parametrize("at", [0, -1, 10**18, -(10**18), 253_402_300_799_999])
def test_no_time_breaks_a_card(at: int) -> None:
    for zone in ("UTC", "Pacific/Kiritimati", "", "../etc/passwd", "a" * 500, "\x00"):
        reader = Reader("zh-CN", zone, NOW)
        assert all((reader.date(at), reader.moment(at), reader.exact(at), reader.ago(at)))


def test_relative_times() -> None:
    assert ago("en", NOW - 3 * 60_000, NOW) == "3 minutes ago"
    assert ago("zh-CN", NOW + 2 * DAY, NOW) == "2天后"
    for away in (-4_999, 0, 4_999):
        assert (ago("en", NOW + away, NOW), ago("zh-CN", NOW + away, NOW)) == ("just now", "刚刚")
    assert ago("en", NOW - 5_000, NOW) == "5 seconds ago"


def test_chinese_says_one_you_and_has_marks_of_its_own_width() -> None:
    told = [str(each.string) for each in tool.read("zh-CN") if each.id]
    assert not [text for text in told if "你" in text and text != "你好"]
    assert not [text for text in told if re.search(r"[\u4e00-\u9fff][,;?!]|[,;](?=[\u4e00-\u9fff])", text)]
    page = (tool.ROOT / "gateway/console/chat/static/words.js").read_text("utf-8")
    assert "仅您可见" in page and "你" not in page


SOURCE = """
Refused("a"); say(locale, "b", x=1); reader.say("c"); words.say(locale, "d"); N_("e"); log("no"); say(locale, name)
raise Refused("f {x}", x=say(locale, "g"))
"""


def test_what_the_extractor_finds() -> None:
    assert sorted(tool.in_python(SOURCE)) == ["a", "b", "c", "d", "e", "f {x}", "g"]
    template = "{{ say('a {x}', x=_('b')) }}{% trans %}c{% endtrans %}{{ 'no' }}{{ say(name) }}"
    assert sorted(tool.in_template(template)) == ["a {x}", "b", "c"]


def test_the_tool_keeps_translations_drops_the_unsaid_and_lists_what_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "LOCALES", tmp_path)
    monkeypatch.setattr(tool, "messages", lambda: {"kept": "a.py", "new": "b.py"})
    path = tool.po_path("zh-CN")
    path.parent.mkdir(parents=True)
    path.write_text('msgid "kept"\nmsgstr "留"\n\nmsgid "gone"\nmsgstr "走"\n', "utf-8")
    out = io.StringIO()
    assert tool.main(out) == 1
    assert (
        out.getvalue()
        == "en: 2 messages, 0 without a translation\nzh-CN: 2 messages, 1 without a translation\n  b.py: new\n"
    )
    source = path.read_text("utf-8")
    assert 'msgid "kept"\nmsgstr "留"' in source
    assert "走" not in source
    path.write_text(source.replace('msgid "new"\nmsgstr ""', 'msgid "new"\nmsgstr "新"'), "utf-8")
    assert tool.main(io.StringIO()) == 0
    assert path.with_suffix(".mo").read_bytes() == tool.compiled("zh-CN")
