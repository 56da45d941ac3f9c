"""Made-up customers and messages, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from mentions.model import Name

SURE = (
    "华星远航启明恒力嘉禾云杉锦程鼎晟瑞港安捷云图天禾方圆长风博泰同创联信宏达永昌金源银河蓝天白云东升西岭南山北辰中和"
)
TRADES = ("科技", "医疗", "物流", "食品", "机械", "电子", "软件", "建材", "贸易", "能源", "环保", "传媒")
ENGLISH = ("Systems", "Foods", "Logistics", "Labs", "Energy", "Partners", "Health", "Media", "Motors", "Bank")
SYLLABLES = (
    "bar",
    "bel",
    "cor",
    "dan",
    "el",
    "fen",
    "gor",
    "hal",
    "in",
    "jor",
    "kel",
    "lum",
    "mar",
    "nor",
    "or",
    "pel",
)
SMALL = (
    "明天下午三点的会改到四点，会议室在二楼，大家记得带电脑，顺便把上周的数据整理一下发到群里，谢谢大家的配合。",
    "刚刚看了一下，这个版本的问题主要在导出那一步，先回滚，等测试同学确认以后再重新发布，今天之内应该可以解决。",
    "the build is green again, I moved the flaky test to the nightly run and opened a ticket for the rest",
    "can somebody look at my pull request before lunch, it only touches the export screen and two small helpers",
)


def word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(syllables)).capitalize()


def customers(count: int, seed: int = 1) -> Iterator[tuple[str, list[Name]]]:
    """About 2.4 names each, half Chinese."""
    chance = random.Random(seed)
    for number in range(count):
        yield f"c{number:07}", _chinese(chance) if number % 2 else _english(chance)


def _chinese(chance: random.Random) -> list[Name]:
    brand = "".join(chance.choice(SURE) for _ in range(chance.choice((3, 3, 4))))
    brand += chr(0x4E00 + chance.randrange(3000))
    trade = chance.choice(TRADES)
    names = [Name(f"{brand}{trade}有限公司"), Name(f"{brand}{trade}", "derived", 0.95)]
    return [*names, Name(brand, "alias")] if chance.random() < 0.4 else names


def _english(chance: random.Random) -> list[Name]:
    brand = word(chance, 3) + word(chance, 2).lower()
    trade = chance.choice(ENGLISH)
    names = [Name(f"{brand} {trade} Ltd."), Name(f"{brand} {trade}", "derived", 0.95)]
    return [*names, Name(brand, "alias")] if chance.random() < 0.4 else names


def messages(names: Sequence[str], count: int, share: float = 0.05, seed: int = 2) -> list[str]:
    """Of some 124 characters; `share` of them name a customer."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        text = (chance.choice(SMALL) + chance.choice(SMALL))[:124]
        if chance.random() < share:
            text = f"{text[:60]} {chance.choice(names)} {text[60:]}"[:124]
        made.append(text)
    return made
