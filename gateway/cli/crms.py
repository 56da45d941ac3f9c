"""`floatcard crm`: looks at the CRMs themselves, and says which of their records are one customer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.speaking import err, out

app = typer.Typer(help="Looks at the CRMs themselves.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]
HERE = Path("floatcard.toml")


@app.command()
def fields(
    name: Annotated[str, typer.Argument(help="Which CRM, by its name in the configuration.")],
    config: ConfigFile = HERE,
    kind: Annotated[str, typer.Option(help="Of which kind of record.")] = "account",
    plain: Annotated[bool, typer.Option("--plain", help="One field a line, with tabs in between.")] = False,
) -> None:
    """Asks a CRM what fields it offers, shows which are mapped, and names a mapping that cannot work there."""
    from gateway.cli.fields import show_fields

    if not show_fields(config, name, kind=kind, plain=plain):
        raise typer.Exit(1)


@app.command()
def odd(
    name: Annotated[str, typer.Argument(help="Which CRM, by its name in the configuration.")],
    config: ConfigFile = HERE,
) -> None:
    """Lists the values a CRM holds that are not what their field is: a text for a number, a choice nobody declared."""
    from gateway.cli import joining

    lines = asyncio.run(joining.odd(config, name))
    out.print("\n".join(lines or ["None."]), markup=False, soft_wrap=True)
    if lines:
        raise typer.Exit(1)


@app.command()
def join(
    record: Annotated[str, typer.Argument(help="The customer, as `crm:kind:id`; with `--by` a CRM.")],
    ref: Annotated[str, typer.Argument(help="The same customer in another CRM; with `--by` that CRM.")],
    by: Annotated[str, typer.Option(help="A field: join whoever alone has the same value of it in both CRMs.")] = "",
    yes: Yes = False,
    config: ConfigFile = HERE,
) -> None:
    """Says that records of two CRMs are one customer, and what differs; then an edit goes to both."""
    from gateway.cli import joining

    def sure(text: str) -> bool:
        err.print(text, markup=False, soft_wrap=True)
        return yes or typer.confirm("Join them?", err=True)

    work = joining.join_by(config, record, ref, by, sure) if by else joining.join(config, record, ref, sure)
    out.print(asyncio.run(work), markup=False, soft_wrap=True)


@app.command()
def part(
    ref: Annotated[str, typer.Argument(help="What was joined to another customer, as `crm:kind:id`.")],
    config: ConfigFile = HERE,
) -> None:
    """Makes it a customer of its own again."""
    from gateway.cli import joining

    out.print(asyncio.run(joining.part(config, ref)), markup=False, soft_wrap=True)
