"""`floatcard applications`: which channel and token may read and write what, who read what, and a token ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.speaking import out

app = typer.Typer(help="Which channel and token may read and write what, and who read what.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")


@app.command(name="list")
def list_(config: ConfigFile = HERE) -> None:
    """Tells every channel and token with what it was not granted, when it was last used and when it ends."""
    from gateway.cli import governing

    out.print(asyncio.run(governing.applications(config)), markup=False, soft_wrap=True)


@app.command()
def reads(
    days: Annotated[int, typer.Option(min=1, max=400, help="So many days, today among them.")] = 30,
    csv: Annotated[Path | None, typer.Option(help="Writes a row for each day into this file instead.")] = None,
    config: ConfigFile = HERE,
) -> None:
    """Tells how often each application read, wrote and was denied each field: never a value."""
    from gateway.cli import governing

    out.print(asyncio.run(governing.reads(config, days, csv)), markup=False, soft_wrap=True)


@app.command()
def end(
    id: Annotated[str, typer.Argument(help="The token's id, as `list` tells it.")],
    config: ConfigFile = HERE,
) -> None:
    """Ends one token for good, in a running gateway too."""
    from gateway.cli import governing

    out.print(asyncio.run(governing.end(config, id)), markup=False)
