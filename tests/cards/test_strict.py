from __future__ import annotations

from pathlib import Path

import pytest

from cards.deck import Deck
from cards.samples import NOW
from cards.tree import Text, Title
from gateway.errors import Misconfigured
from tests.cards.standard import STANDARD, deck

FINE = '<card summary="s">\n  <title text="{{ title }}"/>\n</card>\n'


def notice(folder: Path, source: str) -> tuple[str, str, str]:
    """The one fault of drawing this template."""
    (folder / "notice.xml.j2").write_text(source, "utf-8")
    with pytest.raises(Misconfigured) as caught:
        Deck(folder).draw("notice", now=NOW, **STANDARD["notice"])
    (fault,) = caught.value.faults
    return fault


def with_line(tag: str) -> str:
    return f'<card summary="s">\n  <title text="a"/>\n  {{% if true %}}\n  {tag}\n  {{% endif %}}\n</card>\n'


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("<blink/>", "<blink>: unknown tag"),
        ('<badge text="x"/>', "<badge>: not allowed inside <card>"),
        ('<text text="x" colour="red"/>', "<text>: unknown attribute colour"),
        ("<text/>", "<text>: missing attribute text"),
        ('<text text="x" tone="pink"/>', '<text>: attribute "tone" must be one of neutral, info, warning, danger'),
        ('<fact label="a" value="b" at="noon"/>', '<fact>: attribute "at" must be a whole number'),
        ('<fact label="a" value="b" editable="yes"/>', '<fact>: attribute "editable" must be one of true, false'),
        ('<title text="x"><text text="y"/></title>', "<text>: not allowed inside <title>"),
        ('<text text="x"><text text="y"/></text>', "<text>: not allowed inside <text>"),
        ('<actions buttons="x"/>', "<actions>: unknown attribute buttons"),
        ("<card summary='again'/>", "<card>: not allowed inside <card>"),
        ('<text text="x">loose</text>', "<text>: text goes into an attribute, not between tags: 'loose'"),
        ('<text text="x" name="y"/>', "<text>: unknown attribute name"),
    ],
)
def test_a_fault_is_told_with_file_line_and_tag(tmp_path: Path, tag: str, reason: str) -> None:
    assert notice(tmp_path, with_line(tag)) == (str(tmp_path / "notice.xml.j2"), "line 4", reason)


def test_loose_text_is_told_with_the_tag_before_it(tmp_path: Path) -> None:
    loose = "<card>: text goes into an attribute, not between tags: 'loose'"
    assert notice(tmp_path, with_line("loose"))[1:] == ("line 2", loose)


def test_what_a_tag_holds_cannot_be_written_as_an_attribute(tmp_path: Path) -> None:
    for tag, key in (("row title='x'", "button"), ("title text='x'", "badges"), ("columns", "columns")):
        assert notice(tmp_path, with_line(f"<{tag} {key}='x'/>"))[2] == f"<{tag.split()[0]}>: unknown attribute {key}"


def test_two_buttons_where_one_may_be(tmp_path: Path) -> None:
    button = '<button label="a" action="b" data="c"/>'
    assert (
        notice(tmp_path, with_line(f'<row title="x">{button}{button}</row>'))[2] == "<button>: only one is allowed here"
    )


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("<card summary='s'>\n<text text='a'>\n</card>", "line 2"),
        ("<card summary='s'/>\n<card summary='t'/>", "line 2"),
        ("", "line 1"),
        ("no xml", "line 1"),
        ("<card summary='s'>\n{{ title | nothing }}</card>", "line 2"),
        ("<card summary='s'>\n{% if %}</card>", "line 2"),
        ("<card summary='s'>\n\n<text text='{{ missing }}'/></card>", "line 3"),
        ("<card summary='s'>\n<text text='{{ title.nothing }}'/></card>", "line 2"),
        ("<card summary='s'>\n<text text='{{ title.__class__ }}'/></card>", "line 2"),
        ("<card summary='s'>\n<text text='{{ buttons.append(1) }}'/></card>", "line 2"),
        ("<card summary='s'>\n<text text='{{ say.__globals__ }}'/></card>", "line 2"),
        ("{% extends 'floatcard/none.xml.j2' %}", "template"),
        ("<!DOCTYPE card [<!ENTITY a 'b'>]>\n<card summary='&a;'/>", "line 1"),
    ],
)
def test_what_is_no_card_is_misconfigured(tmp_path: Path, source: str, line: str) -> None:
    file, key, reason = notice(tmp_path, source)
    assert (file, key) == (str(tmp_path / "notice.xml.j2"), line), reason
    assert reason


def test_no_element_expands(tmp_path: Path) -> None:
    laughs = "<!DOCTYPE c [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><card summary='&b;'/>"
    assert "!DOCTYPE" in notice(tmp_path, laughs)[2]


def test_a_template_nobody_has_is_misconfigured() -> None:
    with pytest.raises(Misconfigured, match=r"no template nothing\.xml\.j2"):
        deck().draw("nothing", now=NOW)


@pytest.mark.parametrize("name", ["../deck", "/etc/passwd", "floatcard/../../x"])
def test_a_name_is_no_way_out_of_the_folder(name: str) -> None:
    with pytest.raises(Misconfigured):
        deck().draw(name, now=NOW)


def test_missing_facts_are_misconfigured() -> None:
    with pytest.raises(Misconfigured, match=r"cards/templates/customer.xml.j2: line 1: UndefinedError: 'customer'"):
        deck().draw("customer", now=NOW)


def test_our_own_templates_have_no_fault() -> None:
    assert deck().check() == []


def test_check_names_every_fault_of_an_operators_folder(tmp_path: Path) -> None:
    (tmp_path / "notice.xml.j2").write_text("<card summary='s'>\n<blink/></card>")
    (tmp_path / "why.xml.j2").write_text("<card summary='s'>\n\n<text/></card>")
    (tmp_path / "part.xml.j2").write_text("{% nonsense %}")
    faults = Deck(tmp_path).check()
    assert {(Path(file).name, key) for file, key, _ in faults} == {
        ("notice.xml.j2", "line 2"),
        ("why.xml.j2", "line 3"),
        ("part.xml.j2", "line 1"),
    }
    assert len(faults) == 3


def test_an_operators_template_may_extend_ours(tmp_path: Path) -> None:
    source = (
        '{% extends "floatcard/customer.xml.j2" %}{% block notes %}<text text="{{ customer.title }}!"/>{% endblock %}'
    )
    (tmp_path / "customer.xml.j2").write_text(source)
    own = Deck(tmp_path)
    assert own.check() == []
    card = own.draw("customer", now=NOW, **STANDARD["customer"])
    assert Text("华星医疗!") in card.blocks
    assert isinstance(card.blocks[0], Title)


def test_an_operators_template_that_does_not_exist_is_ours(tmp_path: Path) -> None:
    own = Deck(tmp_path)
    assert own.draw("why", now=NOW, **STANDARD["why"]) == deck().draw("why", now=NOW, **STANDARD["why"])


def test_escaping_cannot_be_turned_off(tmp_path: Path) -> None:
    source = '<card summary="s">{% autoescape false %}<text text="{{ title }}"/>{% endautoescape %}</card>'
    (tmp_path / "notice.xml.j2").write_text(source)
    card = Deck(tmp_path).draw("notice", now=NOW, title='"/><divider/><text text="', text="", tone="", buttons=())
    assert card.blocks == (Text('"/><divider/><text text="'),)


def test_trans_blocks_work_for_operators(tmp_path: Path) -> None:
    source = '<card summary="s"><text text="{% trans %}Notes{% endtrans %}"/></card>'
    (tmp_path / "notice.xml.j2").write_text(source)
    assert Deck(tmp_path).draw("notice", locale="zh", now=NOW, **STANDARD["notice"]).blocks == (Text("记录"),)


@pytest.mark.parametrize(
    "around", ["{}", "{{% macro m() %}}{}{{% endmacro %}}{{{{ m() }}}}", "{{% filter e %}}{}{{% endfilter %}}"]
)
def test_a_literal_is_spelt_like_any_value_wherever_it_stands(tmp_path: Path, around: str) -> None:
    said = around.format("{{ true }}/{{ none }}/{{ 7 }}/{{ '<' }}")
    (tmp_path / "notice.xml.j2").write_text(f"<card summary='s'><text text='{said}'/></card>")
    card = Deck(tmp_path).draw("notice", now=NOW, **STANDARD["notice"])
    assert "true//7/&lt;" in str(card) or "true//7/<" in str(card)
