"""`floatcard demo`: prepares a folder of its own, opens the house and serves it, chat included."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from crm.local.crm import LocalCrm
from crm.local.sample import load_sample
from gateway.app import open_house
from gateway.chat.messenger import Messenger
from gateway.clock import ShiftedClock
from gateway.config import Config, load, secret
from gateway.demo.desk import Desk, Panel
from gateway.demo.people import settle_in
from gateway.errors import Misconfigured
from gateway.house import DRAIN_S, House
from gateway.http.chat import chat_app
from gateway.http.health import Health
from gateway.http.server import Server, application, listen
from gateway.store.alone import locked
from gateway.store.chat import ChatStore

TEMPLATE = Path(__file__).with_name("floatcard.toml")


class DemoClock(ShiftedClock):
    """Remembers over a restart how far it jumped ahead: time must never go back for what is stored."""

    def __init__(self, file: Path) -> None:
        self._file = file
        super().__init__(int(file.read_text("ascii") or 0) if file.exists() else 0)

    def advance(self, seconds: int) -> None:
        super().advance(seconds)
        _write(self._file, str(self.shift))


def forget(folder: Path) -> None:
    """Removes what the demo made in its folder, and nothing else. Raises `Misconfigured` while a demo works there."""
    if not folder.is_dir():
        return
    held = locked(folder / "floatcard.db.lock")
    if held is None:
        raise Misconfigured([(str(folder), "", "a demo works here; stop it first, or choose another with --folder")])
    os.close(held)
    for pattern in ("*.db", "*.db-wal", "*.db-shm", "*.key", "clock", "floatcard.toml"):
        for path in folder.glob(pattern):
            path.unlink()


@dataclass(slots=True)
class Demo:
    house: House
    messenger: Messenger
    server: Server

    async def close(self) -> None:
        began = time.monotonic()
        await self.server.stop()
        await self.messenger.close()
        await self.house.close(DRAIN_S - (time.monotonic() - began))


def prepare(folder: Path, port: int) -> Config:
    """The demo's own folder: its keys, its configuration. What is there already is kept."""
    try:
        return _prepared(folder, port)
    except OSError as closed:
        reason = f"cannot be written ({closed.strerror or closed}); choose another with --folder"
        raise Misconfigured([(str(folder), "", reason)]) from closed


def _prepared(folder: Path, port: int) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("master.key", "web.key"):
        if not (folder / name).exists():
            _write(folder / name, secrets.token_hex(32))
    text = TEMPLATE.read_text("utf-8").replace("127.0.0.1:8300", f"127.0.0.1:{port}")
    text = text.replace('"sqlite:///', f'"sqlite:///{folder.as_posix()}/')
    text = text.replace("demo = true\n", f'demo = true\npublic_url = "http://127.0.0.1:{port}"\n')
    if not os.environ.get("LANG", "").startswith("zh"):
        text = text.replace('locale = "zh-CN"', 'locale = "en"')
    path = folder / "floatcard.toml"
    path.write_text(f"{text}\n[server]\nport = {port}\n", "utf-8")
    return load(path)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner alone."""
    new = path.with_name(f".{path.name}.new")
    new.touch(0o600)
    new.write_text(text, "ascii")
    new.replace(path)


async def open_demo(folder: Path, port: int) -> Demo:
    """Raises `Misconfigured`."""
    config = prepare(folder, port)
    clock = DemoClock(folder / "clock")
    house = await open_house(config, clock)
    try:
        return await _furnished(house, clock, folder, port)
    except BaseException:
        await house.close()
        raise


async def _furnished(house: House, clock: DemoClock, folder: Path, port: int) -> Demo:
    config = house.services.config
    crm = house.services.crms["local"]
    assert isinstance(crm, LocalCrm)
    await load_sample(crm, clock.now())
    await settle_in(house.services.people)
    await house.relink()
    messenger = Messenger(
        ChatStore(folder / "chat.db"),
        secret=secret("file:web.key", folder).encode(),
        inbound_url=f"http://127.0.0.1:{port}/in/web",
        session=house.session,
        now=clock.now,
    )
    health = Health(house.services, house.worker)
    app = application(house, health)
    app.add_subapp("/demo", chat_app(messenger, Desk(crm, config.fields), Panel(house.services), clock))
    server = await listen(app, health, config.server.host, config.server.port)
    await messenger.start()
    await house.start()
    health.ready = True
    return Demo(house, messenger, server)
