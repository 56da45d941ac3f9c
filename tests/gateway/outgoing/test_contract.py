"""Both keepers of buckets hold to one contract; the one in Redis is asked by two gateways.

A step of time is a step of the clock in the hand, or everything that Redis remembers moved back by as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.bus import redis_buckets
from gateway.outgoing import memory
from gateway.outgoing.model import Bucket, Rank
from tests.gateway.outgoing.keepers import Keepers, aged, bucket, in_memory, in_redis, passes

GRACE_S = 3.0  # wide, so that a machine that stands still for a moment changes nothing


@pytest.fixture(params=["memory", "redis"])
async def keepers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Keepers]:
    monkeypatch.setattr(memory, "GRACE_S", GRACE_S)
    monkeypatch.setattr(redis_buckets, "GRACE_S", GRACE_S)
    made = in_memory() if request.param == "memory" else in_redis(request.getfixturevalue("redis_server").url())
    yield made
    await made.one.close()
    await made.two.close()


async def test_a_burst_goes_at_once_and_then_the_rate_holds_for_both_together(keepers: Keepers) -> None:
    slow = bucket("a", 0.01, burst=3)
    answers = [await each.take([slow], Rank.CARD) for each in (keepers.one, keepers.two) * 3]
    assert [each.granted for each in answers] == [True] * 3 + [False] * 3
    assert all(98 < each.wait <= 100 for each in answers[3:])


async def test_another_bucket_is_another_matter(keepers: Keepers) -> None:
    assert (await keepers.one.take([bucket("a", 0.01)], Rank.CARD)).granted
    assert (await keepers.one.take([bucket("b", 0.01)], Rank.CARD)).granted
    assert not (await keepers.two.take([bucket("a", 0.01)], Rank.CARD)).granted


async def test_all_or_nothing(keepers: Keepers) -> None:
    room, all_ = bucket("room", 0.01), bucket("all", 0.01, burst=2)
    assert (await keepers.one.take([room, all_], Rank.CARD)).granted
    refused = await keepers.two.take([room, all_], Rank.CARD)
    assert (refused.granted, refused.which) == (False, 0)
    assert (await keepers.one.take([bucket("elsewhere", 1), all_], Rank.CARD)).granted, "the refusal took nothing"
    assert (await keepers.one.take([bucket("third", 1), all_], Rank.CARD)).which == 1


async def test_after_the_wait_it_goes(keepers: Keepers) -> None:
    quick = bucket("a", 0.2)
    assert (await keepers.one.take([quick], Rank.CARD)).granted
    refused = await keepers.two.take([quick], Rank.CARD)
    assert 3 < refused.wait <= 5
    await passes(keepers, refused.wait)
    assert (await keepers.two.take([quick], Rank.CARD)).granted


async def test_a_better_rank_that_was_turned_away_goes_before_a_worse_one_in_any_gateway(keepers: Keepers) -> None:
    one_each = bucket("a", 0.2)
    assert (await keepers.one.take([one_each], Rank.REPAINT)).granted
    press = await keepers.one.take([one_each], Rank.PRESS)
    assert not press.granted
    await passes(keepers, press.wait)
    worse = await keepers.two.take([one_each], Rank.REPAINT)
    assert not worse.granted, "it is kept for the press"
    assert (await keepers.one.take([one_each], Rank.PRESS)).granted
    after = await keepers.two.take([one_each], Rank.REPAINT)
    await passes(keepers, after.wait)
    assert (await keepers.two.take([one_each], Rank.REPAINT)).granted


async def test_once_the_better_rank_went_nothing_is_kept_any_more(keepers: Keepers) -> None:
    quick = bucket("a", 1)
    assert (await keepers.one.take([quick], Rank.REPAINT)).granted
    press = await keepers.one.take([quick], Rank.PRESS)
    await passes(keepers, press.wait)
    assert (await keepers.one.take([quick], Rank.PRESS)).granted
    assert (await keepers.two.take([quick], Rank.REPAINT)).wait <= 1 < GRACE_S


async def test_what_is_kept_for_one_who_never_comes_back_is_free_again(keepers: Keepers) -> None:
    one_each = bucket("a", 0.2)
    assert (await keepers.one.take([one_each], Rank.CARD)).granted
    gone = await keepers.one.take([one_each], Rank.PRESS)
    await passes(keepers, gone.wait + GRACE_S)
    assert (await keepers.two.take([one_each], Rank.REPAINT)).granted


async def test_retry_after_closes_it_for_everybody(keepers: Keepers) -> None:
    wide = bucket("a", 100, burst=50)
    await keepers.one.shut(wide, 30)
    await keepers.two.shut(wide, 5)
    refused = await keepers.two.take([wide], Rank.PRESS)
    assert not refused.granted
    assert 29 < refused.wait <= 30


async def test_a_held_one_lets_nobody_in_until_the_call_has_ended_and_its_pause_too(keepers: Keepers) -> None:
    silent = bucket("a", 0.2, held=True)
    taken = await keepers.one.take([silent], Rank.CARD)
    assert taken.granted
    await passes(keepers, 6)
    refused = await keepers.two.take([silent], Rank.PRESS)
    assert not refused.granted, "the call goes on"
    assert refused.wait <= 5, "but it may end at any time"
    await keepers.one.done(silent, aged(keepers, taken.hold, 6), used=True)
    assert not (await keepers.two.take([silent], Rank.PRESS)).granted
    await passes(keepers, 5)
    again = await keepers.two.take([silent], Rank.PRESS)
    assert again.granted
    await keepers.one.done(silent, taken.hold, used=False)  # told late: it is another's by now
    assert not (await keepers.one.take([silent], Rank.PRESS)).granted
    await keepers.two.done(silent, again.hold, used=False)
    assert (await keepers.one.take([silent], Rank.PRESS)).granted, "nothing was sent"


async def test_a_thousand_askers_at_once_get_what_there_is(keepers: Keepers) -> None:
    many: list[Bucket] = [bucket("a", 0.001, burst=7), bucket("b", 0.001, burst=20, scope="network")]
    askers = [(keepers.one, keepers.two)[n % 2].take(many, Rank.CARD) for n in range(300)]
    assert sum(each.granted for each in await asyncio.gather(*askers)) == 7
