"""What is PostgreSQL's own: how text reaches it, what its errors mean, and whether this one will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg.connection
from psycopg import Pipeline
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection

if TYPE_CHECKING:
    from psycopg.abc import PQGen

OLDEST = 140_000
"""As server_version_num spells it."""
TOO_OLD = "is PostgreSQL {version}; Floatcard needs 14 or newer"
NO_UTF8 = "keeps text as {encoding}; make it again with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
NO_RIGHTS = (
    "may not be changed by the user {user}: Floatcard makes its own tables. Let a user that may run once: "
    "GRANT CREATE, USAGE ON SCHEMA {schema} TO {user}"
)
STANDBY = "is a standby that takes no writes; point `store` at the primary"


class Ended(Pipeline):
    """Ends with the Sync that the server answers, and with nothing after it. psycopg lets a Flush follow, and by any
    message PostgreSQL stops counting how long it waits in a transaction: whoever froze then would hold what it locked
    for as long as its machine lives, whatever idle_in_transaction_session_timeout says."""

    def _exit_gen(self) -> PQGen[None]:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        finally:
            yield from self._fetch_gen(flush=False)


# executemany makes one of its own
psycopg.connection.Pipeline = Ended  # type: ignore[attr-defined]


class Text(StrDumperUnknown):
    """Text as PostgreSQL can hold it: a NUL and half a surrogate become the replacement character."""

    def dump(self, obj: str) -> Any:
        try:
            plain = obj.encode()
        except UnicodeEncodeError:
            plain = obj.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        return plain.replace(b"\0", b"\xef\xbf\xbd") if b"\0" in plain else plain


def unfit(connection: Connection) -> str | None:
    """Why this database cannot be our store, before anything is changed in it."""
    row = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
        "current_setting('server_encoding'), pg_is_in_recovery()"
    ).one()
    number, version, encoding, standby = row
    if number < OLDEST:
        return TOO_OLD.format(version=version)
    if encoding != "UTF8":
        return NO_UTF8.format(encoding=encoding)
    return STANDBY if standby else None


def powerless(connection: Connection) -> str | None:
    """Why this user cannot make or change our tables."""
    query = "SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')"
    user, schema, may = connection.exec_driver_sql(query).one()
    return None if may else NO_RIGHTS.format(user=user, schema=schema or "public")


TELLS = (
    ("password authentication failed", "password"),
    ("no password supplied", "password"),
    ("no pg_hba.conf entry", "not_let_in"),
    ("is not permitted to log in", "not_let_in"),
    ("does not support SSL", "no_tls"),
    ("certificate", "untrusted"),
    ("SSL error", "untrusted"),
    ("too many clients", "too_many"),
    ("remaining connection slots", "too_many"),
    ("too many connections", "too_many"),
    # PgBouncer's own: max_client_conn, max_db_client_connections and max_user_client_connections, a full pool
    ("no more connections allowed", "too_many"),
    ("client connections exceeded", "too_many"),
    ("query_wait_timeout", "too_many"),
)


def refused(text: str) -> str | None:
    """Which of the answers to a connection this is: libpq gives them as text alone."""
    if 'database "' in text and "does not exist" in text:
        return "no_database"
    return next((why for part, why in TELLS if part in text), None)
