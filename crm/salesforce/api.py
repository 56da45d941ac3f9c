"""Salesforce's calls: tokens, limits, SOQL page by page, and what its errors mean."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from crm.http import GARBLED, TIRED, Answer, Client, Manners, rows
from crm.keys import Bearer, Renewed
from crm.mapping import vanished
from crm.salesforce.config import Config
from gateway.errors import Refused, Retry
from reconcile.model import Json

DAY_S = 600.0
_USAGE = re.compile(r"api-usage=([0-9]{1,12})/([0-9]{1,12})")
_COLUMN = re.compile(r"No such column '([A-Za-z0-9_.]{1,80})'")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_BUSY = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "INVALID_QUERY_LOCATOR", "REQUEST_RUNNING_TOO_LONG"}
)
_JUDGED = (400, 403, 404, 412)


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def pace(headers: Mapping[str, str]) -> float:
    """When the day's calls are used up: until the next try."""
    found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
    return DAY_S if found and int(found[1]) >= int(found[2]) else 0.0


def words(body: Json) -> str:
    """Of `[{"message", "errorCode", "fields"}]`; of a token's refusal `{"error", "error_description"}`."""
    if isinstance(body, list):
        return "; ".join(str(each.get("message") or each.get("errorCode")) for each in body if isinstance(each, dict))
    return str(body.get("error_description") or body.get("error") or "") if isinstance(body, dict) else ""


def codes(body: Json) -> list[str]:
    return [str(each.get("errorCode")) for each in body if isinstance(each, dict)] if isinstance(body, list) else []


def quoted(*ids: str) -> str:
    """For SOQL. What is no id never gets into a query."""
    assert all(is_id(id_) for id_ in ids)
    return ", ".join(f"'{id_}'" for id_ in ids)


def select(names: Sequence[str], of: str, *where: str, order: str = "", limit: int = 0) -> str:
    """SOQL. Names are the configuration's and checked there; values are ids and times, made by us."""
    parts = ["SELECT", ", ".join(names), "FROM", of, "WHERE" if where else "", " AND ".join(where)]
    parts += ["ORDER BY", order] if order else []
    parts += ["LIMIT", str(limit)] if limit else []
    return " ".join(filter(None, parts))


def instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._door = Client(name, config.url, Bearer(""), Manners(words=words, timeout=config.timeout))
        secrets = (config.client_secret.get_secret_value(), config.refresh_token.get_secret_value())
        manners = Manners(pace, words, timeout=config.timeout)
        self._client = Client(name, config.url, Renewed(self._fetch, *secrets), manners)
        self._user = ""

    async def close(self) -> None:
        await self._client.close()
        await self._door.close()

    async def _fetch(self) -> tuple[str, float]:
        """Salesforce does not say how long a token lives; the session's end is a 401."""
        refresh = self._config.refresh_token.get_secret_value()
        form = {"client_id": self._config.client_id, "client_secret": self._config.client_secret.get_secret_value()}
        form |= (
            {"grant_type": "refresh_token", "refresh_token": refresh}
            if refresh
            else {"grant_type": "client_credentials"}
        )
        try:
            answer = await self._door.call("POST", "/services/oauth2/token", form=form, reads=True)
        except Refused:
            raise self.locked_out() from None
        token = answer.table.get("access_token")
        if not isinstance(token, str) or not token:
            raise Retry(GARBLED, "answered no token")
        return token, 3600.0

    def locked_out(self) -> Refused:
        return Refused("The CRM {crm} does not accept our access any more: reconnect it.", crm=self._client.name)

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + int((self._client.clock_offset or 0.0) * 1000)

    @property
    def base(self) -> str:
        return f"/services/data/v{self._config.version}"

    async def user(self) -> str:
        """Our own user, by the first 15 letters of its id."""
        if not self._user:
            told = (await self.call("GET", "/services/oauth2/userinfo")).table
            self._user = str(told.get("user_id") or "")[:15]
        return self._user

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        take: Sequence[int] = (),
    ) -> Answer:
        """Errors are judged by their codes, since 400 and 403 can be a lock or a limit."""
        answer = await self._client.call(method, path, params=params, body=body, headers=headers, take=_JUDGED)
        told = codes(answer.body)
        if (answer.status < 300 and not told) or answer.status in take:
            return answer
        if "REQUEST_LIMIT_EXCEEDED" in told:
            raise Retry(DAY_S, "its limit of calls is used up", limit="network")
        if busy := _BUSY & set(told):
            raise Retry(TIRED, f"answered {min(busy)}")
        column = _COLUMN.search(words(answer.body)) if "INVALID_FIELD" in told else None
        if column is not None:
            raise vanished(column[1])
        if answer.status == 403:
            said = self._client.quoted(words(answer.body))
            raise Refused("The CRM {crm} does not permit this: {words}", crm=self._client.name, words=said or "403")
        raise self._client.refusal(words(answer.body) or str(answer.status))

    async def query(self, soql: str, *, deleted: bool = False) -> list[dict[str, Json]]:
        """All its pages. `deleted`: what is in the bin too."""
        path = f"{self.base}/{'queryAll' if deleted else 'query'}"
        answer = (await self.call("GET", path, params=(("q", soql),))).table
        found = rows(answer.get("records"))
        while answer.get("done") is not True:
            link = answer.get("nextRecordsUrl")
            if not isinstance(link, str):
                raise Retry(GARBLED, "answered a page without a next one")
            answer = (await self.call("GET", self._client.within(link))).table
            found += rows(answer.get("records"))
        return found
