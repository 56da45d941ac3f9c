from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from gateway.errors import Misconfigured, Refused
from gateway.store.engine import Store
from gateway.store.vault import Erased, Keys, Tampered, Vault
from reconcile.model import Json
from tests.gateway.store.outside import unguard
from tests.gateway.store.world import KEY

T = TypeVar("T")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = Store.open(store_url)
    yield opened
    await opened.close()


async def run(store: Store, job: Callable[[Connection], T]) -> T:
    def op(connection: Connection, items: Sequence[None]) -> list[T]:
        return [job(connection) for _ in items]

    return await store.write(op, None)


async def test_a_value_comes_back_as_it_was_until_its_subject_is_erased(store: Store) -> None:
    vault = Vault(KEY)
    values: list[Json] = ["x", None, 7, {"a": [1, True]}, "\0", "😀"]
    for n, value in enumerate(values):
        await run(store, lambda c, n=n, value=value: vault.put(c, "s1", value, f"v{n}"))  # type: ignore[misc]
    assert [await store.read(lambda c, n=n: vault.get(c, f"v{n}")) for n in range(6)] == values  # type: ignore[misc]
    await run(store, lambda c: vault.put(c, "s2", "other", "w"))
    assert await run(store, lambda c: vault.erase(c, "s1", 42))
    assert await store.read(lambda c: vault.get(c, "v0")) == Erased(42)
    assert await store.read(lambda c: vault.get(c, "w")) == "other"
    with pytest.raises(Refused):
        await run(store, lambda c: vault.put(c, "s1", "again", "v9"))


async def test_another_process_cannot_read_what_was_erased_even_with_a_warm_cache(store: Store) -> None:
    here, there = Vault(KEY), Vault(KEY)
    await run(store, lambda c: here.put(c, "s1", "x", "v"))
    assert await store.read(lambda c: there.get(c, "v")) == "x"
    await run(store, lambda c: here.erase(c, "s1", 42))
    assert await store.read(lambda c: there.get(c, "v")) == Erased(42)


async def test_a_key_made_in_a_transaction_that_failed_is_forgotten(store: Store) -> None:
    vault = Vault(KEY)

    def broken(connection: Connection) -> None:
        vault.put(connection, "s1", "lost", "v")
        raise ValueError("after the key was made")

    with pytest.raises(ValueError, match="after the key"):
        await run(store, broken)
    await run(store, lambda c: vault.put(c, "s1", "kept", "v"))
    assert await store.read(lambda c: Vault(KEY).get(c, "v")) == "kept"


async def test_blobs_open_for_their_subject_alone(store: Store) -> None:
    vault = Vault(KEY)
    sealed = await run(store, lambda c: vault.seal(c, "s1", b"mirror"))
    await run(store, lambda c: vault.seal(c, "s2", b"other"))
    assert await store.read(lambda c: vault.unseal(c, "s1", sealed)) == b"mirror"
    with pytest.raises(Tampered):
        await store.read(lambda c: vault.unseal(c, "s2", sealed))
    with pytest.raises(Tampered):
        await store.read(lambda c: vault.unseal(c, "s1", sealed[:-1] + bytes([sealed[-1] ^ 1])))
    with pytest.raises(KeyError):
        await store.read(lambda c: vault.unseal(c, "nobody", sealed))


async def test_equal_values_of_two_subjects_look_unlike(store: Store) -> None:
    vault = Vault(KEY)
    macs = [await run(store, lambda c, who=who: vault.mac(c, who, b'"138"')) for who in ("s1", "s2", "s1")]  # type: ignore[misc]
    assert macs[0] == macs[2] != macs[1]


async def test_a_ciphertext_moved_to_another_row_does_not_open(store: Store) -> None:
    vault = Vault(KEY)
    await run(store, lambda c: (vault.put(c, "s1", "a", "v1"), vault.put(c, "s1", "b", "v2")))
    swap = "UPDATE value SET ciphertext = (SELECT ciphertext FROM value WHERE id = 'v2') WHERE id = 'v1'"

    def tampered(connection: Connection) -> int:
        unguard(connection)
        return connection.exec_driver_sql(swap).rowcount

    assert await run(store, tampered) == 1
    with pytest.raises(Tampered):
        await store.read(lambda c: vault.get(c, "v1"))


@pytest.mark.parametrize("key", [b"", b"x" * 31])
def test_a_short_master_key_is_refused(key: bytes) -> None:
    with pytest.raises(Misconfigured, match="32 random bytes"):
        Vault(key)


async def test_another_master_key_is_noticed_at_start(store: Store) -> None:
    await Vault(KEY).check(store)
    await Vault(KEY).check(store)
    with pytest.raises(Misconfigured, match="not the key this database was made with"):
        await Vault(b"y" * 32).check(store)


async def test_the_erased_key_is_overwritten_in_sqlites_file(tmp_path: Path) -> None:
    vault, store = Vault(KEY), Store.open(f"sqlite:///{tmp_path}/floatcard.db")
    await run(store, lambda c: vault.put(c, "s1", "x", "v"))
    wrapped: Any = await store.read(lambda c: c.exec_driver_sql("SELECT wrapped FROM subject_key").scalar_one())
    await run(store, lambda c: vault.erase(c, "s1", 42))
    await store.close()
    assert bytes(wrapped) not in (tmp_path / "floatcard.db").read_bytes()


@pytest.mark.parametrize("data", [b"", b"13800138000", bytes(range(256)) * 40])
def test_a_mac_is_hmac_sha256_under_a_key_of_its_own(data: bytes) -> None:
    mine = hmac.digest(KEY, b"authenticate", "sha256")
    keys = Keys(KEY)
    for _ in range(2):  # the one before leaves no trace
        assert keys.mac(data, b"image") == hmac.digest(mine, b"image\0" + data, "sha256").hex()
