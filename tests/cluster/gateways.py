"""Real gateways as processes of their own (`floatcard run`), all on one configuration but for the port.

By default they have less patience (`hurried.py`); with FLOATCARD_SOAK=1 they are just what people run.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from crm.local import Config as CrmConfig
from crm.local import Crm
from crm.local.importer import run as import_customers
from gateway.clock import SystemClock
from gateway.demo.people import settle_in
from gateway.store.connect import address
from gateway.store.engine import Store
from gateway.store.migrate import prepare
from gateway.store.people import PeopleStore
from tests.browser.demo import free_port

ROOT = Path(__file__).resolve().parents[2]
SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
PROGRAM = "gateway.cli" if SOAK else "tests.cluster.hurried"
SECRET = "0123456789abcdef0123456789abcdef"
MASTER = "11" * 32
SYLLABLES = "东南西北山川河海云林木石金水火土天地日月星辰风雷松竹梅兰春夏秋冬红黄蓝白青紫龙凤虎鹤安宁康泰永恒信义仁和"


def names(count: int, chance: random.Random) -> list[str]:
    """Customers that no message could mean by mistake: no two begin alike."""
    made: dict[str, str] = {}
    while len(made) < count:
        head = "".join(chance.sample(SYLLABLES, 4))
        made.setdefault(head[:3], f"{head}医疗")
    return list(made.values())


@dataclass(frozen=True, slots=True)
class Ground:
    """What the gateways stand on: a folder, a store, a queue, a chat."""

    folder: Path
    store: str
    bus: str
    chat: str
    cool_down: str = "30m"
    channel: str = ""
    """Its table of the configuration; empty for our own chat. `{port}` in it is the gateway's own."""
    more: str = ""
    """What the configuration ends with."""

    @property
    def config(self) -> Path:
        return self.folder / "floatcard.toml"

    @property
    def crm(self) -> Path:
        return self.folder / "crm.db"

    async def furnish(self, customers: Sequence[str]) -> None:
        """The persons, the customers with nothing but a name, and the configuration."""
        (self.folder / "master.key").write_text(MASTER)
        (self.folder / "web.key").write_text(SECRET)
        self.config.write_text(self.text(0), "utf-8")
        prepare(address(self.store))
        store = Store.open(self.store)
        people = PeopleStore(store, SystemClock())
        await people.load()
        await settle_in(people)
        await store.close()
        rows = "\n".join(["name,owner", *(f"{name},wang.min" for name in customers)])
        (self.folder / "customers.csv").write_text(rows, "utf-8")
        crm = Crm("local", CrmConfig(database=f"sqlite:///{self.crm}"))
        tally = import_customers(self.folder / "customers.csv", crm)
        await crm.close()
        assert tally.created == len(customers), tally

    def _web(self) -> str:
        return f'[channels.web]\ntype = "web"\nurl = "{self.chat}"\nsecret = "file:{self.folder}/web.key"'

    def text(self, port: int) -> str:
        return f"""
deployment = "cluster"
store = "{self.store}"
bus = "{self.bus}"
master_key = "file:{self.folder}/master.key"
[server]
port = {port}
waiting_cards = 100_000
waiting_alerts = 100_000
waiting = 100_000
{(self.channel or self._web()).replace("{port}", str(port))}
[crms.local]
type = "local"
database = "sqlite:///{self.crm}"
[stages]
start = "full"
[mentions]
budget = 1000
cool_down = "{self.cool_down}"
[fields.owner]
label = {{ en = "Owner" }}
card = 1
[fields.email]
label = {{ en = "E-mail" }}
type = "email"
normaliser = "email"
editable = true
card = 2
{self.more}"""


@dataclass(slots=True)
class Gateway:
    """One instance, which may be killed and started again."""

    ground: Ground
    name: str
    port: int = field(default_factory=free_port)
    ready: bool = False
    program: str = PROGRAM
    killed: list[float] = field(default_factory=list)
    """When (monotonic seconds), each time."""
    _read: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def kills(self) -> int:
        return len(self.killed)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log_file(self) -> Path:
        return self.ground.folder / f"{self.name}.log"

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace")[-6000:]

    def says(self, text: str) -> bool:
        """In its log, since it was started last."""
        with self.log_file.open("rb") as log:
            log.seek(self._read)
            return text.encode() in log.read()

    def begin(self) -> None:
        config = self.ground.folder / f"{self.name}.toml"
        config.write_text(self.ground.text(self.port), "utf-8")
        command = [sys.executable, "-m", self.program, "run", "--config", str(config)]
        with self.log_file.open("ab") as log:
            self._read = log.tell()
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)

    async def start(self, patience: float = 600) -> None:
        """Returns when it says that it is ready. One that ended is noticed at once: the patience is for the machine."""
        self.begin()
        ends = time.monotonic() + patience
        async with ClientSession(timeout=ClientTimeout(total=2)) as session:
            while time.monotonic() < ends and self._process is not None and self._process.poll() is None:
                try:
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            self.ready = True
                            return
                except (ClientError, OSError, TimeoutError):
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(f"{self.name} did not start:\n{self.log()}")

    def kill(self) -> None:
        """kill -9."""
        self.ready = False
        self.killed.append(time.monotonic())
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def freeze(self) -> None:
        """It stands still as it is, its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def holding(self) -> set[str]:
        """What exists once and is this one's, as it tells of itself."""
        async with (
            ClientSession(timeout=ClientTimeout(total=5)) as session,
            session.get(f"{self.url}/metrics") as answer,
        ):
            return set(re.findall(r'^floatcard_lease_held\{lease="(.+)"\} 1\.0$', await answer.text(), re.MULTILINE))

    async def stop(self) -> int:
        """SIGTERM; how it ended."""
        self.ready = False
        assert self._process is not None
        self._process.terminate()
        how = await self.ended(30)
        took = re.findall(r"stopped within (\d+\.\d) s", self.log())
        assert how or float(took[-1]) < 10.5, took
        return how

    async def ended(self, within: float) -> int:
        """How it ended, by itself or told to; seconds."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, within)


def cleared(gateways: Sequence[Gateway]) -> None:
    """Whatever is still running ends with the test."""
    for each in gateways:
        each.kill()
