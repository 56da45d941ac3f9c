"""What is built is what runs: the wheel holds the rooms with their templates, policies, catalogues and migrations."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"gateway", "channels", "cards", "identity", "crm", "mentions", "reconcile"}
NEEDED = (
    "cards/templates/customer.xml.j2",
    "cards/locales/zh_CN/LC_MESSAGES/floatcard.mo",
    "identity/policies/schema.cedarschema",
    "gateway/store/migrations/versions/schema_0001.py",
    "gateway/demo/floatcard.toml",
    "gateway/console/chat/static/app.js",
    "crm/local/sample/others.csv",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_it_holds_the_rooms_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}
    assert tops == ROOMS


@pytest.mark.parametrize("name", NEEDED)
def test_it_holds_what_is_not_python(wheel: zipfile.ZipFile, name: str) -> None:
    assert name in wheel.namelist()


def test_it_runs_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path[:] = [p for p in sys.path if p and p != {str(ROOT)!r}]; "
        f"sys.path.insert(0, {str(tmp_path / 'site')!r}); "
        "from cards.deck import Deck; from identity.access import AccessPolicy; import gateway.cli; "
        "assert gateway.cli.__file__.startswith(sys.path[0]); assert not Deck().check(); AccessPolicy.load(None)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
