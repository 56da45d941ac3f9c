"""Dataverse's calls: tokens, limits, rows page by page, and what its errors mean."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin

from crm.dataverse.config import Config
from crm.http import GARBLED, TIRED, Answer, Client, Manners, rows
from crm.keys import Bearer, Renewed
from crm.mapping import vanished
from crm.model import CursorLost
from gateway.errors import Refused, Retry
from reconcile.model import Json

FORMATTED = "OData.Community.Display.V1.FormattedValue"
ODATA = {"OData-Version": "4.0", "OData-MaxVersion": "4.0"}
LIMITED = frozenset({"0x80072321", "0x80072322", "0x80072326"})
"""Service protection: execution time, number and concurrency of requests."""
SQL_TIMEOUT = "0x80044151"
_COLUMN = re.compile(r"[Cc]ould not find a property named '([A-Za-z0-9_.]{1,100})'")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_JUDGED = (400, 403, 404, 405, 410, 412)
_FORGOTTEN = (400, 404, 410)
"""Of a link: `0x80044352` where it is older than the organisation keeps changes, or the table was altered since."""

Row = dict[str, Json]


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def words(body: Json) -> str:
    """Of `{"error": {"code", "message"}}`; of a token's refusal `{"error", "error_description"}`."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "")
    return str(body.get("error_description") or error or "") if isinstance(body, dict) else ""


def code(body: Json) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("code") or "").lower() if isinstance(error, dict) else ""


def prefer(*wishes: str, page: int = 0) -> dict[str, str]:
    """Formatted values always; what else is wished for in one header, as one call may carry it once."""
    asked = [*wishes, *([f"odata.maxpagesize={page}"] if page else []), f'odata.include-annotations="{FORMATTED}"']
    return {"Prefer": ",".join(asked)}


def one_of(column: str, ids: Sequence[str]) -> str:
    """For a filter. What is no id never gets into a query."""
    assert all(is_id(id_) for id_ in ids)
    return f"({' or '.join(f'{column} eq {id_}' for id_ in ids)})"


def instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(text: Json) -> int:
    """Milliseconds of `2026-11-20T10:00:00Z`; 0 for what is none."""
    try:
        told = datetime.fromisoformat(str(text or "").replace("Z", "+00:00"))
    except ValueError:
        return 0
    return round((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)


def text(value: Json) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Page:
    """`further`: the path of the next page; `delta`: that of what changes from now on. Of the last page `further` is
    empty."""

    rows: list[Row]
    further: str
    delta: str


class Api:
    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._door = Client(name, config.login, Bearer(""), Manners(words=words, timeout=config.timeout))
        keys = Renewed(self._fetch, config.client_secret.get_secret_value())
        self._client = Client(name, config.url, keys, Manners(words=words, headers=ODATA, timeout=config.timeout))
        self.base = f"/api/data/v{config.version}"
        self._user = ""

    async def close(self) -> None:
        await self._client.close()
        await self._door.close()

    async def _fetch(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.get_secret_value(),
            "scope": f"{self._config.url}/.default",
        }
        try:
            answer = await self._door.call("POST", f"/{self._config.tenant}/oauth2/v2.0/token", form=form, reads=True)
        except Refused:
            raise self.locked_out() from None
        token, lives = answer.table.get("access_token"), answer.table.get("expires_in")
        if not isinstance(token, str) or not token:
            raise Retry(GARBLED, "answered no token")
        return token, float(lives) if isinstance(lives, int | float) else 3600.0

    def locked_out(self) -> Refused:
        return Refused("The CRM {crm} does not accept our access any more: reconnect it.", crm=self._client.name)

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + int((self._client.clock_offset or 0.0) * 1000)

    async def user(self) -> str:
        """Our own user there."""
        if not self._user:
            self._user = text((await self.get("/WhoAmI")).table.get("UserId"))
        return self._user

    def refusal(self, said: str) -> Refused:
        return self._client.refusal(said)

    async def get(
        self, path: str, *params: tuple[str, str], headers: Mapping[str, str] | None = None, take: Sequence[int] = ()
    ) -> Answer:
        """`If-None-Match: null` is the vendor's own advice against an answer out of a cache."""
        sent = {"If-None-Match": "null", **(headers or {})}
        return await self.call("GET", path, params=params, headers=sent, take=take)

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
        """`path` is below the API's own. An error is judged by its code, whichever status it comes with."""
        answer = await self._client.call(
            method, f"{self.base}{path}", params=params, body=body, headers=headers, take=_JUDGED
        )
        wrong = isinstance(answer.body, dict) and "error" in answer.body
        if (answer.status < 300 and not wrong) or answer.status in take:
            return answer
        raise self._judged(answer)

    def _forgotten(self, answer: Answer) -> Exception:
        judged = self._judged(answer)
        if isinstance(judged, Retry) or _COLUMN.search(words(answer.body)):
            return judged
        why = code(answer.body) or str(answer.status)
        return CursorLost("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=why[:40])

    def _judged(self, answer: Answer) -> Exception:
        told, said = code(answer.body), words(answer.body)
        if told in LIMITED:
            return Retry(TIRED, "its limit of calls is used up", limit="network")
        if told == SQL_TIMEOUT:
            return Retry(TIRED, f"answered {told}")
        column = _COLUMN.search(said)
        if column is not None:
            return vanished(column[1])
        if answer.status == 403:
            quoted = self._client.quoted(said)
            return Refused("The CRM {crm} does not permit this: {words}", crm=self._client.name, words=quoted or "403")
        return self._client.refusal(said or str(answer.status))

    # -- rows

    async def page(
        self, path: str, *params: tuple[str, str], headers: Mapping[str, str] | None = None, linked: bool = False
    ) -> Page:
        """`linked`: the path is a link of theirs, so that a 400 means that they do not know it any more."""
        answer = await self.get(path, *params, headers=headers, take=_FORGOTTEN if linked else ())
        if answer.status in _FORGOTTEN:
            raise self._forgotten(answer)
        if answer.body is None or answer.body == {}:
            return Page([], "", "")  # documented of a delta link when nothing changed
        told = answer.table
        return Page(rows(told.get("value")), self._link(told, "nextLink"), self._link(told, "deltaLink"))

    def _link(self, told: Row, which: str) -> str:
        """A link of theirs, below the API's own path. OData lets it be relative to that."""
        link = told.get(f"@odata.{which}")
        if link is None:
            return ""
        whole = isinstance(link, str) and urljoin(f"{self._client.base}{self.base}/", link)
        path = self._client.within(whole) if whole else ""
        if not path.startswith(f"{self.base}/"):
            raise Retry(GARBLED, "answered a link that leads nowhere")
        return path[len(self.base) :]

    async def all(self, path: str, *params: tuple[str, str], page: int = 0) -> list[Row]:
        """Every page, in one list."""
        headers = prefer(page=page)
        answer = await self.page(path, *params, headers=headers)
        found = answer.rows
        while answer.further:
            answer = await self.page(answer.further, headers=headers)
            found += answer.rows
        return found
