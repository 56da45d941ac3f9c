"""Run by Alembic only, on the connection and in the transaction of `gateway.store.migrate`."""

from __future__ import annotations

from alembic import context

from gateway.store.schema import complete

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=complete(),
    compare_type=True,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
