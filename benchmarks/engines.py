"""Real servers for the benchmarks, out of the same wheels the tests use; here PostgreSQL syncs what it commits."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines import postgresql as postgresql_server
from tests.engines import redis as redis_server


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The address of an empty database; None where the wheel is missing."""
    postgresql_server.SETTINGS.update(fsync="on", shared_buffers="256MB", max_wal_size="4GB")
    served = postgresql_server.running()
    server = next(served)
    try:
        yield server.fresh() if server is not None else None
    finally:
        for _ in served:
            pass


@contextmanager
def redis() -> Iterator[str | None]:
    served = redis_server.running()
    server = next(served)
    try:
        yield server.url() if server is not None else None
    finally:
        for _ in served:
            pass


def scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fc-bench-", dir="/tmp")


def config(folder: Path, *, store: str, bus: str, port: int, slack_api: str, more: str = "") -> Path:
    """A configuration of the gateway with one Slack workspace and the fields of the demo."""
    demo = Path(__file__).parent.parent / "gateway" / "demo" / "floatcard.toml"
    fields = demo.read_text("utf-8").partition("[fields.owner]")[2]
    text = f"""
deployment = "bench"
store = "{store}"
bus = "{bus}"
master_key = "file:master.key"
locale = "en"
[server]
port = {port}
{more}
[stages]
start = "full"
[channels.slack]
type = "slack"
team = "T0BENCH"
signing_secret = "file:signing"
bot_token = "file:token"
base_url = "{slack_api}"
[crms.local]
type = "local"
database = "sqlite:///{folder}/crm.db"
[audience]
public_channel_audience = "members"
[fields.owner]{fields}"""
    (folder / "master.key").write_text("11" * 32)
    (folder / "signing").write_text("bench-signing-secret")
    (folder / "token").write_text("xoxb-bench-token-0000")
    for name in ("master.key", "signing", "token"):
        (folder / name).chmod(0o600)
    path = folder / "floatcard.toml"
    path.write_text(text, "utf-8")
    return path


async def forever() -> None:
    await asyncio.Event().wait()
