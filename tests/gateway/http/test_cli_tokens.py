"""What the command line makes opens the API and the console of the same store."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from gateway.cli.tokens import Granted, end_tokens, first_admin, login_link, new_token
from gateway.clock import SystemClock
from gateway.config import load
from gateway.errors import Misconfigured
from gateway.store.auditing import AuditStore
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from gateway.store.tokens import TokenStore


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "master.key").write_text(secrets.token_hex(32), "ascii")
    path = tmp_path / "floatcard.toml"
    store = f"sqlite:///{(tmp_path / 'floatcard.db').as_posix()}"
    path.write_text(f'deployment = "acme"\nstore = "{store}"\nmaster_key = "file:master.key"\n', "utf-8")
    return path


async def opened(config: Path, link: str) -> str | None:
    """The person a printed link lets in."""
    store = Store.open(load(config).store)
    try:
        found = await TokenStore(store, SystemClock()).open_session(link.partition("link=")[2])
        return found[1] if found is not None else None
    finally:
        await store.close()


async def test_the_first_admin_is_made_once_and_let_in(config: Path) -> None:
    link = await first_admin(config, " Ada Lovelace ")
    assert link.startswith("http://127.0.0.1:8300/console/login?link=")
    person = await opened(config, link)
    store = Store.open(load(config).store)
    people = PeopleStore(store, SystemClock())
    await people.load()
    (ada,) = people.persons()
    await store.close()
    assert ada.id == person and ada.name == "Ada Lovelace" and "admin" in ada.roles
    with pytest.raises(Misconfigured, match=f"floatcard login {ada.id}"):
        await first_admin(config, "Bob")
    assert await opened(config, await login_link(config, ada.id)) == ada.id


async def test_a_token_is_made_and_ended(config: Path) -> None:
    reader = await opened(config, await first_admin(config, "Ada Lovelace"))
    assert reader is not None
    secret = await new_token(config, "report", ("read",), reader, "", "", ())
    store = Store.open(load(config).store)
    tokens = TokenStore(store, SystemClock())
    found = await tokens.read(secret)
    assert found is not None and found.scopes == {"read"} and found.person == reader
    assert await end_tokens(config, "report") == 1 and await end_tokens(config, "report") == 0
    assert await tokens.read(secret) is None
    await store.close()


@pytest.mark.parametrize(("scopes", "system"), [((), ""), (("admin",), ""), (("edit",), "")])
async def test_a_token_that_could_do_nothing_is_not_made(config: Path, scopes: tuple[str, ...], system: str) -> None:
    with pytest.raises(Misconfigured):
        await new_token(config, "x", scopes, "", system, "", ())


async def test_a_token_says_what_it_may_and_until_when(config: Path) -> None:
    granted = Granted(frozenset({"name", "class:internal"}), frozenset(), "30d")
    secret = await new_token(config, "sms", ("read",), "", "", "", (), granted)
    store, clock = Store.open(load(config).store), SystemClock()
    found = await TokenStore(store, clock).read(secret)
    assert found is not None and found.reads == granted.reads and found.writes == frozenset()
    assert found.expires_at is not None and abs(found.expires_at - clock.now() - 30 * 86_400_000) < 3_600_000
    assert await end_tokens(config, "sms") == 1
    rows = await AuditStore(store, clock).latest()
    assert [(each.by, each.what, each.subject) for each in rows] == [
        ("cli", "token_ended", "sms"),
        ("cli", "token_made", "sms"),
    ]
    await store.close()


@pytest.mark.parametrize(
    "granted", [Granted(frozenset({"phon"})), Granted(None, frozenset({"class:x"})), Granted(None, None, "soon")]
)
async def test_what_means_nothing_is_not_granted(config: Path, granted: Granted) -> None:
    with pytest.raises(Misconfigured):
        await new_token(config, "x", ("read",), "", "", "", (), granted)
