"""A real Synapse, out of an environment of its own, as a process; and people on it, by clients of matrix-nio."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import nio  # type: ignore[import-untyped]
import pytest

from channels.matrix.cards import KEY
from tests.browser.demo import free_port

Json = dict[str, Any]
T = TypeVar("T")

PYTHON = Path(__file__).resolve().parents[3] / ".venv-synapse" / "bin" / "python"
SECRET = "only for this test"
PASSWORD = "let me in"
PATIENCE_S = 40.0
CONFIG = """
server_name: localhost
report_stats: false
suppress_key_server_warning: true
trusted_key_servers: []
registration_shared_secret: "{secret}"
macaroon_secret_key: "{secret}"
form_secret: "{secret}"
signing_key_path: "{folder}/signing.key"
media_store_path: "{folder}/media"
pid_file: "{folder}/pid"
log_config: "{folder}/log.yaml"
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
listeners:
  - {{port: {port}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}
presence: {{enabled: false}}
bcrypt_rounds: 4
password_config: {{enabled: true}}
rc_login: {{address: &any {{per_second: 1000, burst_count: 1000}}, account: *any, failed_attempts: *any}}
rc_message: {message}
rc_joins: {{local: *any, remote: *any}}
rc_joins_per_room: *any
rc_invites: {{per_room: *any, per_user: *any, per_issuer: *any}}
rc_room_creation: *any
"""
LOG = """
version: 1
formatters: {plain: {format: '%(levelname)s %(name)s %(message)s'}}
handlers: {file: {class: logging.FileHandler, filename: FILE, formatter: plain}}
root: {level: WARNING, handlers: [file]}
"""


async def until(said: str, look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE_S) -> T:
    """What `look` finds at last."""
    end = asyncio.get_running_loop().time() + patience
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < end, f"never came: {said}"
        await asyncio.sleep(0.1)


class Synapse:
    def __init__(self, folder: Path, rate: str = "*any") -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        words = {"secret": SECRET, "folder": folder.as_posix(), "port": self.port, "message": rate}
        (folder / "homeserver.yaml").write_text(CONFIG.format(**words))
        (folder / "log.yaml").write_text(LOG.replace("FILE", f"{folder.as_posix()}/log"))
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        command = [str(PYTHON), "-m", "synapse.app.homeserver", "-c", f"{self.folder}/homeserver.yaml"]
        if not (self.folder / "signing.key").exists():
            subprocess.run([*command, "--generate-keys"], check=True, capture_output=True)
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.folder)
        await until("Synapse", self._up)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def _up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "out").read_text("utf-8", "replace")[-3000:]
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/_matrix/client/versions") as answer:
                return answer.status == 200
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    async def register(self, name: str, shown: str) -> None:
        """By the shared secret, as `register_new_matrix_user` does it."""
        to = f"{self.url}/_synapse/admin/v1/register"
        async with aiohttp.ClientSession() as session:
            async with session.get(to) as answer:
                nonce = (await answer.json())["nonce"]
            said = "\0".join((nonce, name, PASSWORD, "notadmin")).encode()
            mac = hmac.new(SECRET.encode(), said, hashlib.sha1).hexdigest()
            body = {"nonce": nonce, "username": name, "displayname": shown, "password": PASSWORD, "admin": False}
            async with session.post(to, json={**body, "mac": mac}) as answer:
                assert answer.status == 200, await answer.text()


def running(folder: Path, names: Mapping[str, str], rate: str = "*any") -> Iterator[Synapse]:
    """With these people on it. Skips where the environment was not made; with CI=true a skip is a failure."""
    if not (PYTHON.parent.parent / ".ready").exists():
        pytest.skip("no Synapse: `make synapse` installs it into .venv-synapse")
    folder.mkdir()
    server = Synapse(folder, rate)

    async def begin() -> None:
        await server.start()
        for name, shown in names.items():
            await server.register(name, shown)

    try:
        asyncio.run(begin())
        yield server
    finally:
        server.stop()


@dataclass(slots=True)
class Seat:
    """One person at a client of their own, and what it shows them."""

    client: nio.AsyncClient
    seen: dict[str, tuple[str | None, dict[str, Json]]] = field(default_factory=dict)
    """By room: how far it was followed, and what was said in it by id, without what was redacted."""

    @property
    def id(self) -> str:
        return str(self.client.user_id)

    async def say(self, room: str, text: str, **more: Any) -> str:
        content = {"msgtype": "m.text", "body": text, **more}
        told = await self.client.room_send(room, "m.room.message", content)
        assert isinstance(told, nio.RoomSendResponse), told
        return str(told.event_id)

    async def reply(self, room: str, to: str, text: str) -> str:
        return await self.say(room, text, **{"m.relates_to": {"m.in_reply_to": {"event_id": to}}})

    async def rewrite(self, room: str, message: str, text: str) -> None:
        new = {"msgtype": "m.text", "body": text}
        await self.say(
            room, f"* {text}", **{"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": message}}
        )

    async def events(self, room: str) -> list[Json]:
        """All this person can get of the room, oldest first."""
        found: list[Json] = []
        start: str | None = None
        while True:
            told = await self.client.room_messages(room, start, limit=1000, direction=nio.MessageDirection.back)
            if not isinstance(told, nio.RoomMessagesResponse):
                return found[::-1]
            found += [event.source for event in told.chunk]
            start = told.end
            if not told.chunk or not start:
                return found[::-1]

    async def follow(self, room: str) -> list[Json]:
        """As `events`, read on from where it was left, as a client does."""
        start, seen = self.seen.get(room, (None, {}))
        while True:
            told = await self.client.room_messages(room, start, limit=1000, direction=nio.MessageDirection.front)
            if not isinstance(told, nio.RoomMessagesResponse) or not told.chunk:
                break
            start = told.end or start
            for event in told.chunk:
                _take_in(seen, event.source)
        self.seen[room] = (start, seen)
        return list(seen.values())

    async def readable(self, room: str) -> str:
        """Every word of it that is neither redacted nor of what people said, and each version the server tells."""
        told = await self.events(room)
        return "\n".join([*(json.dumps(event, ensure_ascii=False) for event in told), *await self.versions(room, told)])

    async def versions(self, room: str, told: Sequence[Json]) -> list[str]:
        """What the server tells of each of these and of what relates to it."""
        texts = []
        for id_ in (quote(event["event_id"]) for event in told):
            texts.append(await self.raw(f"/_matrix/client/v1/rooms/{quote(room)}/relations/{id_}?limit=100"))
            texts.append(await self.raw(f"/_matrix/client/v3/rooms/{quote(room)}/event/{id_}"))
        return texts

    async def raw(self, path: str) -> str:
        headers = {"Authorization": f"Bearer {self.client.access_token}"}
        answer = await self.client.send("GET", path, headers=headers)
        return str(await answer.text())

    async def cards(self, room: str) -> dict[str, Json]:
        """What stands in the room of the bot's: the newest version of each message that is not redacted."""
        shown: dict[str, Json] = {}
        events = [each for each in await self.follow(room) if each["type"] == "m.room.message"]
        for event in events:
            content, relates = event["content"], event["content"].get("m.relates_to", {})
            if content.get("msgtype") != "m.notice":
                continue
            if relates.get("rel_type") != "m.replace":
                shown[event["event_id"]] = content
            elif relates["event_id"] in shown:
                shown[relates["event_id"]] = content["m.new_content"]
        return {id_: content for id_, content in shown.items() if content["body"] != "…"}

    async def card(self, room: str, *words: str, without: str = "\0") -> tuple[str, Json]:
        """Waits for one that says all of these."""

        async def look() -> tuple[str, Json] | None:
            for id_, content in (await self.cards(room)).items():
                if all(word in content["body"] for word in words) and without not in content["body"]:
                    return id_, content
            return None

        try:
            return await until(f"a card with {words} without {without!r}", look)
        except AssertionError as never:
            there = [content["body"] for content in (await self.cards(room)).values()]
            raise AssertionError(f"{never}; there is {there}") from None


def _take_in(seen: dict[str, Json], event: Json) -> None:
    seen[event["event_id"]] = event
    gone = event.get("redacts") or event["content"].get("redacts")
    if event["type"] == "m.room.redaction" and gone in seen:
        seen[gone] = {**seen[gone], "content": {}}


class Memory:
    """A keeper that forgets with the test."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    async def put(self, key: str, text: str, *, until: int | None = None) -> None:
        self.kept[key] = text

    async def drop(self, key: str) -> None:
        self.kept.pop(key, None)

    async def keys(self, prefix: str = "") -> tuple[str, ...]:
        return tuple(key for key in self.kept if key.startswith(prefix))


def number(content: Json, action: str, index: int = 0) -> str:
    """What is to be replied to press it."""
    found = [str(at + 1) for at, press in enumerate(content[KEY]["presses"]) if press["action"] == action]
    return found[index]


@contextlib.asynccontextmanager
async def seated(server: Synapse, name: str) -> AsyncIterator[Seat]:
    client = nio.AsyncClient(server.url, f"@{name}:localhost")
    try:
        told = await client.login(PASSWORD)
        assert isinstance(told, nio.LoginResponse), told
        yield Seat(client)
    finally:
        await client.close()
