"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
reads = ${repr(config.attributes['reads'])}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """There is no way back but the backup: going down would throw decisions away."""
    raise RuntimeError("restore the backup taken before the upgrade")
