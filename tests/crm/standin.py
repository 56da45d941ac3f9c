"""What the harnesses of CRMs over HTTP share that run against a stand-in of ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import web

from crm.model import Change, Crm, RecordRef
from reconcile.model import Json
from tests.crm.between import Spoil, between
from tests.crm.contract import Bad, Harness


class StandIn(Protocol):
    url: str
    answer: Callable[[web.Request], web.StreamResponse | None] | None
    """Said instead of its own answer, where it gives one."""
    locked: bool

    async def serve(self, request: web.Request) -> web.StreamResponse: ...


Fake = TypeVar("Fake", bound=StandIn)
Client = TypeVar("Client", bound=Crm)
H = TypeVar("H", bound="Far[Any, Any]")


@asynccontextmanager
async def served(fake: Fake, now: Callable[[], float] | None = None) -> AsyncIterator[Fake]:
    """`now`: its clock in seconds, by which answers carry a date; else they carry the real one."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", fake.serve)

    async def dated(_: web.Request, response: web.StreamResponse) -> None:
        if now is not None:
            response.headers["Date"] = datetime.fromtimestamp(now(), UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")

    app.on_response_prepare.append(dated)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield fake
    finally:
        await runner.cleanup()


class Far(ABC, Generic[Fake, Client]):
    """A harness under the contract. What differs is how a connector is configured and what people do in the CRM."""

    remote = True
    concurrent = True
    field = "phone"
    values: tuple[Json, Json, Json] = ("+86 512 6288 0000", "+86 512 6288 0001", "+86 512 6288 0002")
    page = 3
    number: str | None = "amount"
    choice: str | None = "industry"
    spoils: Mapping[Bad, Spoil]
    address = "url"
    """The setting that says where the CRM is."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.opened: list[Client] = []

    def client(self, **settings: Any) -> Client:
        self.opened.append(self.make(settings))
        return self.opened[-1]

    def usual(self) -> Client:
        return self.client()

    @abstractmethod
    def make(self, settings: Mapping[str, Any]) -> Client:
        """`settings` besides the usual ones, or instead of them."""

    @abstractmethod
    async def seed(self, count: int) -> list[RecordRef]: ...

    @abstractmethod
    async def native(self, ref: RecordRef, value: Json) -> None: ...

    @abstractmethod
    async def remove(self, ref: RecordRef) -> None: ...

    def too_many(self, after: float) -> web.Response:
        """As this CRM says that it is asked too often."""
        return web.Response(status=429, headers={"Retry-After": str(after)})

    @asynccontextmanager
    async def tired(self, after: float) -> AsyncIterator[Client]:
        client = self.client()
        self.fake.answer = lambda _: self.too_many(after)
        yield client
        self.fake.answer = None

    @asynccontextmanager
    async def locked_out(self) -> AsyncIterator[Client]:
        self.fake.locked = True
        yield self.client()
        self.fake.locked = False

    def answering(self, bad: Bad) -> AbstractAsyncContextManager[Client] | None:
        return self._answering(self.spoils[bad])

    @asynccontextmanager
    async def _answering(self, spoil: Spoil) -> AsyncIterator[Client]:
        async with between(self.fake.url) as proxy:
            proxy.spoil = spoil
            yield self.client(**{self.address: proxy.url})


@asynccontextmanager
async def standing(harness: H) -> AsyncIterator[H]:
    """Closes what the harness opened."""
    try:
        yield harness
    finally:
        for client in harness.opened:
            await client.close()


def opens(
    house: Callable[[], AbstractAsyncContextManager[H]],
) -> Callable[[Path], AbstractAsyncContextManager[Harness]]:
    """A harness module's `harness`, of what opens one."""
    return lambda _: house()


@asynccontextmanager
async def at(fake: Fake, harness: Callable[[Fake], H], now: Callable[[], float] | None = None) -> AsyncIterator[H]:
    async with served(fake, now), standing(harness(fake)) as opened:
        yield opened


class Asking:
    """How the tests of one CRM name a record, and a change of it."""

    def __init__(self, crm: str) -> None:
        self._crm = crm

    def ref(self, id_: str | int, kind: str = "account") -> RecordRef:
        return RecordRef(self._crm, kind, str(id_))

    def change(
        self, id_: str | int, field: str, value: Json, precondition: int | None = None, label: str = ""
    ) -> Change:
        return Change(self.ref(id_), field, value, precondition, label)
