"""`floatcard --help`: what it can do, and each command's own help."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import access, applications, audit, crms, people, policy, sources, stages
from gateway.cli.networks import Networks
from gateway.cli.serving import serve
from gateway.cli.speaking import bar, err, out
from gateway.errors import Misconfigured, Refused, Retry

app = typer.Typer(
    name="floatcard",
    cls=Networks,
    help="Customer cards in the chat, edits reconciled with the CRM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
index = typer.Typer(help="The names of customers in a file.", no_args_is_help=True)
app.add_typer(index, name="index")
app.add_typer(audit.app, name="audit")
app.add_typer(crms.app, name="crm")
app.add_typer(people.app, name="people")
app.add_typer(sources.app, name="sources")
app.add_typer(policy.app, name="policy")
app.add_typer(access.app, name="access")
app.add_typer(stages.app, name="stages")
app.add_typer(applications.app, name="applications")

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")


def main() -> None:
    """Exit 0: done; 1: found something wrong; 2: misconfigured or misused."""
    try:
        app()
    except Misconfigured as wrong:
        tell(wrong.faults)
        sys.exit(2)
    except (Refused, Retry) as why:
        said = why.say.format_map(why.facts) if isinstance(why, Refused) else str(why)
        err.print(said, style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except OSError as broken:
        what = f"{broken.filename}: " if broken.filename else ""
        err.print(f"{what}{broken.strerror or broken}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def tell(faults: list[tuple[str, str, str]]) -> None:
    for file, key, reason in faults:
        fault = f"{file}: {key}: {reason}" if key else f"{file}: {reason}"
        err.print(fault, style="red", markup=False, soft_wrap=True)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path("var/demo"),
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8300,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was done in the demo before.")] = False,
) -> None:
    """A made-up company, a chat with three rooms and the real gateway behind it, in a browser."""
    from gateway.demo.run import forget, open_demo

    if fresh:
        forget(folder)

    async def start(_: Callable[[], None]) -> tuple[str, Callable[[], Awaitable[None]]]:
        running = await open_demo(folder, port)
        return f"{running.server.address}/demo", running.close

    serve(start, "Floatcard's demo is at {address} (Ctrl-C ends it)")


@app.command()
def run(config: ConfigFile = HERE) -> None:
    """Runs the gateway with your configuration."""
    from gateway.config import load
    from gateway.http.run import open_server

    loaded = load(config)
    instance = loaded.telemetry.instance or secrets.token_hex(4)

    async def start(unable: Callable[[], None]) -> tuple[str, Callable[[], Awaitable[None]]]:
        return await open_server(loaded, instance, unable)

    serve(start, "Floatcard listens on {address}", loaded.logs.format, instance)


@app.command()
def check(config: ConfigFile = HERE) -> None:
    """Every fault of the configuration at once, with file, key and reason. Touches no network."""
    from gateway.config import check as faults_of

    faults = faults_of(config)
    tell(faults)
    if faults:
        raise typer.Exit(2)
    out.print(f"{config}: no fault found.", markup=False, soft_wrap=True)


@app.command()
def doctor(
    only: Annotated[str, typer.Argument(help="One channel by its name, or one room by its key; else everything.")] = "",
    config: ConfigFile = HERE,
) -> None:
    """Asks each network and CRM: can I hear, speak, edit, whisper, read who is there; and says what mends the rest."""
    from gateway.cli.doctoring import examine

    def tell(line: str) -> None:
        out.print(line, markup=False, soft_wrap=True)

    if not asyncio.run(examine(config, only, tell)):
        raise typer.Exit(1)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file of customers, with a header row, or lines of JSON.")],
    config: ConfigFile = HERE,
    crm: Annotated[str, typer.Option(help="Which CRM of type `local`.")] = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read; write nothing.")] = False,
) -> None:
    """Customers from a CSV or JSONL file into the embedded CRM: all readable rows, or none."""
    from gateway.cli.importing import import_customers

    raise typer.Exit(import_customers(file, config, crm, dry_run, _bar))


def _bar(work: Callable[[Callable[[int, int], None]], Any]) -> Any:
    with bar("importing") as moved:
        return work(moved)


@app.command()
def mentions(
    dictionary: Annotated[Path, typer.Option(help="JSON lines of customers: id, name, aliases.")],
    messages: Annotated[Path, typer.Option(help="JSON lines of messages: id, text.")],
    explain: Annotated[bool, typer.Option("--explain", help="Say in words how sure and why, instead of JSON.")] = False,
) -> None:
    """Tries your own customer list on your own messages: which mentions would be heard."""
    from gateway.cli.mentioning import explained
    from mentions.cli import run as find

    tally = explained(dictionary, messages, sys.stdout) if explain else find(dictionary, messages, sys.stdout)
    for line in tally.lines():
        err.print(line, markup=False, soft_wrap=True)
    if tally.dictionary_ignored or tally.messages_ignored:
        raise typer.Exit(1)


@app.command()
def resolve(
    explain: Annotated[bool, typer.Option("--explain", help="Say in words why, instead of JSON.")] = False,
) -> None:
    """Reads cases (edits and a policy) as JSON lines from standard input and prints what each resolves to."""
    from reconcile.interchange import answer_line, answers
    from reconcile.interchange import explain as words

    broken = False
    for answer in answers(sys.stdin, words if explain else answer_line):
        broken = broken or answer.error is not None
        sys.stdout.write(answer.text + "\n")
    if broken:
        raise typer.Exit(1)


@index.command()
def build(
    dictionary: Annotated[
        Path, typer.Argument(help="Customers: id (as `crm:kind:id`), name, aliases; JSON lines or CSV.")
    ],
    out: Annotated[Path, typer.Argument(help="The file to write, for `mentions.index`.")],
) -> None:
    """Builds the names' file elsewhere, for a gateway with millions of customers to load at its start."""
    from mentions.cli import build_index

    tally = build_index(dictionary, out)
    for number, reason in tally.dictionary_ignored:
        err.print(f"line {number}: {reason}", markup=False, soft_wrap=True)
    err.print(f"{tally.customers} customers in {out}", markup=False, soft_wrap=True)


@app.command(name="rotate-key")
def rotate_key(
    new: Annotated[str, typer.Argument(help="Where the new master key is: `env:NAME` or `file:PATH`.")],
    config: ConfigFile = HERE,
) -> None:
    """Wraps every key anew with a new master key. Stop every gateway first; broken off, run it again."""
    from gateway.cli.rotating import rotate

    out.print(asyncio.run(rotate(config, new)), markup=False, soft_wrap=True)


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Of the jobs, as --list tells them.", min=0)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every parked job.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Tell them; take nothing up.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """Takes jobs up again that were set aside after their last try; a running gateway has them within seconds."""
    from gateway.cli import replaying

    if list_ + all_ + bool(ids) != 1:
        raise typer.BadParameter("give the ids, --all, or --list")
    if list_:
        lines = asyncio.run(replaying.list_parked(config))
        out.print("\n".join(lines or ["Nothing is parked."]), markup=False, soft_wrap=True)
        return
    done, unknown = asyncio.run(replaying.replay(config, None if all_ else ids))
    out.print(f"{done} taken up again.", markup=False)
    if unknown:
        err.print(f"not parked: {', '.join(map(str, unknown))}", markup=False, soft_wrap=True)
        raise typer.Exit(1)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="What the token is for, for example `wecom-plugin`.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, edit, identities, mentions, operate or scim; give it several times."),
    ] = None,
    person: Annotated[str, typer.Option(help="The person it reads as.")] = "",
    system: Annotated[str, typer.Option(help="With `edit`: the system its edits come from.")] = "",
    surface: Annotated[str, typer.Option(help="With `edit`: how people read that source.")] = "",
    actor: Annotated[
        list[str] | None, typer.Option(help="With `edit`: persons it may speak for; none = its own.")
    ] = None,
    read: Annotated[
        list[str] | None, typer.Option(help="The only fields it may read: names, `class:internal`; several times.")
    ] = None,
    write: Annotated[list[str] | None, typer.Option(help="The only fields it may write; several times.")] = None,
    expires: Annotated[str, typer.Option(help="When it ends by itself: 30d, 12h, or never.")] = "365d",
    end: Annotated[bool, typer.Option("--end", help="End every token of that name instead.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """Makes a bearer token for the API and prints it once; only its hash is stored."""
    from gateway.cli.tokens import Granted, end_tokens, new_token

    if end:
        out.print(f"{asyncio.run(end_tokens(config, name))} ended.", markup=False)
        return
    granted = Granted(frozenset(read) if read else None, frozenset(write) if write else None, expires)
    made = new_token(config, name, tuple(scope or ()), person, system, surface, tuple(actor or ()), granted)
    secret = asyncio.run(made)
    sys.stdout.write(secret + "\n")


@app.command()
def admin(
    name: Annotated[str, typer.Argument(help="The name of the first admin.")],
    config: ConfigFile = HERE,
) -> None:
    """Makes the first person, with the role `admin`, and prints their one-time link to the console."""
    from gateway.cli.tokens import first_admin

    sys.stdout.write(asyncio.run(first_admin(config, name)) + "\n")


@app.command()
def login(
    person: Annotated[str, typer.Argument(help="The id of a person with the role `admin`, `auditor` or `manager`.")],
    config: ConfigFile = HERE,
) -> None:
    """Prints a one-time link to the console."""
    from gateway.cli.tokens import login_link

    sys.stdout.write(asyncio.run(login_link(config, person)) + "\n")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; never one that is there.")],
    verify: Annotated[bool, typer.Option("--verify", help="Only read a backup through; write nothing.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """The store, and the embedded CRM's own file, as they are at one moment, while the gateway works on."""
    from gateway.cli.backing import back_up, verify_backup

    text = verify_backup(file) if verify else back_up(config, file)
    out.print(text, markup=False, soft_wrap=True)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `floatcard backup` wrote, on either kind of database.")],
    config: ConfigFile = HERE,
) -> None:
    """A backup into the empty database that the configuration names, all or nothing; then checks its chain."""
    from gateway.cli.backing import bring_back

    text, sound = asyncio.run(bring_back(config, file))
    out.print(text, markup=False, soft_wrap=True)
    if not sound:
        raise typer.Exit(1)


@app.command()
def compact(config: ConfigFile = HERE) -> None:
    """An SQLite store gives back what has become empty in its file. Stop the gateway first."""
    from gateway.config import load
    from gateway.store.compact import compact as compacted

    done = compacted(load(config).store)
    out.print(f"{done.before} bytes before, {done.after} after.", markup=False)


@app.command()
def erase(
    record: Annotated[str, typer.Argument(help="The customer, as `crm:kind:id`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """Makes every value of one customer unreadable for ever, and takes their cards away; the chain stays whole."""
    from gateway.cli.erasing import erase as erased

    def sure(text: str) -> bool:
        err.print(text, markup=False, soft_wrap=True)
        return yes or typer.confirm("Erase it for ever?", err=True)

    text, done = asyncio.run(erased(config, record, sure))
    out.print(text, markup=False, soft_wrap=True)
    if not done:
        raise typer.Exit(1)


@app.command()
def openapi() -> None:
    """Prints the API's OpenAPI 3.1 document."""
    from gateway.http.openapi import document

    sys.stdout.write(json.dumps(document(), ensure_ascii=False, indent=2) + "\n")
