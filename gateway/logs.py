"""The log: one line for each thing that happened, with its turn and its trace, and nothing of what anybody said.

What may stand in a line is named here. Of our own loggers: the sentence as the program spells it, numbers, names of the
configuration, and the texts of our own errors. Of everybody else's: a sentence that stands in their program as it is,
without what was put into it. Of an exception: its type and where it happened, never its message. Of `extra`: the keys
of `PLAIN`; those of `HASHED` as a keyed hash, the same on every instance. The rest is left out, and said so.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from gateway import telemetry
from gateway.errors import Misconfigured, Refused, Rejected, Retry, Unreadable
from gateway.metrics import LINES

OURS = "floatcard"
PLAIN = frozenset(
    {"channel", "count", "crm", "job", "kind", "method", "ms", "route", "status", "topic", "tries", "why"}
)
HASHED = frozenset({"lane", "message", "person", "place", "record", "room", "subject"})
LONGEST = 300
FRAMES = 12
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NAME = re.compile(r"[A-Za-z0-9_./{}<>:* -]{0,80}")
_PRINTABLE = re.compile(r"[^\x20-\x7e…’–—“”·]")
_SAID = (Retry, Rejected, Unreadable)
_UP = 20
"""So many callers up the sentence of a log line may stand."""
_LEVELS = {"alembic": "WARNING", "urllib3": "WARNING", "opentelemetry": "ERROR"}
"""A collector that is away is counted; a line for each second of it is no help."""

_keys: list[bytes] = [secrets.token_bytes(32)]


def hash_with(key: bytes) -> None:
    """Ids are hashed with this key from now on: the same id reads the same in the log of every instance."""
    _keys[0] = key


def hashed(id_: str) -> str:
    raw = id_.encode("utf-8", "surrogatepass")
    return "#" + hmac.new(_keys[0], raw, hashlib.sha256).hexdigest()[:12]


# -- what may be said


def sentence(record: logging.LogRecord) -> str:
    if ours(record):
        return _cut(_filled(record))
    text = str(record.msg).partition("\n")[0]
    return _cut(text) if _spelt(record.msg) else f"(not shown) {record.funcName}:{record.lineno}"


def ours(record: logging.LogRecord) -> bool:
    return record.name == OURS or record.name.startswith(f"{OURS}.")


def _filled(record: logging.LogRecord) -> str:
    args: Any = record.args if isinstance(record.args, tuple) else ()
    try:
        return str(record.msg) % tuple(_said(each) for each in args)
    except (TypeError, ValueError):
        return str(record.msg)


def _said(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return _error(value) if isinstance(value, BaseException) else type(value).__name__


def _error(why: BaseException) -> str:
    """Our own errors' texts are sentences of the program, a refusal's before its facts are filled in."""
    if isinstance(why, Refused):
        return why.say
    if isinstance(why, _SAID):
        return str(why)
    detail = _code(why)
    return f"{type(why).__name__} ({detail})" if detail else type(why).__name__


def _code(why: BaseException) -> str:
    """What a number or a code of the operating system or the database says."""
    if isinstance(why, OSError) and why.strerror and why.errno:
        return why.strerror
    origin = getattr(why, "orig", why)
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None)
    return str(code) if code else ""


def _spelt(text: object) -> bool:
    """Whether it stands in the program just like this: nothing was put into it while it ran."""
    frame = sys._getframe(1)
    seen = 0
    while frame is not None and seen < _UP:
        if text in frame.f_code.co_consts and frame.f_code.co_filename != __file__:
            return True
        above, seen = frame.f_back, seen + 1
        if above is None:
            return False
        frame = above
    return False


def _cut(text: str) -> str:
    return _PRINTABLE.sub("?", text)[:LONGEST]


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """What stands beside the sentence; what must not is left out, and its key named."""
    given = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    told = {key: _plain(given[key]) for key in sorted(PLAIN & given.keys())}
    told |= {key: hashed(str(given[key])) for key in sorted(HASHED & given.keys())}
    if left := sorted(key for key in given if key not in PLAIN | HASHED):
        told["left_out"] = [_plain(key) for key in left]
    return told


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if _NAME.fullmatch(value) else "?"
    return type(value).__name__


# -- exceptions


def broken(why: BaseException | None, depth: int = 0) -> list[dict[str, Any]]:
    """From the exception to what caused it: type, code and places; no message and no line of anybody's data."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    while why is not None and id(why) not in seen and len(chain) < 8:
        seen.add(id(why))
        chain.append({"type": _error(why)[:LONGEST], "at": _places(why.__traceback__)})
        if isinstance(why, BaseExceptionGroup) and depth < 2:
            chain[-1]["group"] = [broken(each, depth + 1) for each in why.exceptions[:5]]
        why = why.__cause__ or (None if why.__suppress_context__ else why.__context__)
    return chain


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    kept = frames if len(frames) <= FRAMES else [*frames[: FRAMES // 2], *frames[-FRAMES // 2 :]]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in kept]


def _short(path: str) -> str:
    return "/".join(path.replace("\\", "/").rsplit("/", 3)[-3:])


# -- lines


def line(record: logging.LogRecord, instance: str = "") -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    told: dict[str, Any] = {"at": at, "level": record.levelname, "logger": record.name, "says": sentence(record)}
    told |= {"turn": telemetry.turn(), "trace": telemetry.trace(), "instance": instance}
    told |= facts(record)
    if record.exc_info and record.exc_info[1] is not None:
        told["error"] = broken(record.exc_info[1])
    return {key: value for key, value in told.items() if value != ""}


class Json(logging.Formatter):
    def __init__(self, instance: str = "") -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(line(record, self._instance), ensure_ascii=True)


class Text(Json):
    def format(self, record: logging.LogRecord) -> str:
        told = line(record, self._instance)
        errors = told.pop("error", [])
        head = " ".join(str(told.pop(key)) for key in ("at", "level", "logger", "says"))
        more = [f"{key}={value}" for key, value in told.items()]
        return "\n".join([" ".join([head, *more]), *(row for each in errors for row in _rows(each))])


def _rows(error: dict[str, Any]) -> list[str]:
    rows = [f"  {error['type']}", *(f"    {place}" for place in error["at"])]
    return rows + [f"  {row}" for part in error.get("group", ()) for each in part for row in _rows(each)]


class Handler(logging.StreamHandler[Any]):
    def emit(self, record: logging.LogRecord) -> None:
        LINES.labels(record.levelname.lower()).inc()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the library's name
        """The library would print the record with all its arguments."""
        sys.stderr.write(f"a log line of {record.name} could not be written\n")


def set_up(form: Literal["json", "text"], level: str, instance: str = "", stream: Any = None) -> Handler:
    """The one handler of the process. What nobody caught goes the same way."""
    handler = Handler(stream if stream is not None else sys.stderr)
    handler.setFormatter(Json(instance) if form == "json" else Text(instance))
    root = logging.getLogger()
    for other in list(root.handlers):
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level)
    for library, least in _LEVELS.items():
        logging.getLogger(library).setLevel(least)
    logging.captureWarnings(True)
    sys.excepthook, threading.excepthook = _uncaught, _uncaught_in_thread
    return handler


def _uncaught(kind: type[BaseException], why: BaseException, where: TracebackType | None) -> None:
    if isinstance(why, KeyboardInterrupt | Misconfigured):
        return
    logging.getLogger(OURS).critical("nobody caught this", exc_info=(kind, why, where))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
