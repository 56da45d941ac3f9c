"""A date that is near says in how many days, in the deployment's zone, and is right again after each midnight."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.house import LI, Hands, Live, opened


def renewal(live: Live) -> str:
    facts = [block for block in live.card("deal").card["blocks"] if block["type"] == "fact"]
    found: str = next(fact["value"] for fact in facts if fact["label"] == "Renewal")
    return found


async def test_the_days_are_those_of_the_zone_and_follow_midnight(tmp_path: Path) -> None:
    # 23:30 on the 20th in UTC is 07:30 on the 21st in Shanghai, where the demo's deployment is.
    clock = Hands(1_795_217_400_000)
    async with opened(tmp_path, clock) as live:
        await live.natively("renewal", "2026-11-23")
        await live.settle()
        await live.say(LI, "deal", "华星医疗")
        await live.settle()
        assert renewal(live) == "2026-11-23 (2 days)"
        clock.ahead(hours=16)
        await live.settle()
        assert renewal(live) == "2026-11-23 (2 days)"
        clock.ahead(hours=1)
        await live.settle()
        assert renewal(live) == "2026-11-23 (tomorrow)"
        clock.ahead(hours=24)
        await live.settle()
        assert renewal(live) == "2026-11-23 (today)"
        clock.ahead(hours=24)
        await live.settle()
        assert renewal(live) == "2026-11-23"
