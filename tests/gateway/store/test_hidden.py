"""A database's error never says a value: neither its text nor what is logged of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.store.engine import Store

SECRET = "+86 512 6288 0000"


async def test_an_error_names_no_value(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")

    def broken(connection: Connection) -> None:
        connection.execute(text("SELECT * FROM nothing WHERE phone = :phone"), {"phone": SECRET})

    try:
        with pytest.raises(Exception) as caught:
            await store.read(broken)
    finally:
        await store.close()
    said: BaseException | None = caught.value
    while said is not None:
        assert SECRET not in str(said)
        said = said.__cause__ or said.__context__
