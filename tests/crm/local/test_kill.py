"""kill -9 anywhere: all or nothing, and what was answered is there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crm.local import Config, Crm
from crm.local.importer import BATCH, run
from crm.model import Applied, Change
from tests.crm.contract import walk

ROOT = Path(__file__).parents[3]
ROUNDS = 20 if os.environ.get("FLOATCARD_SOAK") else 3


@contextmanager
def child(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(Path(__file__).with_name("child.py")), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def customers(path: Path, rows: int) -> Path:
    path = path / "customers.csv"
    lines = (f"客户 {n},城 {n % 7},+86 512 {n:08d},短 {n},own{n % 9},note {n}" for n in range(rows))
    path.write_text("\n".join(["name,city,phone,alias,owner,note", *lines]), "utf-8")
    return path


@pytest.mark.parametrize("rows", [BATCH, 2 * BATCH, 3 * BATCH])
async def test_an_import_that_is_killed_leaves_nothing(tmp_path: Path, config: Config, rows: int) -> None:
    """The last: everything is written, the commit is not."""
    path = customers(tmp_path, 3 * BATCH)
    with child("import", config.path, path, rows) as process:
        assert said(process) == "here"
    crm = Crm("local", config)
    assert await walk(crm) == ([], "")
    assert await crm.users() == ()
    assert run(path, crm).created == 3 * BATCH
    assert run(path, crm).unchanged == 3 * BATCH
    await crm.close()


async def test_a_killed_re_import_leaves_what_was_there(tmp_path: Path, config: Config) -> None:
    path = customers(tmp_path, 2 * BATCH)
    crm = Crm("local", config)
    run(path, crm)
    before = await walk(crm)
    path.write_text(path.read_text("utf-8").replace("+86", "+49"), "utf-8")
    with child("import", config.path, path, BATCH) as process:
        assert said(process) == "here"
    assert await walk(crm) == before
    await crm.close()


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_every_answered_write_is_there_and_none_is_there_twice(config: Config, seed: int) -> None:
    crm = Crm("local", config)
    ref = await crm.create("甲", "x")
    answered = random.Random(seed).randint(1, 120)
    with child("apply", config.path, ref.id) as process:
        lines = [said(process).split() for _ in range(answered)]
    versions = {int(number): int(version) for number, version in lines}
    assert versions == {number: number + 2 for number in range(answered)}
    record = await crm.get(ref)
    assert record.version >= answered + 1
    assert record.fields["phone"].value == str(record.version - 2), "the version and the value are of one write"
    assert [found.version for found in (await walk(crm))[0]] == [record.version], "and so is the feed"
    for number in range(record.version - 1):
        again = await crm.apply(Change(ref, "phone", str(number), None), once=str(number))
        assert again == Applied(number + 2, str(number))
    assert await crm.get(ref) == record
    await crm.close()


async def test_a_write_struck_down_before_any_statement_is_whole_or_absent(config: Config) -> None:
    crm = Crm("local", config)
    refs = [await crm.create(f"n{n}", "x") for n in range(40)]
    with child("strike", config.path, ",".join(ref.id for ref in refs)) as process:
        lived = int(said(process))
    assert lived > 10, "the strikes missed"
    _, cursor = await walk(crm)
    for ref in refs[: lived - 1]:
        record = await crm.get(ref)
        assert (record.version, dict(record.fields)) == (1, {})
        answer = await crm.apply(Change(ref, "phone", "88", 1), once=ref.id)
        assert answer == Applied(2, "88"), "the same key is free"
    assert (await crm.get(refs[lived - 1])).version == 2
    assert [record.ref for record in (await walk(crm, cursor))[0]] == refs[: lived - 1]
    await crm.close()


@pytest.mark.timeout(300)
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    size = 100_000 if os.environ.get("FLOATCARD_SOAK") else 20_000
    peak = {}
    for rows in (2_000, size):
        with child("measure", tmp_path / f"{rows}.db", customers(tmp_path, rows)) as process:
            created, megabytes = said(process).split()
        assert int(created) == rows
        peak[rows] = int(megabytes)
    assert peak[size] < peak[2_000] + 12, peak
