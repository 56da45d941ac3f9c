"""Reading, resolving secrets and finding every fault at once, without touching a network."""

from __future__ import annotations

import copy
import os
import time
import tomllib
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError

from channels import registry as channel_registry
from crm import registry as crm_registry
from gateway.config.model import Config, Plugged, seconds
from gateway.errors import Misconfigured
from gateway.store.connect import address
from gateway.telemetry import endpoint
from identity.access import AccessPolicy
from identity.lockout import NOBODY_SEES, locks_out
from reconcile.canonical import normalise

Fault = tuple[str, str, str]
_SECRET_KEYS = ("key", "secret", "token", "password")


def load(path: Path) -> Config:
    """The configuration, its secrets resolved. Raises `Misconfigured` with every fault found."""
    config, faults = _read(path)
    if faults or config is None:
        raise Misconfigured(faults)
    return config


def check(path: Path) -> list[Fault]:
    """Every fault of the configuration, the templates and the policies it names. Touches no network."""
    config, faults = _read(path)
    if config is not None:
        faults = faults + _mappings(path, config) + _templates(config) + _access(config)
    return faults


def secret(text: str, base: Path) -> str:
    """What `env:NAME` or `file:PATH` stands for. Raises ValueError, never showing the secret."""
    kind, _, name = text.partition(":")
    if kind == "env" and name:
        if name not in os.environ:
            raise ValueError(f"the environment has no variable {name}")
        return os.environ[name].strip()
    if kind == "file" and name:
        return _secret_file(base / name)
    raise ValueError("a secret is written env:NAME or file:PATH, never in the file itself")


def _secret_file(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {type(error).__name__}") from error


def _read(path: Path) -> tuple[Config | None, list[Fault]]:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None, [(str(path), "", "there is no such file; `floatcard demo` shows one")]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return None, [(str(path), "", f"not readable as TOML: {error}")]
    faults: list[Fault] = []
    raw = cast("dict[str, Any]", _resolved(raw, (), path, faults))
    config = _lenient(path, raw, faults)
    if config is not None:
        policies = raw.get("policies")
        faults += _deeper(path, config, set(policies) if isinstance(policies, dict) else set())
    # One cause is told once: a secret that is not there is not also too short.
    return config, list(
        {(file, key) if key else (file, reason): (file, key, reason) for file, key, reason in reversed(faults)}.values()
    )[::-1]


_STAND_INS = {"deployment": "x", "master_key": "00" * 32}


def _lenient(path: Path, raw: dict[str, Any], faults: list[Fault]) -> Config | None:
    """The configuration; where it has faults, what is left without them, so that the rest is looked at as well."""
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        faults += _faults(path, error, ())
        left = copy.deepcopy(raw)
        for fault in error.errors(include_input=False, include_url=False):
            _without(left, fault["loc"], missing=fault["type"] == "missing")
    for key, stand_in in _STAND_INS.items():
        left.setdefault(key, stand_in)
    try:
        return Config.model_validate(left)
    except ValidationError:
        return None


def _without(tree: Any, at: tuple[int | str, ...], *, missing: bool) -> None:
    """Takes out what is wrong; of what lacks something, the whole."""
    steps = at[:-1] if missing and len(at) > 1 else at
    for step in steps[:-1]:
        if not isinstance(tree, dict) or step not in tree:
            return
        tree = tree[step]
    if isinstance(tree, dict):
        tree.pop(steps[-1], None)


def _resolved(node: Any, at: tuple[str, ...], path: Path, faults: list[Fault]) -> Any:
    """The tree with every secret resolved; what a secret must not be is a fault, not an exception."""
    if isinstance(node, dict):
        return {key: _resolved(value, (*at, key), path, faults) for key, value in node.items()}
    if isinstance(node, str) and at and (_is_secret(at) or _engine_elsewhere(at, node)):
        try:
            return secret(node, path.parent)
        except ValueError as error:
            faults.append((str(path), ".".join(at), str(error)))
            return ""
    return node


def _engine_elsewhere(at: tuple[str, ...], text: str) -> bool:
    """An address with a password in it need not stand in the file."""
    return at in (("store",), ("bus",)) and text.startswith(("env:", "file:"))


def _is_secret(at: tuple[str, ...]) -> bool:
    if at == ("master_key",):
        return True
    if at == ("console", "oidc", "client_secret"):
        return True
    plugged = len(at) == 3 and at[0] in ("channels", "crms")
    return plugged and at[2].rsplit("_", 1)[-1] in _SECRET_KEYS


def _faults(path: Path, error: ValidationError, prefix: tuple[str, ...]) -> list[Fault]:
    # The input is left out of the message: it may be a secret.
    return [
        (str(path), ".".join(str(part) for part in (*prefix, *fault["loc"])), _reason(fault))
        for fault in error.errors(include_input=False, include_url=False)
    ]


def _reason(fault: Any) -> str:
    return "unknown key" if fault["type"] == "extra_forbidden" else str(fault["msg"])


def _deeper(path: Path, config: Config, policies: set[str]) -> list[Fault]:
    found = [
        *_plugged(path, "channels", config.channels, channel_registry),
        *_plugged(path, "crms", config.crms, crm_registry),
    ]
    found += [(str(path), key, reason) for key, reason in _references(config, policies)]
    from gateway.governance import faults as misspelt  # it reads the configuration, so that this one comes first

    return found + [(str(path), key, reason) for key, reason in misspelt(config)]


def _plugged(path: Path, room: str, plugged: dict[str, Plugged], registry: Any) -> list[Fault]:
    found: list[Fault] = []
    for name, spec in plugged.items():
        try:
            module = registry.load(spec.type)
            cast("type[BaseModel]", module.Config).model_validate(spec.settings)
        except ValidationError as error:
            found += _faults(path, error, (room, name))
        except ValueError as error:
            found.append((str(path), f"{room}.{name}.type", str(error)))
    return found


def _references(config: Config, policies: set[str]) -> list[tuple[str, str]]:
    """Names that must exist elsewhere in the file, and values with a meaning beyond their type."""
    found: list[tuple[str, str]] = []
    names = {"default", *config.policies, *policies}
    for field, spec in config.fields.items():
        if spec.policy is not None and spec.policy not in names:
            found.append((f"fields.{field}.policy", f"there is no policy {spec.policy!r}"))
        if not _known(spec.normaliser):
            found.append((f"fields.{field}.normaliser", "one of identity, trimmed, email, decimal, phone, phone:CN"))
        if spec.type == "choice" and not spec.options:
            found.append((f"fields.{field}.options", "a choice needs its options"))
    found += [
        (f"kinds.{kind}", f"there is no policy {name!r}") for kind, name in config.kinds.items() if name not in names
    ]
    for name, policy in config.policies.items():
        if policy.mode == "authoritative" and not policy.authority:
            found.append((f"policies.{name}.authority", "authoritative needs the systems in order"))
        if (policy.mode == "merge") != (policy.merge is not None):
            found.append(
                (f"policies.{name}.merge", 'mode = "merge" needs set_union, counter or monotone, no other does')
            )
        if policy.merge == "monotone" and len(policy.order) < 2:
            found.append((f"policies.{name}.order", "monotone needs the stages in order, from the first to the last"))
    found += [(f"crms.{name}", "a channel has this name") for name in config.crms if name in config.channels]
    if "store" in config.crms:
        found.append(("crms.store", "a backup calls the gateway's own store so; take another name"))
    for name, source in config.sources.items():
        if name in config.channels or name in config.crms:
            found.append((f"sources.{name}", "a channel or CRM has this name: what many people use is never linear"))
        if source.crm is not None and source.crm not in config.crms:
            found.append((f"sources.{name}.crm", f"there is no CRM {source.crm!r}"))
    if config.zone not in available_timezones():
        found.append(("zone", "an IANA name such as Asia/Shanghai"))
    if seconds(config.retention.once) < 30 * 86400:
        found.append(("retention.once", "at least 30d: a network may deliver an event again that late"))
    if seconds(config.retention.inbox) < 30 * 86400:
        found.append(("retention.inbox", "at least 30d: a CRM or a plugin may send an edit again that late"))
    if not config.server.waiting_cards <= config.server.waiting_alerts <= config.server.waiting:
        found.append(("server.waiting", "waiting_cards <= waiting_alerts <= waiting: cards are put off first"))
    return found + _engines(config) + _collector(config) + _key(config) + _sign_in(config)


def _collector(config: Config) -> list[tuple[str, str]]:
    try:
        if config.telemetry.otlp:
            endpoint(config.telemetry.otlp)
    except ValueError as wrong:
        return [("telemetry.otlp", str(wrong))]
    return []


def _sign_in(config: Config) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    oidc = config.console.oidc
    if oidc is None:
        return found
    if not secure(oidc.issuer):
        found.append(("console.oidc.issuer", "an https:// address without query; plain http only on this machine"))
    if "openid" not in oidc.scopes:
        found.append(("console.oidc.scopes", "`openid` must be among them"))
    if not secure(config.public_url):
        found.append(("public_url", "console.oidc needs it at https://: the provider sends people back there"))
    return found


def secure(url: str) -> bool:
    """https, or this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    good = parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1"))
    return bool(good and host and parts.username is None and not parts.query and not parts.fragment)


def _engines(config: Config) -> list[tuple[str, str]]:
    """The addresses as far as they can be judged without a network."""
    found: list[tuple[str, str]] = []
    try:
        address(config.store)
    except Misconfigured as wrong:
        found += [("store", reason) for _, _, reason in wrong.faults]
    if config.bus == "store:":
        return found
    from gateway.bus.redis_address import address as queue  # Redis' client is loaded only where it is used

    try:
        queue(config.bus)
    except Misconfigured as wrong:
        found += [("bus", reason) for _, _, reason in wrong.faults]
    if config.store.startswith("sqlite:"):
        found.append(("bus", "several gateways need one PostgreSQL; with sqlite: the queue is `store:`"))
    return found


def _known(normaliser: str) -> bool:
    try:
        normalise(normaliser, "")
    except ValueError:
        return False
    return True


def _key(config: Config) -> list[tuple[str, str]]:
    text = config.master_key.get_secret_value()
    try:
        good = len(bytes.fromhex(text)) == 32
    except ValueError:
        good = False
    return [] if good else [("master_key", "32 bytes in hex; `openssl rand -hex 32` makes one")]


def _mappings(path: Path, config: Config) -> list[Fault]:
    from gateway.mapped import faults

    return [(str(path), key, reason) for key, reason in faults(config)]


def _templates(config: Config) -> list[Fault]:
    from cards.deck import Deck

    return Deck(Path(config.cards_dir) if config.cards_dir else None).check()


def _access(config: Config) -> list[Fault]:
    try:
        access = AccessPolicy.load(Path(config.policies_dir) if config.policies_dir else None)
    except Misconfigured as error:
        return error.faults
    if locks_out(access.ruling, (), int(time.time() * 1000), config.zone):
        return [(str(config.policies_dir), "policies_dir", NOBODY_SEES)]
    return []
