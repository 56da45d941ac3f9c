"""The names in files beside the database, so that a start with very many customers takes seconds."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from mentions import derive, ticker
from mentions.index import NameIndex
from mentions.saved import BadIndexFile, load, save
from mentions.words import DATA

log = logging.getLogger("floatcard.mentions")


def rules() -> str:
    """Of what makes names of a title: names kept under other rules are made anew."""
    parts = (*(Path(each.__file__ or "").read_bytes() for each in (derive, ticker)), (DATA / "words.txt").read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def write(path: Path, names: NameIndex, contacts: NameIndex, at: int) -> None:
    """`at`: from when on (ms) changes may be missing. Raises OSError."""
    about = beside(path, "at")
    about.unlink(missing_ok=True)
    save(names, path)
    save(contacts, beside(path, "contacts"))
    about.write_text(json.dumps({"at": at, "rules": rules()}), "ascii")


def read(path: Path) -> tuple[NameIndex, NameIndex, int] | None:
    """Names, contacts and from when on changes may be missing; None, and the log says why, when they are of no use.

    A file that `floatcard index build` made has no contacts, and is as old as it says.
    """
    if not path.exists():
        return None
    try:
        at = _at(path)
        contacts = beside(path, "contacts")
        return load(path), load(contacts) if contacts.exists() else NameIndex(), at
    except (BadIndexFile, OSError, ValueError, KeyError) as broken:
        log.warning("the kept names are of no use and are made anew: %s", broken)
        return None


def _at(path: Path) -> int:
    about = beside(path, "at")
    if not about.exists():
        return int(path.stat().st_mtime * 1000)
    told = json.loads(about.read_text("ascii"))
    if told["rules"] != rules():
        raise BadIndexFile("names are made by other rules now")
    return int(told["at"])
