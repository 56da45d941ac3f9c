"""`floatcard policy`: a merge policy tried on what happened, applied, and taken back. Works beside a gateway too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.speaking import bar, err, out

app = typer.Typer(help="Tries a merge policy on what happened, applies it, takes it back.", no_args_is_help=True)

Told = Callable[[int, int], None]
By = Annotated[str, typer.Option(help="The id of the person with the role `admin` who does this.")]
Change = Annotated[str, typer.Argument(help="The change's id, as `plan` prints it.")]
Several = list[str] | None
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration.", envvar="FLOATCARD_CONFIG")]
HERE = Path("floatcard.toml")


def _with_bar(what: str, work: Callable[[Told], Coroutine[Any, Any, str]]) -> None:
    with bar(what) as moved:
        text = asyncio.run(work(moved))
    out.print(text, markup=False, soft_wrap=True)


@app.command()
def plan(
    field: Annotated[list[str], typer.Option(help="A field that the policy is for; give it several times.")],
    by: By,
    mode: Annotated[str, typer.Option(help="As in the configuration: last_writer_wins, review, merge, …")],
    fallback: Annotated[str, typer.Option(help="What decides where the mode gives nothing.")] = "review",
    authority: Annotated[Several, typer.Option(help="Systems in order; give it several times.")] = None,
    master: Annotated[str | None, typer.Option(help="For master_wins; by default as now.")] = None,
    rank: Annotated[Several, typer.Option(help="Systems, strongest first.")] = None,
    propose_only: Annotated[Several, typer.Option(help="Systems whose edits bind nobody until accepted.")] = None,
    min_role: Annotated[str | None, typer.Option(help="The role a person needs to settle or undo.")] = None,
    merge: Annotated[str | None, typer.Option(help="For merge: set_union, counter or monotone.")] = None,
    order: Annotated[Several, typer.Option(help="For monotone: the stages, from the first on.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Only what happened in so many days.")] = None,
    customer: Annotated[Several, typer.Option(help="Only these customers (their refs).")] = None,
    config: ConfigFile = HERE,
) -> None:
    """Says what would have been different, and what applying it would change now. Changes nothing."""
    from gateway.cli import trying

    said = {"mode": mode, "fallback": fallback, "master": master, "min_role": min_role, "merge": merge}
    lists = {"authority": authority, "rank": rank, "propose_only": propose_only, "order": order}
    spec = trying.spec_of({**said, **{name: tuple(some or ()) for name, some in lists.items()}})
    _with_bar("planning", lambda told: trying.plan(config, field, spec, by, days, customer or (), told))


@app.command()
def apply(
    change: Change,
    by: By,
    reason: Annotated[str, typer.Option(help="Why; kept with every decision.")],
    keep_settled: Annotated[
        bool, typer.Option("--keep-settled", help="What nobody disputes stays as it is, by an edit of the approver.")
    ] = False,
    config: ConfigFile = HERE,
) -> None:
    """Puts a planned change in force, approved by somebody else than its proposer. Cut off, it is gone on with."""
    from gateway.cli import trying

    _with_bar("applying", lambda told: trying.apply(config, change, by, reason, keep_settled, told))


@app.command()
def undo(
    change: Change,
    by: By,
    reason: Annotated[str, typer.Option(help="Why; kept with every decision.")] = "",
    config: ConfigFile = HERE,
) -> None:
    """Takes a change back: one that is planned or being applied is cancelled, one that is applied undone."""
    from gateway.cli import trying

    _with_bar("undoing", lambda told: trying.undo(config, change, by, reason, told))


@app.command(name="list")
def list_(
    change: Annotated[str | None, typer.Argument(help="One of them in full; else all of them.")] = None,
    config: ConfigFile = HERE,
) -> None:
    """Tells the changes there are, newest first."""
    from gateway.cli import trying

    text = asyncio.run(trying.listing(config, change))
    if not text:
        err.print("There is no such change." if change else "No policy was tried yet.", markup=False)
        raise typer.Exit(1 if change else 0)
    out.print(text, markup=False, soft_wrap=True)
