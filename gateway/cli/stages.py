"""`floatcard stages`: how much cards show by kind of room, what they led to, and an admin's word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.speaking import out

app = typer.Typer(
    help="How much cards show by kind of room: the evidence, a step, a step taken back.", no_args_is_help=True
)

By = Annotated[str, typer.Option(help="The id of the person with the role `admin` who does this.")]
Kind = Annotated[str, typer.Argument(help="Scene and kind of room, as `list` tells them: `group/public`.")]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")


@app.command(name="list")
def list_(config: ConfigFile = HERE) -> None:
    """Tells where each kind of room stands, what its cards led to, and what that speaks for."""
    from gateway.cli import governing

    out.print(asyncio.run(governing.stages(config)), markup=False, soft_wrap=True)


@app.command(name="set")
def set_(
    kind: Kind,
    stage: Annotated[str, typer.Argument(help="minimal, standard or full.")],
    by: By,
    config: ConfigFile = HERE,
) -> None:
    """Decides a stage. A running gateway follows within seconds, and so do the cards that are up."""
    from gateway.cli import governing

    out.print(asyncio.run(governing.decide(config, kind, stage, by)), markup=False)


@app.command()
def undo(kind: Kind, by: By, config: ConfigFile = HERE) -> None:
    """Takes the last decision on a kind of room back."""
    from gateway.cli import governing

    out.print(asyncio.run(governing.undo(config, kind, by)), markup=False)
