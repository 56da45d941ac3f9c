"""`floatcard <network> manifest`: what a configured network's own module offers to print. No network is named here."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from channels import registry
from gateway.errors import Misconfigured

_FALLBACK = "http://127.0.0.1:8300"


class Networks(TyperGroup):
    """Knows the types of channels as commands, when they have something to print."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or _offered(cmd_name)


def _offered(type_: str) -> Any:
    try:
        module = registry.load(type_)
    except ValueError:
        return None
    if not callable(getattr(module, "manifest", None)):
        return None
    app = typer.Typer(name=type_, no_args_is_help=True, add_completion=False)

    @app.callback()
    def network() -> None:
        """What this network is to be told of us."""

    @app.command()
    def manifest(
        config: Annotated[Path, typer.Option("--config", "-c", help="The configuration.")] = Path("floatcard.toml"),
        url: Annotated[str, typer.Option(help="Our public address, when there is no configuration yet.")] = "",
    ) -> None:
        """Prints the manifest of an app there, with our address in it. Reads no secret."""
        _print(type_, config, url)

    return typer.main.get_command(app)


def _print(type_: str, config: Path, url: str) -> None:
    told = _told(config) if config.exists() or not url else {}
    base = (url or str(told.get("public_url") or _FALLBACK)).rstrip("/")
    named = {name: each for name, each in _channels(told).items() if each.get("type") == type_} or {type_: {}}
    for name, settings in named.items():
        made = registry.load(type_).manifest(settings, f"{base}/in/{name}")
        sys.stdout.write(json.dumps(made, ensure_ascii=False, indent=2) + "\n")


def _told(config: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise Misconfigured([(str(config), "", f"cannot be read: {type(fault).__name__}; or give --url")]) from None


def _channels(told: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    channels = told.get("channels")
    return (
        {name: each for name, each in channels.items() if isinstance(each, dict)} if isinstance(channels, dict) else {}
    )
