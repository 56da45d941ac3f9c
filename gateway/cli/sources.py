"""`floatcard sources`: works beside a running gateway, and without one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.speaking import out

app = typer.Typer(help="How far each source was read.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")


@app.command(name="list")
def list_(config: ConfigFile = HERE) -> None:
    """Each CRM and each numbered stream: its state, when the last of it was taken, and how late that was."""
    from gateway.cli import sourcing

    out.print("\n".join(asyncio.run(sourcing.table(config))), markup=False, soft_wrap=True)


@app.command(name="new-epoch")
def new_epoch(
    source: Annotated[str, typer.Argument(help="A CRM, or a system under `[sources]`, that was set back.")],
    config: ConfigFile = HERE,
) -> None:
    """What a source that was set back says from now on is news, on top of what is known here."""
    from gateway.cli import sourcing

    out.print(asyncio.run(sourcing.begin(config, source)), markup=False, soft_wrap=True)
