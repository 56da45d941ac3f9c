"""A CRM over HTTP: the connector, loaded like anybody's own, and the server that it calls: `crm/local` behind it."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from channels.wire import settle, wall_clock
from crm.local.crm import LocalCrm
from crm.model import Applied, Change, Conflict, CrmUser, Record, RecordRef
from gateway.errors import Refused, Retry
from gateway.store.mirror import dump, load
from tests.faults.proxy import settled

TIRED = 0.3


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    timeout: float = 1.0


class Crm:
    """A write whose answer did not come is nobody's to know: anything but `Retry`, so that it is read first."""

    def __init__(self, name: str, config: Config, *, clock: Any) -> None:
        self.name = name
        self._config = config
        self._session: aiohttp.ClientSession | None = None

    async def get(self, ref: RecordRef) -> Record:
        return load(await self._read("/record", key=ref.key))

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        for record, here in _listed(await self._read("/changes", cursor=cursor)):
            yield load(orjson.dumps(record)), here

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        body = orjson.dumps({"change": asdict(change), "once": once})
        raw = await self._call("POST", "/apply", body)
        answer = json.loads(raw)
        if "version" in answer:
            return Applied(answer["version"], answer["rendered"])
        return Conflict(load(orjson.dumps(answer["current"])))

    async def users(self) -> tuple[CrmUser, ...]:
        return tuple(
            CrmUser(**{**each, "roles": tuple(each["roles"])}) for each in json.loads(await self._read("/users"))
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _read(self, path: str, **query: str) -> bytes:
        """Whatever happens to a reading, the same again is safe."""
        try:
            raw = await self._call("GET", path, None, **query)
            json.loads(raw)
        except (aiohttp.ClientError, TimeoutError, ValueError) as broke:
            raise Retry(TIRED, f"the CRM: {type(broke).__name__}") from broke
        return raw

    async def _call(self, method: str, path: str, body: bytes | None, **query: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._config.timeout))
        try:
            async with self._session.request(method, self._config.url + path, data=body, params=query) as response:
                settle(response.status, response.headers, wall_clock(), lambda status: Refused("Reconnect the CRM."))
                return await response.read()
        except aiohttp.ClientConnectorError as unreached:
            raise Retry(TIRED, "the CRM is not there") from unreached


def _listed(raw: bytes) -> list[tuple[Any, str]]:
    return [(each["record"], each["cursor"]) for each in json.loads(raw)]


class Server:
    """Counts what it was asked to write: a field's value that was written twice shows."""

    def __init__(self, behind: LocalCrm) -> None:
        self.behind = behind
        self.written: Counter[tuple[str, str, str]] = Counter()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/record", self._record)
        app.router.add_get("/changes", self._changes)
        app.router.add_get("/users", self._users)
        app.router.add_post("/apply", self._apply)
        return app

    async def _record(self, request: web.Request) -> web.Response:
        return web.Response(body=dump(await self.behind.get(RecordRef.parse(request.query["key"]))))

    async def _changes(self, request: web.Request) -> web.Response:
        found = [(record, here) async for record, here in self.behind.changes(request.query["cursor"])]
        rows = [{"record": json.loads(dump(record)), "cursor": here} for record, here in found]
        return web.Response(body=orjson.dumps(rows))

    async def _users(self, request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps([asdict(each) for each in await self.behind.users()]))

    async def _apply(self, request: web.Request) -> web.Response:
        body = await request.json()
        raw = body["change"]
        change = Change(**{**raw, "ref": RecordRef(**raw["ref"])})
        answer = await self.behind.apply(change, once=body["once"])
        if isinstance(answer, Conflict):
            return web.Response(body=orjson.dumps({"current": json.loads(dump(answer.current))}))
        self.written[change.ref.key, change.field, str(change.value)] += 1
        return web.Response(body=orjson.dumps(asdict(answer)))


@contextlib.asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[tuple[str, int]]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()
        await settled()
