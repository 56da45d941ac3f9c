"""Every page of the console in a deployment of 100,000 customers: how long the gateway works on a GET of it, warm.

python -m benchmarks.console.bench              the whole size, on SQLite
python -m benchmarks.console.bench --folder F   seeds F once and uses it again
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks.common import HERE, keep, machine, percentile, table
from benchmarks.console.made import FULL
from benchmarks.console.pages import addresses, of
from benchmarks.console.seed import seed
from gateway.app import open_house
from gateway.demo.people import settle_in
from gateway.demo.run import prepare
from gateway.house import House
from gateway.http.console import Console
from gateway.http.health import Health
from gateway.http.server import application, listen
from gateway.store.tokens import TokenStore

LIMIT_MS = 150.0
HOPELESS_MS = 2000.0
"""What takes so long once is not asked again."""
WARM, TIMED = 3, 25
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Watch:
    """How long the last request was worked on, and how much of a processor it took, both in ms."""

    took: float = 0.0
    cpu: float = 0.0
    routes: list[web.RouteDef] = field(default_factory=list)

    def around(self, each: web.RouteDef) -> web.RouteDef:
        serve: Serve = each.handler

        async def timed(request: web.Request) -> web.StreamResponse:
            began, used = time.perf_counter(), time.process_time()
            try:
                return await serve(request)
            finally:
                self.took, self.cpu = (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000

        return web.RouteDef(each.method, each.path, timed, each.kwargs)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[House, Watch, str]]:
    house, watch = await open_house(prepare(folder, 8300)), Watch()
    watch.routes = Console(house.services, house.spine, TokenStore(house.services.store, house.services.clock)).routes()
    health = Health(house.services, house.worker)
    server = await listen(
        application(house, health, [watch.around(each) for each in watch.routes]), health, "127.0.0.1", 0
    )
    try:
        yield house, watch, server.address
    finally:
        await server.stop()
        await house.close()


async def furnish(folder: Path) -> None:
    house = await open_house(prepare(folder, 8300))
    await settle_in(house.services.people)
    began = time.perf_counter()
    await seed(house, FULL)
    print(f"seeded in {time.perf_counter() - began:.0f} s", flush=True)
    await house.close()


async def measure(folder: Path, only: str) -> list[tuple[str, float, float, float, int]]:
    found = []
    jar = aiohttp.CookieJar(unsafe=True)
    async with opened(folder) as (house, watch, url), aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.post(f"{url}/console/enter", data={"person": "p_zhaolei"}) as told:
            assert told.status == 200, await told.text()
        [case] = await house.services.ledger.conflicts(limit=1)
        asked = of("local:account:c41", "web/room00020", "p42", case.id, "vale", "pc-none")
        for address in addresses(watch.routes, asked):
            if only in address:
                found.append((address, *await _timed(session, watch, url, address)))
                print(*found[-1], flush=True)
    return found


async def _timed(
    session: aiohttp.ClientSession, watch: Watch, url: str, address: str
) -> tuple[float, float, float, int]:
    took, cpu, size = list[float](), list[float](), 0
    for n in range(WARM + TIMED):
        async with session.get(f"{url}{address}") as told:
            body = await told.read()
            assert told.status == 200, (address, told.status, body[-2000:])
            size = len(body)
        if n >= WARM:
            took.append(watch.took)
            cpu.append(watch.cpu)
        elif watch.took > HOPELESS_MS:
            took.append(watch.took)
            cpu.append(watch.cpu)
            break
    took.sort()
    return percentile(took, 0.5), percentile(took, 0.95), percentile(sorted(cpu), 0.5), size


async def whole(folder: Path, only: str) -> None:
    if not (folder / "floatcard.db").exists():
        await furnish(folder)
    rows = await measure(folder, only)
    told = [[f"`{each}`", p50, p95, cpu, size // 1024, _verdict(p95, cpu)] for each, p50, p95, cpu, size in rows]
    lines = table(["page", "p50 ms", "p95 ms", "CPU ms", "KB", f"limit {LIMIT_MS:.0f} ms"], told)
    sizes = ", ".join(f"{getattr(FULL, name):,} {name}" for name in FULL.__slots__)
    about = (
        f"How long the gateway works on one GET, warm, {TIMED} times a page, on SQLite, an admin signed in. {sizes}. "
        "The overview's counts are kept for half a minute: the first look after that takes about 100 ms of a processor."
    )
    if only:
        print(lines)
    else:
        keep(HERE / "console" / "RESULTS.md", "The console's pages", machine("aiohttp", "jinja2"), about, lines)


def _verdict(p95: float, cpu: float) -> str:
    """On a machine that others use as well the processor's time says more than the clock's."""
    if p95 <= LIMIT_MS:
        return "within"
    return "**over**" if cpu > LIMIT_MS / 2 else "over by the clock: it waited for a processor"


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    words = argparse.ArgumentParser()
    words.add_argument("--folder", type=Path)
    words.add_argument("--only", default="")
    given = words.parse_args()
    if given.folder is not None:
        asyncio.run(whole(given.folder, given.only))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(whole(Path(folder), given.only))


if __name__ == "__main__":
    main()
