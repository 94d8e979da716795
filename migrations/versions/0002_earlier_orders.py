"""Orders that Shopify counts and does not show, so that who bought long ago is no first-time buyer.

Both columns come empty: a shop's customers are told anew by the next reconciliation.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Add when the platform's number was told, and what is hidden of it."""
    op.add_column("customers", sa.Column("platform_orders_at", MOMENT, nullable=True))
    op.add_column("customers", sa.Column("earlier_orders", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Drop both."""
    with op.batch_alter_table("customers") as customers:
        customers.drop_column("earlier_orders")
        customers.drop_column("platform_orders_at")
