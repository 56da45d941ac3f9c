"""Which Redis, and whether it will do: said in a sentence before anything is served."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry as NoMore
from redis.backoff import NoBackoff

from gateway.bus.redis_lanes import Names
from gateway.bus.redis_rights import RIGHTS, forbids, lacks
from gateway.bus.redis_tls import unspoken, untrusted
from gateway.errors import Misconfigured, Retry

PREFIX = "floatcard:"
OLDEST = (6, 2)
BLOCK_MS = 1_000
ANSWER_S = 5.0  # how long an answer may take; longer than BLOCK_MS, or waiting for a job would look like a fault
CONNECTIONS = 16
_NAME = re.compile(r"[A-Za-z0-9:_.\-]{1,64}")

FAULTS = (OSError, asyncio.TimeoutError, exceptions.RedisError)
_CUT = (OSError, asyncio.TimeoutError, exceptions.ConnectionError, exceptions.TimeoutError)

BAD_URL = "written redis://host:6379/0, rediss://… for TLS or unix:///path, each with ?prefix=… if you like"
UNQUOTED = "a password or path with one of the signs / ? # @ in it; write %2F %3F %23 %40 for them"
BAD_PREFIX = "the prefix may have letters, digits and : _ . - and at most 64 of them"
EMPTIED = (
    "Redis was emptied or lost its data: jobs that were waiting there are gone, those in this process were put back; "
    "every card is drawn again"
)
FOREIGN = (
    "keys that begin with {prefix} belong to another program; choose another one with ?prefix=…, "
    "or empty this Redis database"
)
OTHER = "the queue under {prefix} belongs to the deployment {found}; give each deployment a prefix of its own"
OLD = "is Redis {version}; Floatcard needs 6.2 or newer"
EVICTS = "throws keys away when memory is full (maxmemory-policy {policy}); set it to noeviction, jobs would be lost"
FULL = (
    "Redis is full or cannot write to its disk: give it memory or space; nothing acknowledged is lost, "
    "but nothing new is taken"
)
UNREACHABLE = "Redis cannot be reached or does not answer; check that it is running, and the address of `bus`"
MIXED = (
    "a key under the prefix of `bus` is of another kind than ours: another program writes there too; delete that key, "
    "and give each program a prefix of its own"
)
CLUSTER = "is a Redis Cluster; Floatcard needs one primary with replicas, as Sentinel or a cloud provides it"
REPLICA = "is a replica that takes no writes; point `bus` at the primary"


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    prefix: str
    shown: str  # without a password


def address(url: str) -> Address:
    """Raises `Misconfigured`; never shows a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Misconfigured([("bus", "bus", BAD_URL)]) from None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = query.pop("prefix", PREFIX)
    host = parts.netloc.rpartition("@")[2]
    if parts.fragment or "@" in f"{parts.path}{parts.query}":  # the rest of a password that is not spelt as one
        raise Misconfigured([("bus", "bus", UNQUOTED)])
    shown = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if parts.scheme not in ("redis", "rediss", "unix") or not (parts.path if parts.scheme == "unix" else host):
        raise Misconfigured([(shown or "bus", "bus", BAD_URL)])
    if not _NAME.fullmatch(prefix):
        raise Misconfigured([(shown, "bus", BAD_PREFIX)])
    return Address(urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), "")), prefix, shown)


class _Lost:
    """On uvloop a line that was reset says so when it is written to, in an error that redis-py does not know."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)  # type: ignore[misc]
        except RuntimeError as closed:
            raise exceptions.ConnectionError(str(closed)) from closed


class _Tcp(_Lost, Connection):
    pass


class _Tls(_Lost, SSLConnection):
    pass


class _Unix(_Lost, UnixDomainSocketConnection):
    pass


_LINES = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


def client(to: Address) -> Redis:
    """Its own retries are switched off: whoever waits knows better whether to."""
    try:
        pool = BlockingConnectionPool.from_url(
            to.url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            **({} if to.url.startswith("unix:") else {"socket_keepalive": True}),
            health_check_interval=15,
            client_name="floatcard",
            retry=NoMore(NoBackoff(), 0),
        )
        pool.connection_class = _LINES[pool.connection_class]
        pool.make_connection()  # type: ignore[no-untyped-call]  # says what it does not understand of the address
    except (ValueError, TypeError):
        raise Misconfigured([(to.shown, "bus", BAD_URL)]) from None
    return Redis.from_pool(pool)


def why(broke: BaseException, prefix: str = "<prefix>") -> str:
    """Redis' own answer as a sentence that says what to do."""
    text = str(broke)
    if isinstance(broke, exceptions.AuthenticationError) or text.startswith(("WRONGPASS", "NOAUTH")):
        return "Redis refuses the user or the password; mend them in the address of `bus`"
    if isinstance(broke, exceptions.NoPermissionError) or forbids(text):
        return RIGHTS.format(prefix=prefix)
    if isinstance(broke, exceptions.OutOfMemoryError) or "OOM command not allowed" in text or "MISCONF " in text:
        return FULL
    if text.startswith("LOADING") or isinstance(broke, exceptions.BusyLoadingError):
        return "Redis is still reading its data; wait until it is done"
    if "max number of clients" in text:
        return "Redis has no connection left; raise its maxclients, or run fewer gateways"
    if isinstance(broke, exceptions.ReadOnlyError):
        return "this Redis is a replica and takes no writes; point `bus` at the primary"
    if "index is out of range" in text:
        return "Redis has no database of that number; choose another in the address of `bus`"
    if "WRONGTYPE " in text:  # out of a script it does not stand at the beginning
        return MIXED
    return untrusted(broke) or UNREACHABLE


def away(broke: BaseException) -> Retry:
    return Retry(1.0, why(broke))


async def fit(redis: Redis, to: Address, deployment: str) -> None:
    """Raises `Misconfigured` when this Redis cannot be, or is not, our queue; signs it when it is nobody's yet."""
    try:
        reason = _unfit(await redis.info()) or await _taken(redis, to, deployment)
    except FAULTS as broke:
        raise Misconfigured([(to.shown, "bus", _amiss(to, broke))]) from broke
    if reason is not None:
        raise Misconfigured([(to.shown, "bus", reason)])


def _amiss(to: Address, broke: BaseException) -> str:
    said = why(broke, to.prefix)
    cut = said == UNREACHABLE and isinstance(broke, _CUT)
    return (unspoken(broke) if cut and to.url.startswith("rediss:") else None) or said


def _unfit(info: dict[str, Any]) -> str | None:
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return OLD.format(version=version)
    if info.get("redis_mode") == "cluster":
        return CLUSTER
    if info.get("role") == "slave":
        return REPLICA
    policy = str(info.get("maxmemory_policy", "noeviction"))
    return EVICTS.format(policy=policy) if policy != "noeviction" else None


async def _taken(redis: Redis, to: Address, deployment: str) -> str | None:
    """Tries its rights only where nobody else's keys are, and signs only what it may work on."""
    mark = f"{to.prefix}mark"
    found = await _deployment(redis, mark)
    if found is None and await _anything(redis, to.prefix):
        # another instance may have signed it since
        found = await _deployment(redis, mark)
        if found is None:
            return FOREIGN.format(prefix=to.prefix)
    if found in (None, deployment) and await lacks(redis, Names(to.prefix), f"try:{secrets.token_hex(8)}"):
        return RIGHTS.format(prefix=to.prefix)
    if found is None:
        await sign(redis, to.prefix, deployment)
        found = await _deployment(redis, mark)
    return OTHER.format(prefix=to.prefix, found=found) if found != deployment else None


async def sign(redis: Redis, prefix: str, deployment: str) -> None:
    """Says whose queue it is and, by a name of its own, which: one that was emptied and signed again is another."""
    await redis.hsetnx(f"{prefix}mark", "deployment", deployment)
    await redis.hsetnx(f"{prefix}mark", "made", secrets.token_hex(8))


async def made(redis: Redis, prefix: str) -> str:
    return _text(await redis.hget(f"{prefix}mark", "made"))


def _text(raw: object) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw or "")


async def _deployment(redis: Redis, mark: str) -> str | None:
    kind = await redis.type(mark)
    if kind not in (b"none", b"hash"):
        return "?"
    return _text(await redis.hget(mark, "deployment")) or None


async def _anything(redis: Redis, prefix: str) -> bool:
    async for _ in redis.scan_iter(match=f"{prefix}*", count=1000):
        return True
    return False
