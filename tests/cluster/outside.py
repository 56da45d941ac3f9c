"""What is true at the end, counted from outside: plain SQL on the store and the CRM, `floatcard audit verify`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any

import psycopg

from gateway.config import load
from gateway.services import Keys
from gateway.store.engine import Store
from gateway.store.ledger import Ledger
from gateway.store.vault import Vault
from reconcile.policy import Policies
from tests.cluster.clients import Crowd, Note
from tests.cluster.gateways import ROOT, Gateway, Ground
from tests.cluster.network import Network

Row = tuple[Any, ...]


class Outside:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def rows(self, query: str) -> list[Row]:
        if self.ground.store.startswith("sqlite:///"):
            with closing(sqlite3.connect(self.ground.store.removeprefix("sqlite:///"), timeout=30)) as connection:
                return list(connection.execute(query).fetchall())
        with psycopg.connect(self.ground.store) as connection:
            return list(connection.execute(query.encode()).fetchall())

    def count(self, query: str) -> int:
        return int(self.rows(query)[0][0])

    def customers(self) -> dict[str, str]:
        """The record's key by the customer's name."""
        with closing(sqlite3.connect(self.ground.crm)) as crm:
            return {name: f"local:account:{id_}" for id_, name in crm.execute("SELECT id, name FROM account")}

    def emails(self) -> dict[str, Any]:
        """What the CRM itself holds, by the record's key."""
        query = "SELECT account, value FROM account_field WHERE name = 'email'"
        with closing(sqlite3.connect(self.ground.crm)) as crm:
            return {f"local:account:{id_}": json.loads(value) for id_, value in crm.execute(query)}

    def left(self) -> dict[str, int]:
        """What is still to be done of what the store knows."""
        left = {"writes": self.count("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sent')")}
        if self.ground.bus == "store:":
            left["jobs"] = self.count("SELECT count(*) FROM job WHERE state <> 'parked'")
        return left

    async def known(self, gateway: Gateway, customers: Sequence[str]) -> None:
        """The CRM was read once to its end. Nobody can name a customer before; whoever starts from now on, may."""
        await gateway.start()
        await self.quiet(lambda: {"unread": len(customers) - self.count("SELECT count(*) FROM mirror")}, 120)
        assert await gateway.stop() == 0

    async def drained(self, crowd: Crowd, patience: float = 120) -> None:
        """Until every acknowledged message has its card, every edit its decision, and nothing waits to be written."""
        try:
            await self.quiet(lambda: {**self.left(), **self._owed(crowd)}, patience)
        except AssertionError as stuck:
            raise AssertionError(f"{stuck}\n{await asyncio.to_thread(self._missing, crowd)}") from stuck

    async def quiet(self, left: Callable[[], dict[str, int]], patience: float) -> None:
        """`patience`: for how long nothing may become less; how long all of it takes is the machine's."""
        began = moved = time.monotonic()
        told, least = 0.0, float("inf")
        while any((found := await asyncio.to_thread(left)).values()):
            if sum(found.values()) < least:
                moved, least = time.monotonic(), sum(found.values())
            assert time.monotonic() < moved + patience, f"did not drain: {found}"
            if time.monotonic() > told + 10:
                told = time.monotonic()
                print(f"after {told - began:.0f} s is left: {found}")
            await asyncio.sleep(0.2)

    def _missing(self, crowd: Crowd) -> str:
        """Which messages have no card, what was read and showed nothing, and what is parked."""
        up = {subject for (subject,) in self.rows("SELECT subject FROM slot WHERE message IS NOT NULL")}
        without = [note for note in crowd.said if note.id not in up]
        told = self.rows(
            """SELECT room, turn, at, step, facts FROM trail WHERE turn NOT IN (SELECT turn FROM trail WHERE
               step IN ('shown', 'pressed', 'wrote')) ORDER BY id DESC LIMIT 60"""
        )
        return "\n".join(map(str, [*without, *told, self.command("replay", "--list")]))

    def command(self, *words: str) -> str:
        command = [sys.executable, "-m", "gateway.cli", *words, "--config", str(self.ground.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
        return f"{done.returncode}\n{done.stdout}{done.stderr}"

    def _owed(self, crowd: Crowd) -> dict[str, int]:
        cards = self.count("SELECT count(*) FROM slot WHERE purpose = 'card' AND message IS NOT NULL")
        edits = self.count(f"SELECT count(*) FROM inbox WHERE once LIKE '{ONCE}%'")
        return {"cards": max(0, len(crowd.said) - cards), "edits": max(0, crowd.edits - edits)}


ONCE = "web:demo:form:"


def each_edit_is_decided_once(outside: Outside, crowd: Crowd) -> Counter[str]:
    """Every acknowledged edit is in the inbox, in the ledger and decided; none twice, none but those sent."""
    saved = {f"{ONCE}{id_}:email" for mine in crowd.saved.values() for id_, _ in mine}
    inbox = Counter(once for (once,) in outside.rows(f"SELECT once FROM inbox WHERE once LIKE '{ONCE}%'"))
    query = f"SELECT id, once, decision FROM edit WHERE once LIKE '{ONCE}%'"
    edits = outside.rows(query)
    decided = Counter(cause for (cause,) in outside.rows("SELECT cause_edit FROM decision WHERE cause = 'edit'"))
    assert set(inbox) == saved, f"missing {saved - set(inbox)}, unknown {set(inbox) - saved}"
    assert max(inbox.values(), default=1) == 1
    assert Counter(once for _, once, _ in edits) == Counter(saved)
    assert [id_ for id_, _, _ in edits if decided[id_] != 1] == []
    every = outside.count("SELECT count(*) FROM edit")
    assert outside.count("SELECT count(*) FROM inbox") == every, "inbox = edits"
    assert outside.count("SELECT count(DISTINCT id) FROM decision") == outside.count("SELECT count(*) FROM decision")
    return Counter(edits=len(edits), decisions=sum(decided[id_] for id_, _, _ in edits))


def edits_are_chained(outside: Outside, crowd: Crowd) -> int:
    """Each edit of a customer names the one before it as its parent; so nobody was asked to settle anything."""
    keys = outside.customers()
    query = f"SELECT record, id, once, parents FROM edit WHERE once LIKE '{ONCE}%' ORDER BY record, n"
    found: dict[str, list[Row]] = defaultdict(list)
    for record, id_, once, parents in outside.rows(query):
        found[record].append((id_, once, json.loads(parents)))
    links = 0
    for name, mine in crowd.saved.items():
        chain = found.get(keys[name], [])
        assert [once for _, once, _ in chain] == [f"{ONCE}{id_}:email" for id_, _ in mine], name
        for (before, _, _), (_, once, parents) in pairwise(chain):
            assert parents == [before], once
            links += 1
    assert outside.count("SELECT count(*) FROM conflict") == 0
    return links


def rooms_are_in_order(outside: Outside, network: Network, notes: Iterable[Note]) -> int:
    """The cards of a room came in the order of the messages that they answer."""
    query = "SELECT message, subject FROM slot WHERE purpose = 'card' AND message IS NOT NULL"
    subject = {_message(message): about for message, about in outside.rows(query)}
    came: dict[str, list[str]] = defaultdict(list)
    for message in network.messages.values():  # as they came
        if message.id in subject:
            came[message.room].append(subject[message.id])
    written: dict[str, list[str]] = defaultdict(list)
    for note in notes:
        written[note.room].append(note.id)
    wrong = {room: (came[room], ids) for room, ids in written.items() if came[room] != ids}
    assert not wrong, wrong
    return len(came)


def _message(stored: str) -> str:
    return str(json.loads(stored)[1])


def one_card_a_message(outside: Outside, network: Network, notes: Iterable[Note]) -> Counter[str]:
    """Under one key each; of those that came twice `caught.py` says whether they might."""
    query = "SELECT subject, count(*) FROM slot WHERE purpose = 'card' AND message IS NOT NULL GROUP BY subject"
    cards = {subject: int(times) for subject, times in outside.rows(query)}
    assert [note.id for note in notes if cards.get(note.id) != 1] == []
    up = [one for one in network.messages.values() if not one.deleted and not one.to]
    assert len(up) == sum(cards.values()), "no card that nobody knows of"
    return Counter(cards=len(up))


async def the_crm_holds_what_stands(outside: Outside, crowd: Crowd) -> int:
    """For each customer somebody edited: the last address saved = the ledger's = the CRM's."""
    config = load(outside.ground.config)
    keys = Keys.derive(bytes.fromhex(config.master_key.get_secret_value()))
    store = Store.open(config.store)
    ledger = Ledger(store, Vault(keys.vault), Policies(), clock=lambda: 0)
    there, records = outside.emails(), outside.customers()
    wrong = []
    for name, mine in crowd.saved.items():
        state = await ledger.state(records[name], "email")
        stands = state.value if state is not None else None
        if mine and not stands == there.get(records[name]) == mine[-1][1]:
            wrong.append((name, mine[-1], stands, there.get(records[name])))
    await store.close()
    assert wrong == [], "\n".join(f"{each}\n{_written(outside, records[each[0]])}" for each in wrong)
    return sum(1 for mine in crowd.saved.values() if mine)


def _written(outside: Outside, record: str) -> str:
    """What became of the writes of a record that is not as it should be."""
    columns = "id, state, tries, precondition, version, overwrote_unseen, why, decision"
    query = f"SELECT {columns} FROM outbox WHERE record = '{record}' ORDER BY at, id"
    edits = f"SELECT n, kind, system, surface, source_version, parents FROM edit WHERE record = '{record}' ORDER BY n"
    return "\n".join(map(str, outside.rows(query) + outside.rows(edits)))


def the_chain_is_sound(outside: Outside) -> None:
    command = [sys.executable, "-m", "gateway.cli", "audit", "verify", "--config", str(outside.ground.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
