"""HubSpot's calls: tokens, limits, and what its refusals say."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence

from crm.http import GARBLED, Answer, Client, Manners, rows
from crm.hubspot.config import Config
from crm.keys import Bearer, Keys, Renewed
from gateway.errors import Refused, Retry, Unsure
from reconcile.model import Json

OBJECTS = "/crm/v3/objects"
PAGES = 20
"""Of one record's associations; a page holds five hundred or more."""
DAY_S = 600.0
"""When the day's calls are used up: until the next try."""


def pace(headers: Mapping[str, str]) -> float:
    if headers.get("X-HubSpot-RateLimit-Daily-Remaining") == "0":
        return DAY_S
    if headers.get("X-HubSpot-RateLimit-Remaining") != "0":
        return 0.0
    interval = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    return min(int(interval), 60_000) / 1000 if interval.isascii() and interval.isdigit() and len(interval) < 9 else 10


def words(body: Json) -> str:
    """Of a validation the single messages; they stand as JSON inside the text."""
    message = str(body.get("message") or "") if isinstance(body, dict) else ""
    start = message.find("[{")
    try:
        inner = json.loads(message[start:]) if start >= 0 else []
    except ValueError:
        return message
    told = [str(each["message"]) for each in inner if isinstance(each, dict) and each.get("message")]
    return "; ".join(told) or message


class Api:
    """Raises what happens next, also where an error comes with 200."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._client = Client(name, config.base_url, self._keys(name), Manners(pace, words, timeout=config.timeout))
        self._searching = asyncio.Lock()
        self._search_at = 0.0

    def _keys(self, name: str) -> Keys:
        config = self._config
        self._door: Client | None = None
        if config.token.get_secret_value():
            return Bearer(config.token.get_secret_value())
        secrets = (config.client_secret.get_secret_value(), config.refresh_token.get_secret_value())
        self._door = Client(name, config.base_url, Bearer(""), Manners(words=words, timeout=config.timeout))
        return Renewed(self._fetch, *secrets)

    async def _fetch(self) -> tuple[str, float]:
        assert self._door is not None
        form = {
            "grant_type": "refresh_token",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.get_secret_value(),
            "refresh_token": self._config.refresh_token.get_secret_value(),
        }
        try:
            answer = await self._door.call("POST", "/oauth/v1/token", form=form, reads=True)
        except Refused:
            raise self.locked_out() from None
        token, lives = answer.table.get("access_token"), answer.table.get("expires_in")
        if not isinstance(token, str) or not token:
            raise Retry(GARBLED, "answered no token")
        return token, float(lives) if isinstance(lives, int | float) else 1800.0

    def locked_out(self) -> Refused:
        return Refused("The CRM {crm} does not accept our access any more: reconnect it.", crm=self._client.name)

    async def close(self) -> None:
        await self._client.close()
        if self._door is not None:
            await self._door.close()

    @property
    def offset_ms(self) -> int:
        return int((self._client.clock_offset or 0.0) * 1000)

    async def get(self, path: str, *params: tuple[str, str], missing: bool = False) -> Answer:
        """`missing`: a 404 is an answer."""
        return self._good(await self._client.call("GET", path, params=params, take=(404,) if missing else ()), True)

    async def ask(self, path: str, body: Json) -> Answer:
        """A POST that only reads."""
        return self._good(await self._client.call("POST", path, body=body, reads=True), True)

    async def write(self, method: str, path: str, body: Json) -> Answer:
        return self._good(await self._client.call(method, path, body=body), False)

    def _good(self, answer: Answer, reads: bool) -> Answer:
        if isinstance(answer.body, dict) and answer.body.get("status") == "error" and answer.status != 404:
            raise self._client.refusal(words(answer.body) or "error")
        if not isinstance(answer.body, dict):
            kind = Retry if reads else Unsure
            raise kind(GARBLED, "answered no object")
        return answer

    async def search(self, objects: str, filters: Sequence[Json], sort: str, after: int, limit: int) -> Answer:
        """Ascending by `sort`; HubSpot gives no more than the first 10,000."""
        async with self._searching:
            wait = self._search_at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._search_at = time.monotonic() + 1 / self._config.searches
        groups: list[Json] = [{"filters": list(filters)}] if filters else []
        # The published description takes sorts as texts; a property's name alone is ascending.
        body: dict[str, Json] = {"filterGroups": groups, "sorts": [sort], "properties": [sort]}
        return await self.ask(f"{OBJECTS}/{objects}/search", {**body, "limit": limit, "after": str(after)})

    async def read(self, objects: str, ids: Sequence[str], properties: Sequence[str]) -> list[dict[str, Json]]:
        """Those that are there, by a hundred."""
        found: list[dict[str, Json]] = []
        for start in range(0, len(ids), 100):
            inputs: list[Json] = [{"id": id_} for id_ in ids[start : start + 100]]
            body: Json = {"inputs": inputs, "properties": list(properties), "propertiesWithHistory": []}
            found += rows((await self.ask(f"{OBJECTS}/{objects}/batch/read", body)).table.get("results"))
        return found

    async def associated(self, objects: str, to: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Record -> the ids of its `to`, the newest last as HubSpot counts them up. Of one that has more than a page
        of them the rest is asked for by itself."""
        asked: list[Json] = [{"id": id_} for id_ in ids]
        found: dict[str, list[str]] = {}
        for _ in range(PAGES):
            told = await self.ask(f"/crm/v4/associations/{objects}/{to}/batch/read", {"inputs": asked})
            asked = []
            for row in rows(told.table.get("results")):
                id_, ends, after = _associations(row)
                found.setdefault(id_, []).extend(ends)
                asked += [{"id": id_, "after": after}] if after else []
            if not asked:
                break
        return {id_: sorted(set(ends), key=lambda end: (len(end), end)) for id_, ends in found.items()}


def _associations(row: Mapping[str, Json]) -> tuple[str, list[str], str]:
    """Of which record, its ends on this page, and where the next one begins."""
    source, targets = _table(row.get("from")), row.get("to")
    ends = [each for each in targets if isinstance(each, dict)] if isinstance(targets, list) else []
    after = _table(_table(row.get("paging")).get("next")).get("after")
    return str(source.get("id")), [str(each["toObjectId"]) for each in ends if "toObjectId" in each], str(after or "")


def _table(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
