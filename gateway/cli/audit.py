"""`floatcard audit`: the chains verified, published, signed, and held against what was signed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.speaking import out

app = typer.Typer(help="Looks at the chain of decisions from outside.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")


@app.command()
def verify(
    config: ConfigFile = HERE,
    root: Annotated[Path | None, typer.Option(help="A published daily root, to find a cut tail.")] = None,
) -> None:
    """Checks the chain of decisions: finds the first altered, missing or reordered row."""
    from gateway.cli.auditing import verify_chain

    text, sound = asyncio.run(verify_chain(config, root))
    out.print(text, markup=False, soft_wrap=True)
    if not sound:
        raise typer.Exit(1)


@app.command()
def publish(config: ConfigFile = HERE) -> None:
    """Prints today's root over all shard heads, to be kept somewhere else."""
    from gateway.cli.auditing import publish_root

    sys.stdout.write(asyncio.run(publish_root(config)) + "\n")


@app.command()
def sign(config: ConfigFile = HERE) -> None:
    """Prints today's heads of both chains, signed, to be kept somewhere else."""
    from gateway.cli.auditing import sign_heads

    sys.stdout.write(asyncio.run(sign_heads(config)) + "\n")


@app.command(name="check")
def check_signed(
    file: Annotated[Path, typer.Argument(help="What `floatcard audit sign` printed on some day.")],
    key: Annotated[str, typer.Option(help="The public key to trust, in hex; by default this deployment's own.")] = "",
    config: ConfigFile = HERE,
) -> None:
    """Holds the store against signed heads: both chains, and that the database still guards them."""
    from gateway.cli.auditing import check_heads

    text, sound = asyncio.run(check_heads(config, file, key))
    out.print(text, markup=False, soft_wrap=True)
    if not sound:
        raise typer.Exit(1)
