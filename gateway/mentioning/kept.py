"""The names in files beside the database, so that a start with very many customers takes seconds."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import NamedTuple

from mentions import derive, slips, ticker
from mentions.index import NameIndex
from mentions.saved import BadIndexFile, load, save
from mentions.suggest import Suggester
from mentions.words import DATA

log = logging.getLogger("floatcard.mentions")


class Kept(NamedTuple):
    """`at`: from when on (ms) changes may be missing. Without `slips` those have to be made."""

    names: NameIndex
    contacts: NameIndex
    slips: Suggester | None
    at: int


def rules() -> str:
    """Of what makes names of a title: names kept under other rules are made anew."""
    code = (Path(each.__file__ or "").read_bytes() for each in (derive, ticker))
    return hashlib.sha256(b"\0".join((*code, (DATA / "words.txt").read_bytes()))).hexdigest()[:16]


def beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def write(path: Path, names: NameIndex, contacts: NameIndex, at: int) -> None:
    """`at`: from when on (ms) changes may be missing. Raises OSError."""
    about = beside(path, "at")
    slips_at = _told(about).get("slips_at")
    about.unlink(missing_ok=True)
    save(names, path)
    save(contacts, beside(path, "contacts"))
    about.write_text(json.dumps({"at": at, "rules": rules(), "slips_at": slips_at}), "ascii")


def make_slips(path: Path) -> Suggester:
    """Beside the names' file and as old as that; by another process. Raises OSError or ValueError."""
    about, at = beside(path, "at"), _at(path)
    slips.build(path, beside(path, "slips"))
    about.write_text(json.dumps({"at": at, "rules": rules(), "slips_at": at}), "ascii")
    return slips.load(beside(path, "slips"))


def read(path: Path) -> Kept | None:
    """None, and the log says why, when they are of no use.

    A file that `floatcard index build` made has no contacts and no slips, and is as old as it says.
    """
    if not path.exists():
        return None
    try:
        contacts = beside(path, "contacts")
        known, slips_at = _slips(path)
        at = min(_at(path), slips_at) if known is not None else _at(path)
        return Kept(load(path), load(contacts) if contacts.exists() else NameIndex(), known, at)
    except (BadIndexFile, OSError, ValueError, KeyError) as broken:
        log.warning("the kept names are of no use and are made anew: %s", broken)
        return None


def _slips(path: Path) -> tuple[Suggester | None, int]:
    at, file = _told(beside(path, "at")).get("slips_at"), beside(path, "slips")
    if at is None or not file.exists():
        return None, 0
    try:
        return slips.load(file), int(at)
    except (BadIndexFile, OSError) as broken:
        log.warning("the kept slips are of no use and are made anew: %s", broken)
        return None, 0


def _told(about: Path) -> dict[str, int | None]:
    try:
        told = json.loads(about.read_text("ascii"))
        return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return {}


def _at(path: Path) -> int:
    about = beside(path, "at")
    if not about.exists():
        return int(path.stat().st_mtime * 1000)
    told = json.loads(about.read_text("ascii"))
    if told["rules"] != rules():
        raise BadIndexFile("names are made by other rules now")
    return int(told["at"])
