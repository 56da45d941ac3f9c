"""An import only goes down a floor, and each third-party library has a home."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("reconcile", "crm", "mentions", "cards", "channels", "identity", "gateway")

# Where a library may be imported; a folder or a file, without its ending.
HOMES: dict[str, tuple[str, ...]] = {
    "aiohttp": ("channels", "crm", "gateway"),  # aiohttp.web has a home of its own, below
    "alembic": ("gateway/store",),
    "authlib": ("gateway/http",),
    "babel": ("cards",),
    "cedarpy": ("identity",),
    "cryptography": ("gateway/store", "identity/certificates"),
    "daachorse": ("mentions",),
    "httptools": ("gateway/http/entrance",),
    "jinja2": ("cards", "gateway/console"),
    "joserfc": ("gateway/http",),  # what authlib signs and reads tokens with
    "markupsafe": ("cards", "gateway/console"),
    "opencc": ("mentions",),
    "opentelemetry": ("gateway/telemetry",),
    "orjson": ("channels", "crm", "gateway", "mentions"),
    "phonenumbers": ("reconcile",),
    "prometheus_client": ("gateway/metrics",),
    "psycopg": ("gateway/store",),
    "pydantic": ("channels", "crm", "gateway"),
    "redis": ("gateway/bus",),
    "rich": ("gateway/cli",),
    "slack_bolt": ("channels/slack",),
    "slack_sdk": ("channels/slack",),
    "sqlalchemy": ("gateway/store", "crm/local", "crm/sql"),
    "telegram": ("channels/telegram",),
    "spylls": ("mentions/train",),  # only retraining needs it
    "typer": ("gateway/cli",),
    "uvloop": ("gateway/loop",),
    "yarl": ("channels", "gateway"),  # aiohttp's own addresses
}


def modules() -> Iterator[Path]:
    for floor in FLOORS:
        yield from sorted((ROOT / floor).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the import out in full"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def strays(path: str, names: Iterator[tuple[int, str]]) -> list[str]:
    floor = FLOORS.index(path.split("/")[0])
    found = []
    for line, name in names:
        top = name.split(".")[0]
        if top in FLOORS and FLOORS.index(top) > floor and not name.startswith("gateway.errors"):
            if name == "gateway" and floor < len(FLOORS) - 1:
                continue  # the package of gateway.errors: empty
            found.append(f"{path}:{line}: {FLOORS[floor]} is below {top}; move what both need down a floor")
    return found


def homeless(path: str, names: Iterator[tuple[int, str]]) -> list[str]:
    found = []
    for line, name in names:
        top = name.split(".")[0]
        if top in FLOORS or top in sys.stdlib_module_names:
            continue
        homes = HOMES.get(top)
        if homes is None:
            found.append(f"{path}:{line}: {top} has no home; give it one in tests/house/test_floors.py, with a reason")
        elif not any(path.startswith((f"{home}/", f"{home}.")) for home in homes):
            found.append(f"{path}:{line}: {top} lives in {', '.join(homes)}")
        if name.startswith("aiohttp.web") and not path.startswith("gateway/http/"):
            found.append(f"{path}:{line}: aiohttp's server side lives in gateway/http")
    return found


def test_imports_go_down() -> None:
    wrong = [each for path in modules() for each in strays(str(path.relative_to(ROOT)), imports(path))]
    assert not wrong, "\n".join(wrong)


def test_libraries_live_at_home() -> None:
    wrong = [each for path in modules() for each in homeless(str(path.relative_to(ROOT)), imports(path))]
    assert not wrong, "\n".join(wrong)


OURS = (
    "doctor",
    "fit",
    "hosts",
    "http",
    "keeper",
    "letter",
    "limits",
    "misread",
    "mapping",
    "model",
    "ranks",
    "registry",
    "seal",
    "simple",
    "value",
    "wire",
)
"""What the folders of networks and CRMs hold besides them."""


def test_nobody_outside_a_vendors_module_names_it() -> None:
    vendors = tuple(
        f"{room}.{path.stem}"
        for room in ("channels", "crm")
        for path in (ROOT / room).iterdir()
        if path.stem not in OURS and path.stem[0] != "_"
    )
    assert {"channels.web", "channels.slack", "crm.local"} <= set(vendors)
    allowed = ("channels/", "crm/", "gateway/demo/", "gateway/cli/importing")
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name} is configured, never imported"
        for path in modules()
        if not str(path.relative_to(ROOT)).startswith(allowed)
        for line, name in imports(path)
        if name.startswith(vendors) and any(name == each or name.startswith(f"{each}.") for each in vendors)
    ]
    assert not wrong, "\n".join(wrong)


NETWORKS = ("slack", "telegram", "matrix")
PROSE = {
    # An address in a message may begin with this.
    "mentions/bounds.py": "slack",
    # Gauss' elimination.
    "mentions/train/fit.py": "matrix",
    # The description of `type`, with examples.
    "gateway/config/model.py": "slack",
}


def named(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of every network that code, its strings or its words for people name; comments and docstrings, which
    may give an example, aside."""
    tree = ast.parse(source)
    prose = {id(part.value) for part in ast.walk(tree) if isinstance(part, ast.Expr)}
    for node in ast.walk(tree):
        words = [str(each) for key, each in ast.iter_fields(node) if key in ("id", "attr", "arg", "name", "module")]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            words.append(node.value)
        found = [network for network in NETWORKS for word in words if network in re.split(r"[^a-z]+", word.lower())]
        yield from ((getattr(node, "lineno", 0), each) for each in found)


def test_nothing_outside_a_networks_folder_names_it() -> None:
    wrong = [
        f"{where}:{line}: names {name}; say what it can do, not who it is"
        for path in modules()
        if not (where := str(path.relative_to(ROOT))).startswith(tuple(f"channels/{each}/" for each in NETWORKS))
        for line, name in named(path.read_text("utf-8"))
        if PROSE.get(where) != name
    ]
    pages = [each for each in (ROOT / "gateway").rglob("*") if each.suffix in (".j2", ".html", ".js", ".css", ".toml")]
    pages += (ROOT / "cards" / "templates").rglob("*.j2")
    assert pages
    wrong += [
        f"{each.relative_to(ROOT)}: names {name}"
        for each in pages
        for name in NETWORKS
        if name in re.split(r"[^a-z]+", each.read_text("utf-8").lower())
    ]
    assert not wrong, "\n".join(wrong)


def test_the_test_of_names_can_fail() -> None:
    assert list(named('if channel.name == "slack":\n    pass')) == [(1, "slack")]
    assert list(named("def telegram_only() -> None: ...")) == [(1, "telegram")]
    assert not list(named('"""Such as slack."""\n# and matrix\nx = 1'))


ALIKE = {
    "calls": (),
    "cards": ("LIMITS", "draw"),
    "channel": ("Channel",),
    "config": ("Config",),
    "doctor": ("examine",),
    "events": ("EVENTS", "parse"),
}
LISTENING = {"listen": ("Listener",), "members": ("Members",), "text": (), **ALIKE}
"""The same things are in files of the same names."""


@pytest.mark.parametrize("network", [*NETWORKS, "web"])
def test_the_third_looks_like_the_first(network: str) -> None:
    for file, parts in (ALIKE if network == "web" else LISTENING).items():
        path = ROOT / "channels" / network / f"{file}.py"
        assert path.is_file(), f"{network} has no {file}.py"
        body = ast.parse(path.read_text("utf-8")).body
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        found = {each.name for each in body if isinstance(each, kinds)}
        found |= {
            str(each.target.id)
            for each in body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }
        found |= {
            t.id for each in body if isinstance(each, ast.Assign) for t in each.targets if isinstance(t, ast.Name)
        }
        assert set(parts) <= found, f"channels/{network}/{file}.py has no {set(parts) - found}"


def test_the_errors_import_nothing_and_the_gateways_package_is_empty() -> None:
    assert not list(imports(ROOT / "gateway/errors.py"))
    assert not (ROOT / "gateway/__init__.py").read_text("utf-8").strip()


@pytest.mark.parametrize(
    ("path", "source", "says"),
    [
        ("reconcile/x.py", "import crm.model", "reconcile is below crm"),
        ("cards/x.py", "from channels import model", "cards is below channels"),
        ("channels/x.py", "def f():\n    import gateway.spine", "channels is below gateway"),
    ],
)
def test_the_floor_test_can_fail(path: str, source: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(source)
    assert says in "".join(strays(path, imports(file)))


@pytest.mark.parametrize(
    ("path", "source", "says"),
    [
        ("gateway/http/x.py", "import jinja2", "jinja2 lives in"),
        ("gateway/spine.py", "from aiohttp import web", "server side"),
        ("crm/x.py", "import requests", "no home"),
    ],
)
def test_the_home_test_can_fail(path: str, source: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(source)
    assert says in "".join(homeless(path, imports(file)))
