"""Names made ready at the start, here or by another process: the same either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.mentioning.making import Making
from gateway.mentioning.slips import Suggestions
from mentions import first
from mentions.index import NameIndex
from mentions.model import Name

CUSTOMERS = [
    (f"crm:{n}", [Name(f"Zorvex{n} Foods"), Name(f"酷沃{n}号", "alias", 0.5)], [Name(f"Ann Orlo{n}")] if n % 2 else [])
    for n in range(39)
] + [("crm:slip", [Name("Brightwater Foods")], [])]
TEXT = "Zorvex7 Foods called, and Ann Orlo7 with 酷沃31号"


def told(made: tuple[NameIndex, NameIndex, Suggestions]) -> tuple[object, ...]:
    names, contacts, slips = made
    return (
        names.find(TEXT),
        contacts.find(TEXT),
        slips.suggest("Has Brigtwater Foods called?"),
        len(names),
        len(contacts),
    )


@pytest.fixture(scope="module")
def here() -> tuple[object, ...]:
    with Making() as making:
        making.add(CUSTOMERS)
        return told(making.made())


def test_few_are_made_here(here: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first, "made", lambda folder: pytest.fail("no process is worth this"))
    with Making(many=40) as making:
        making.add(CUSTOMERS)
        assert told(making.made()) == here
    found, spoken, meant, *counts = here
    assert found and spoken and meant and counts == [40, 19]


def test_many_are_made_by_another_process_and_nothing_is_left(
    here: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(first, "make", lambda folder: pytest.fail("another process does it"))
    with Making(many=10) as making:
        for at in range(0, 40, 8):
            making.add(CUSTOMERS[at : at + 8])
        assert next(tmp_path.iterdir())
        made = making.made()
    assert not list(tmp_path.iterdir())
    assert told(made) == here


def test_they_are_made_here_after_all_where_no_process_can_be_had(
    here: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mentions.aside.sys.executable", "/bin/false")
    with Making(many=10) as making:
        making.add(CUSTOMERS)
        assert told(making.made()) == here
    assert "it is done here" in caplog.text
