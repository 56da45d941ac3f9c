"""SQLite keeps a text in a column of numbers or dates. It is read as it stands, and ends no reading of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, Dialect, type_coerce, types

_TYPED = (types.Numeric, types.Date, types.DateTime)


class _Lenient(types.UserDefinedType[Any]):
    cache_ok = True

    def __init__(self, usual: types.TypeEngine[Any]) -> None:
        self.usual = usual

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        usual = self.usual.dialect_impl(dialect).result_processor(dialect, coltype)
        if usual is None:
            return None

        def heard(raw: Any) -> Any:
            try:
                return usual(raw)
            except (TypeError, ValueError):
                return raw

        return heard


def lenient(column: ColumnClause[Any], dialect: str) -> ColumnElement[Any]:
    """The column as it is selected."""
    if dialect != "sqlite" or not isinstance(column.type, _TYPED):
        return column
    return type_coerce(column, _Lenient(column.type)).label(column.name)
