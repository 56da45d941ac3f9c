"""Where commands speak. Rich is loaded when one of them does: a gateway that runs has no use for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Speaker:
    """A console that is made when it is first wanted."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._stderr = stderr

    @cached_property
    def console(self) -> Console:
        from rich.console import Console

        return Console(stderr=self._stderr, highlight=False)

    def print(self, *what: Any, style: str | None = None, markup: bool | None = None, soft_wrap: bool = False) -> None:
        """As rich's own `print`."""
        self.console.print(*what, style=style, markup=markup, soft_wrap=soft_wrap)


out = Speaker()
err = Speaker(stderr=True)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that moves with `(done, total)`, on a terminal; `total` is 0 while it is not known."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err.console, transient=True, disable=not err.console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
