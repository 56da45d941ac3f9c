"""`floatcard access`: who may see what, as versions: checked, compared, proposed, applied, taken back, simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.speaking import err, out

app = typer.Typer(
    help="Who may see what: checks, compares, applies and takes back access policies, and simulates them.",
    no_args_is_help=True,
)

By = Annotated[str, typer.Option(help="The id of the person with the role `admin` who does this.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the version.")]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
Folder = Annotated[
    Path | None, typer.Option(help="A folder of policy files, laid over ours; by default `policies_dir`.")
]
Set = Annotated[str, typer.Argument(help="A version's number, `force` (what is in force), `files` or `ours`.")]
HERE = Path("floatcard.toml")


def _told(work: Coroutine[Any, Any, str]) -> None:
    out.print(asyncio.run(work), markup=False, soft_wrap=True)


@app.command(name="list")
def list_(
    version: Annotated[int | None, typer.Argument(help="One of them with its files; else all of them.", min=1)] = None,
    config: ConfigFile = HERE,
) -> None:
    """Tells the versions there are, newest first, and which one is in force."""
    from gateway.cli import accessing

    _told(accessing.listing(config, version))


@app.command()
def check(folder: Folder = None, config: ConfigFile = HERE) -> None:
    """Every fault of the policy files at once, and whether they would shut every admin out. Changes nothing."""
    from gateway.cli import accessing

    text, sound = asyncio.run(accessing.check(config, folder))
    (out if sound else err).print(text, markup=False, soft_wrap=True)
    if not sound:
        raise typer.Exit(2)


@app.command()
def diff(old: Set = "force", new: Set = "files", config: ConfigFile = HERE) -> None:
    """What is different between two sets, policy by policy and line by line."""
    from gateway.cli import accessing

    _told(accessing.diff(config, old, new))


@app.command()
def propose(
    reason: Reason,
    by: Annotated[str, typer.Option(help="The admin who proposes; without it, it is the configuration.")] = "",
    folder: Folder = None,
    config: ConfigFile = HERE,
) -> None:
    """Makes a version of the policy files, which changes nothing until another admin applies it."""
    from gateway.cli import accessing

    _told(accessing.propose(config, folder, by, reason))


@app.command()
def apply(
    version: Annotated[int, typer.Argument(help="The version's number, as `list` tells it.", min=1)],
    by: By,
    reason: Reason,
    config: ConfigFile = HERE,
) -> None:
    """Puts a version in force, approved by somebody else than its proposer. Running gateways follow in a second."""
    from gateway.cli import accessing

    _told(accessing.apply(config, version, by, reason))


@app.command()
def rollback(
    by: By,
    reason: Reason,
    to: Annotated[int | None, typer.Option(help="An earlier version; by default the one before.", min=1)] = None,
    config: ConfigFile = HERE,
) -> None:
    """Puts in force again what was before. One admin alone may do it, also while no gateway starts."""
    from gateway.cli import accessing

    _told(accessing.rollback(config, to, by, reason))


@app.command()
def withdraw(
    version: Annotated[int, typer.Argument(help="The version's number.", min=1)], by: By, config: ConfigFile = HERE
) -> None:
    """Ends a proposal."""
    from gateway.cli import accessing

    _told(accessing.withdraw(config, version, by))


@app.command()
def simulate(
    room: Annotated[str, typer.Argument(help="The room, by its key or a part of its title.")],
    field: Annotated[str, typer.Argument(help="The field, by its name or label.")],
    at: Annotated[str, typer.Option(help="22:00, or 2026-11-21 22:00; by default now.")] = "",
    zone: Annotated[str, typer.Option(help="The time zone; by default the configuration's.")] = "",
    customer: Annotated[str, typer.Option(help="The customer, by its key; without one, nobody's.")] = "",
    policies: Annotated[str, typer.Option(help="A version's number, `force`, `files` or `ours`.")] = "force",
    names: Annotated[bool, typer.Option("--names", help="Name the people, not only their kinds.")] = False,
    config: ConfigFile = HERE,
) -> None:
    """Who in this room would see a field at that time, and by which policy. Nothing is shown to anybody."""
    from gateway.cli import accessing

    _told(accessing.simulate(config, room, field, at, zone, customer, policies, names=names))


@app.command()
def compare(
    old: Set = "force",
    new: Set = "files",
    at: Annotated[str, typer.Option(help="22:00, or 2026-11-21 22:00; by default now.")] = "",
    zone: Annotated[str, typer.Option(help="The time zone; by default the configuration's.")] = "",
    config: ConfigFile = HERE,
) -> None:
    """What would change between two sets for the people, rooms and cards there are. Nothing is shown to anybody."""
    from gateway.cli import accessing

    _told(accessing.compare(config, old, new, at, zone))
