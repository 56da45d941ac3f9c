"""What people say for a legal name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentions.derive import derive


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("上海华星医疗器械股份有限公司", {"上海华星医疗器械", "华星医疗器械", "华星医疗", "华星"}),
        ("深圳市启明星辰信息技术有限公司", {"启明星辰信息技术", "启明星辰"}),
        ("北京小鹿科技有限责任公司", {"小鹿科技", "小鹿"}),
        ("远帆（上海）物流有限公司", {"远帆物流", "远帆"}),
        ("苏州市吴江区恒力纺织有限公司", {"恒力纺织", "恒力"}),
        ("Northwind Foods Ltd.", {"Northwind Foods", "Northwind"}),
        ("The Brightwater Group, Inc.", {"Brightwater"}),
        ("Kessler Maschinenbau GmbH & Co. KG", {"Kessler Maschinenbau"}),
        ("Oakline, LLC", {"Oakline"}),
        ("贵州云岭酒业股份有限公司 (600987.SH)", {"云岭酒业", "600987.SH", "SH600987", "600987"}),
        ("华星医疗（SZ300999）", {"华星医疗", "300999", "300999.SZ"}),
        ("Oakline Furniture, Inc. (NASDAQ: OAKL)", {"Oakline Furniture", "NASDAQ: OAKL", "OAKL"}),
        ("顺意达物流", {"顺意达"}),
        ("Harbour & Loom Ltd", {"Harbour & Loom", "Harbour and Loom"}),
        ("Salt and Ember Foods", {"Salt & Ember Foods", "Salt and Ember", "Salt & Ember"}),
        ("江城控股 [0788.HK]", {"江城控股", "0788.HK"}),
    ],
)
def test_shorter_forms(title: str, said: set[str]) -> None:
    assert said <= {name.text for name in derive(title)}


@pytest.mark.parametrize(
    "title", ["上海有限公司", "中国石油化工集团公司", "Inc.", "有限公司", "Energy Inc", "北京科技有限公司"]
)
def test_a_place_or_a_trade_alone_is_nobody(title: str) -> None:
    alone = {"上海", "北京", "中国", "石油", "石油化工", "科技", "Energy", "energy", "", "公司"}
    assert not alone & {name.text for name in derive(title) if name.kind == "derived"}


@pytest.mark.parametrize("title", ["华星医疗", "上海医疗", "中国银行", "远航科技"])
def test_without_a_legal_form_two_characters_are_no_brand(title: str) -> None:
    assert [name.text for name in derive(title)] == [title]


def test_shorter_forms_are_weaker_and_own_names_come_first() -> None:
    names = derive("上海华星医疗器械股份有限公司", ["华星", "HXYL"])
    assert [(name.text, name.kind) for name in names[:3]] == [
        ("上海华星医疗器械股份有限公司", "title"),
        ("华星", "alias"),
        ("HXYL", "alias"),
    ]
    prior = {name.text: name.prior for name in names}
    assert 1 > prior["上海华星医疗器械"] > prior["华星医疗器械"] > prior["华星医疗"]
    assert prior["华星"] == 1


def test_a_code_in_an_alias_is_one_too_and_weaker_without_its_exchange() -> None:
    prior = {name.text: name.prior for name in derive("云岭酒业", ["SSE:600987", "NYSE: YL"])}
    assert prior["600987.SH"] == 0.95 > prior["600987"]
    assert "YL" not in prior and prior["NYSE: YL"] == 1


@pytest.mark.parametrize("title", ["Studio 600519", "Room 12.US", "合同 20260101", "ABC 123456789", "Node.JS Labs"])
def test_other_numbers_are_no_codes(title: str) -> None:
    assert {name.text for name in derive(title)} <= {title, *title.split()[:1]}


@given(st.text(max_size=40), st.lists(st.text(max_size=10), max_size=3))
def test_any_title_has_names_that_read_differently(title: str, aliases: list[str]) -> None:
    names = derive(title, aliases)
    assert len({name.text.casefold() for name in names}) == len(names)
    assert all(0 < name.prior <= 1 for name in names)
