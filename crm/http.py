"""What every connector to a CRM over HTTP shares: one client, and what each answer means. Nothing of a vendor."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urljoin, urlsplit

import aiohttp

from crm.hosts import Hosts, guarded
from crm.keys import Keys
from gateway.errors import Refused, Retry, Unsure
from reconcile.model import Json

TIRED = 5.0
"""Seconds until the next try when the other side is down and named no time."""
GARBLED = 30.0
"""The same, when what it answers is not its own format: a page of its landlord, a cut answer."""
LONGEST = 3600.0
PATIENCE = 5.0
"""Seconds a call waits for its turn by itself; what has to wait longer is brought back later."""
MOST = 16 * 2**20
"""Bytes of one answer, unpacked."""
SECRET = 6
"""Characters of the shortest text that is struck out as a secret."""
WORDS = 200
"""Characters of a CRM's own words that are kept."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {"Accept": "application/json", "User-Agent": "floatcard"}

_TAG = re.compile(r"<[^<>]{0,500}>")
_BLANKS = re.compile(r"\s+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MAY_HOLD_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Case does not matter."""
    body: Json

    @property
    def table(self) -> dict[str, Json]:
        """The body, where it has to be an object. Raises `Retry`."""
        if not isinstance(self.body, dict):
            raise Retry(GARBLED, f"answered {_sort(self.body)} where an object was expected")
        return self.body


def rows(value: Json) -> list[dict[str, Json]]:
    """A list of objects. Raises `Retry` for anything else."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Retry(GARBLED, f"answered {_sort(value)} where a list of objects was expected")
    return [each for each in value if isinstance(each, dict)]


def _sort(value: Json) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "yes or no", type(None): "nothing"}
    return names.get(type(value), "a number")


Pace = Callable[[Mapping[str, str]], float]
"""Seconds until the next call is welcome, from the headers of an answer; 0 when now."""
Words = Callable[[Json], str]
"""The CRM's own words in the body of a refusal."""


def no_pace(_: Mapping[str, str]) -> float:
    return 0.0


def no_words(_: Json) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Manners:
    """How one CRM wants to be spoken to."""

    pace: Pace = no_pace
    words: Words = no_words
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 15.0
    at_once: int = 8
    most: int = MOST


class Client:
    """Speaks to the one host of `base` and follows no redirect. The session is made at the first call."""

    def __init__(self, name: str, base: str, keys: Keys, manners: Manners | None = None) -> None:
        self.name = name
        self.base = address(base)
        self.clock_offset: float | None = None
        """Seconds their clock is ahead of ours, as the `Date` of their last answer says; None when none came."""
        self._keys = keys
        self._manners = manners or Manners()
        self._room = asyncio.Semaphore(self._manners.at_once)
        self._not_before = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def within(self, link: str) -> str:
        """The path of a link the CRM gave us. Raises `Refused` when it leads to another host."""
        whole, own = urlsplit(urljoin(f"{self.base}/", link)), urlsplit(self.base)
        if (whole.scheme, whole.netloc) != (own.scheme, own.netloc) or not whole.path.startswith(own.path):
            raise Refused("The CRM {crm} leads to an address outside its own. Check its address.", crm=self.name)
        return whole.path[len(own.path) :] + (f"?{whole.query}" if whole.query else "")

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: Json = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        take: Collection[int] = (),
        reads: bool = False,
    ) -> Answer:
        """2xx, and the statuses of `take`, are given back; everything else raises what happens next.

        `reads`: the call changes nothing although its method might, so a lost answer is no doubt.
        """
        url = f"{self.base}{path}" + (f"?{urlencode(params, quote_via=quote)}" if params else "")
        safe = reads or method in SAFE
        request = _Request(method, url, body, form, headers or {}, safe)
        proof = await self._keys.headers()
        answer = await self._once(request, proof, take)
        if answer.status == 401 and 401 not in take and await self._keys.renew(proof):
            answer = await self._once(request, await self._keys.headers(), take)
        if not (200 <= answer.status < 300 or answer.status in take):
            self._refuse(answer)
        return answer

    async def _once(self, request: _Request, proof: Mapping[str, str], take: Collection[int]) -> Answer:
        headers = {**HEADERS, **self._manners.headers, **proof, **request.headers}
        await self._turn()
        async with self._room:
            try:
                async with self._open().request(
                    request.method,
                    request.url,
                    json=request.body,
                    data=request.form,
                    headers=headers,
                    allow_redirects=False,
                ) as response:
                    return await self._read(response, request, take)
            except aiohttp.ClientConnectorError as fault:
                raise Retry(TIRED, f"cannot be reached: {type(fault).__name__}") from None
            except (aiohttp.ClientError, TimeoutError, OSError) as fault:
                raise request.lost(TIRED, f"the call broke off: {type(fault).__name__}") from None
            except ValueError:  # a header or an address that is none
                raise Refused("The CRM {crm} cannot be asked like this. Check its address.", crm=self.name) from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = guarded(
                Hosts.of(own=[self.base]),
                timeout=aiohttp.ClientTimeout(total=self._manners.timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                json_serialize=_dumps,
            )
        return self._session

    async def _turn(self) -> None:
        wait = self._not_before - time.monotonic()
        if wait > PATIENCE:
            raise Retry(wait, "its limit of calls is used up", limit="network")
        if wait > 0:
            await asyncio.sleep(wait)

    async def _read(self, response: aiohttp.ClientResponse, request: _Request, take: Collection[int]) -> Answer:
        headers = response.headers
        self._not_before = max(self._not_before, time.monotonic() + self._manners.pace(headers))
        self.clock_offset = _offset(headers.get("Date"), self.clock_offset)
        status = response.status
        if 300 <= status < 400 and status not in take:
            raise Refused("The CRM {crm} sends us to another address. Check its address.", crm=self.name)
        if status in (408, 425) or status >= 500 or status == 429:
            self._tired(status, headers, request)
        raw = await self._bytes(response, request)
        body = _parsed(raw, request, strict=200 <= status < 300)
        return Answer(status, headers, body)

    def _tired(self, status: int, headers: Mapping[str, str], request: _Request) -> NoReturn:
        after = retry_after(headers.get("Retry-After"))
        why = f"answered {status}"
        if status == 429:
            self._not_before = max(self._not_before, time.monotonic() + (after or TIRED))
            raise Retry(after or TIRED, why, limit="network")
        if status == 503:  # not taken: it was not well enough to begin
            raise Retry(after or TIRED, why, limit="network" if after else "")
        raise request.lost(after or TIRED, why)

    async def _bytes(self, response: aiohttp.ClientResponse, request: _Request) -> bytes:
        most, raw = self._manners.most, bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            raw += chunk
            if len(raw) > most:
                response.close()
                raise request.lost(GARBLED, f"answered more than {most} bytes")
        return bytes(raw)

    def _refuse(self, answer: Answer) -> NoReturn:
        if answer.status == 401:
            raise Refused("The CRM {crm} does not accept our access any more: reconnect it.", crm=self.name)
        words = self.quoted(self._manners.words(answer.body))
        if answer.status == 403:
            raise Refused("The CRM {crm} does not permit this: {words}", crm=self.name, words=words or "403")
        raise self.refusal(words or str(answer.status))

    def refusal(self, words: str) -> Refused:
        """What a CRM said no to, in its own words."""
        return Refused("The CRM {crm} refused: {words}", crm=self.name, words=self.quoted(words))

    def quoted(self, words: str) -> str:
        return inert(words, self._keys.secrets())


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    body: Json
    form: Mapping[str, str] | None
    headers: Mapping[str, str]
    safe: bool

    def lost(self, after: float, why: str) -> Retry:
        return Retry(after, why) if self.safe else Unsure(after, why)


def address(url: str) -> str:
    """For configuration: an http(s) address without a slash at its end. Raises ValueError."""
    parts = urlsplit(url)
    plain = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and url.isprintable()
    if not plain or parts.query or parts.fragment or " " in url or "\\" in url:
        raise ValueError("give an http:// or https:// address without query, fragment or password")
    _ = parts.port  # raises when it is none
    return url.rstrip("/")


def id_at(url: str, *pages: str) -> str | None:
    """The id in the address of a page; `pages` have `{id}` where it stands, and may go on behind it."""
    for page in filter(None, pages):
        before, _, after = page.partition("{id}")
        found = re.fullmatch(rf"{re.escape(before)}([0-9A-Za-z-]{{1,40}}){re.escape(after)}(?:[/?&#].*)?", url[:2000])
        if found is not None and "{id}" in page:
            return found[1]
    return None


def retry_after(header: str | None) -> float | None:
    """Seconds, from either form of the header (RFC 9110 §10.2.3); None where it says nothing."""
    text = (header or "").strip()
    try:
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
            return min(max(float(text), 0.5), LONGEST)
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max((when - datetime.now(UTC)).total_seconds(), 0.5), LONGEST)


def inert(words: str, secrets: Collection[str] = ()) -> str:
    """A CRM's own words as plain text on one line: no markup, nothing that hides or reorders, none of our secrets."""
    text = html.unescape(_TAG.sub(" ", words[: WORDS * 20]))
    text = _TAG.sub(" ", text)
    text = "".join(char if unicodedata.category(char) not in _HIDDEN else " " for char in text)
    for secret in sorted((each for each in secrets if len(each) >= SECRET), key=len, reverse=True):
        text = text.replace(secret, "…")
    text = _BLANKS.sub(" ", text).strip()
    return text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"


def storable(text: str) -> str:
    """NUL and lone surrogates, which no database takes, as U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def _offset(date: str | None, before: float | None) -> float | None:
    try:
        return (parsedate_to_datetime(date or "") - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return before


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _parsed(raw: bytes, request: _Request, *, strict: bool) -> Json:
    """Not strict: of a refusal that is no JSON the status is enough."""
    if not raw.strip():
        return None
    try:
        value: Json = json.loads(raw, parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        if not strict:
            return None
        what = "a web page" if raw.lstrip()[:1] == b"<" else "half an answer, or none of its own"
        raise request.lost(GARBLED, f"answered {what} where JSON was expected") from None
    return _clean(value) if _MAY_HOLD_UNSTORABLE.search(raw) else value


def _clean(value: Json) -> Json:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {storable(key): _clean(each) for key, each in value.items()}
    return value
