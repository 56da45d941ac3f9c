"""The one `MetaData` of the store. Tables live in files of one purpose, `tables*.py`, and register here."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import MetaData

APPLICATION_ID = 0x466C4361  # "FlCa", in the header of an SQLite file

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def complete() -> MetaData:
    """The metadata with every table registered: imports each `gateway/store/tables*.py`."""
    package = importlib.import_module("gateway.store")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("tables"):
            importlib.import_module(f"gateway.store.{module.name}")
    return metadata
