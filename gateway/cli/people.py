"""`floatcard people`: works beside a running gateway, which knows of it within seconds."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cards.words import say
from channels.keeper import Keeps
from channels.model import Accounts
from crm.model import Users
from gateway.bringing import Bringing, of_accounts, of_users
from gateway.cli.importing_people import PeopleFile, read
from gateway.cli.speaking import err, out
from gateway.clock import Clock
from gateway.config import Config, load
from gateway.errors import Misconfigured, Refused
from gateway.outgoing.declared import session_of
from gateway.store.engine import Store
from gateway.store.hour import told_clock
from gateway.store.kept import Kept
from gateway.store.people import PeopleStore
from gateway.store.person_changes import PersonChange, PersonChanges
from gateway.store.rekeying import Rekeyed, rekey
from identity.sources import Entry, Verdict, tally

app = typer.Typer(help="Persons, and the accounts that are theirs.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")
MOST = 50
_WORDS = {
    "new": "new persons",
    "linked": "matched and linked",
    "changed": "changed",
    "ended": "deactivated",
    "same": "unchanged",
    "failed": "not taken",
}


@app.command(name="import")
def import_(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV file with a header row: name, and id, email, im or crm.")
    ] = None,
    from_: Annotated[str, typer.Option("--from", help="A CRM or a network of the configuration: its own users.")] = "",
    source: Annotated[
        str, typer.Option(help="What this file is called, so that a newer one is known as the same.")
    ] = "",
    known: Annotated[bool, typer.Option("--known", help="Only those who are known here; make nobody new.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """Persons from a file, a CRM or a network: who is matched, who is new, who is not taken and why."""
    if (file is None) == (not from_):
        raise typer.BadParameter("give a file, or --from")
    told = read(file) if file is not None else None
    name = from_ or f"csv:{source or (file.stem if file is not None else '')}"
    verdicts, torn = asyncio.run(_import(config, told, from_, name[:128], make=not known, dry=dry_run))
    failed = _tell(verdicts, torn, told, dry=dry_run)
    raise typer.Exit(1 if failed else 0)


async def _import(
    config: Path, told: PeopleFile | None, from_: str, name: str, *, make: bool, dry: bool
) -> tuple[list[Verdict], list[str]]:
    loaded = load(config)
    async with _opened(loaded) as (store, people, clock):
        entries = told.entries if told is not None else await _asked(loaded, store, clock, from_)
        source = name if told is not None else f"{'crm' if from_ in loaded.crms else 'im'}:{from_}"
        bringing = Bringing(store, people, clock, loaded.audience.domain_aliases)
        verdicts = await bringing.plan(source, entries, make=make)
        return verdicts, [] if dry else await bringing.carry_out(source, verdicts, by="cli")


@contextlib.asynccontextmanager
async def _opened(loaded: Config) -> AsyncIterator[tuple[Store, PeopleStore, Clock]]:
    store = Store.open(loaded.store)
    try:
        clock = await told_clock(store, loaded.bus)
        people = PeopleStore(store, clock)
        await people.load()
        yield store, people, clock
    finally:
        await store.close()


async def _asked(loaded: Config, store: Store, clock: Clock, name: str) -> Sequence[Entry]:
    """The users of a CRM or a network, in its own words. Raises `Misconfigured` for one that has no list."""
    from gateway.app import open_channels, open_crms
    from gateway.services import Keys
    from gateway.store.vault import Vault

    vault = Vault(Keys.derive(bytes.fromhex(loaded.master_key.get_secret_value())).vault)
    async with contextlib.AsyncExitStack() as undo:
        session = await undo.enter_async_context(session_of(loaded, 30))
        for crm in open_crms(loaded, clock).values() if name in loaded.crms else ():
            undo.push_async_callback(crm.close)
            if crm.name == name and isinstance(crm, Users):
                return of_users(name, await crm.users())
        for channel in open_channels(loaded, session, clock).values() if name in loaded.channels else ():
            undo.push_async_callback(channel.close)
            if channel.name == name and isinstance(channel, Accounts):
                if isinstance(channel, Keeps):
                    channel.keep_in(Kept(store, vault, clock, channel.name))
                return of_accounts(await channel.accounts())
    raise Misconfigured([("floatcard people", name, "is no CRM or network of this configuration that lists its users")])


def _tell(verdicts: Sequence[Verdict], torn: Sequence[str], told: PeopleFile | None, *, dry: bool) -> bool:
    """Whether anything was wrong with any of it."""
    for heading, meant in told.columns if told is not None and dry else ():
        out.print(f"{heading}: {meant or 'left out'}", markup=False, soft_wrap=True)
    counts = [f"{n} {_WORDS[name]}" for name, n in tally(verdicts).items()]
    unreadable = told.unreadable if told is not None else ()
    out.print(f"{', '.join(counts)}, {len(unreadable)} not readable", markup=False, soft_wrap=True)
    if dry:
        out.print("Nothing was written.", markup=False)
    reasons = [(each.line, each.reason) for each in unreadable]
    reasons += [(each.entry.line, say("en", each.reason)) for each in verdicts if each.reason]
    for line, reason in sorted(reasons)[:MOST]:
        err.print(f"line {line}: {reason}" if line else reason, markup=False, soft_wrap=True)
    if len(reasons) > MOST:
        err.print(f"… and {len(reasons) - MOST} more", markup=False)
    for key in torn[:MOST]:
        err.print(f"{key}: belongs to somebody else, and stays theirs", markup=False, soft_wrap=True)
    return bool(unreadable or torn or any(each.outcome == "failed" for each in verdicts))


@app.command(name="rekey")
def rekey_(
    file: Annotated[Path, typer.Argument(help="A CSV file of two columns, old and new, without a header.")],
    kind: Annotated[str, typer.Option(help="im, crm or oidc.")] = "im",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """Accounts that their network gave other ids: the links follow. Keys are written as the console shows them."""
    if kind not in ("im", "crm", "oidc"):
        raise typer.BadParameter("kind is im, crm or oidc")
    with file.open(newline="", encoding="utf-8-sig") as lines:
        pairs = [(row[0].strip(), row[1].strip()) for row in csv.reader(lines) if len(row) >= 2 and row[0].strip()]
    if not pairs:
        raise Refused("There is not one pair of keys in this file. Nothing was changed.")
    done = asyncio.run(_rekey(config, kind, pairs, dry=dry_run))
    moved = sum(each.outcome == "moved" for each in done)
    out.print(f"{moved} moved, {len(done) - moved} not{'; nothing was written' if dry_run else ''}", markup=False)
    for each in [each for each in done if each.outcome != "moved"][:MOST]:
        why = "nobody has it" if each.outcome == "unknown" else f"{each.new} is somebody's already"
        err.print(f"{each.old}: {why}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if moved == len(done) else 1)


async def _rekey(config: Path, kind: str, pairs: Sequence[tuple[str, str]], *, dry: bool) -> list[Rekeyed]:
    async with _opened(load(config)) as (store, people, clock):
        return await rekey(store, people, clock, kind, pairs, by="cli", dry=dry)  # type: ignore[arg-type]


@app.command()
def merge(
    kept: Annotated[str, typer.Argument(help="The id of the person who stays.")],
    gone: Annotated[str, typer.Argument(help="The id of the person who is the same, and goes.")],
    config: ConfigFile = HERE,
) -> None:
    """Two persons who are one: accounts, addresses and roles of both are one person's. `undo` takes it back."""

    async def work() -> PersonChange:
        async with _opened(load(config)) as (store, people, clock):
            return await PersonChanges(store, people, clock).merge(kept, gone, by="cli")

    made = asyncio.run(work())
    out.print(f"{made.links} accounts moved. To take it back: floatcard people undo {made.id}", markup=False)


@app.command()
def split(
    person: Annotated[str, typer.Argument(help="The id of the person who is two.")],
    name: Annotated[str, typer.Option(help="What the other one is called.")],
    account: Annotated[
        list[str] | None, typer.Option(help="An account that is the other's, as the console shows it; several times.")
    ] = None,
    email: Annotated[list[str] | None, typer.Option(help="An address that is the other's; several times.")] = None,
    config: ConfigFile = HERE,
) -> None:
    """One person who is two: those accounts and addresses are a new person's, who has no role. `undo` takes it back."""

    async def work() -> PersonChange:
        async with _opened(load(config)) as (store, people, clock):
            keys = {each.key: each.id for each in people.links(person)}
            if unknown := [each for each in account or () if each not in keys]:
                raise Refused("{account} is no account of this person. Nothing was changed.", account=unknown[0])
            links = [keys[each] for each in account or ()]
            changes, new = PersonChanges(store, people, clock), f"p_{secrets.token_hex(4)}"
            return await changes.split(person, links, name=name, new=new, by="cli", emails=email or ())

    made = asyncio.run(work())
    told = f"{made.links} accounts are {made.other}'s now. To take it back: floatcard people undo {made.id}"
    out.print(told, markup=False)


@app.command()
def undo(
    change: Annotated[str, typer.Argument(help="What `merge` or `split` told, or the console shows.")],
    config: ConfigFile = HERE,
) -> None:
    """Takes a merge or a split of persons back."""

    async def work() -> PersonChange:
        async with _opened(load(config)) as (store, people, clock):
            return await PersonChanges(store, people, clock).undo(change, by="cli")

    out.print(f"The {asyncio.run(work()).kind} is taken back.", markup=False)
