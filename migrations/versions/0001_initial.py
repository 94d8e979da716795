"""The tables of the main job, from the webhook that is kept to the message that is sent.

Nothing was released before, so there is nothing to carry over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

# Bodies of webhooks are JSON text; lz4 unpacks them several times faster than the default. Servers
# built without it, and those before 14, keep the default.
COMPRESS_BODIES = """
DO $$ BEGIN
    EXECUTE 'ALTER TABLE inbound_bodies ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value OR syntax_error THEN
    RAISE NOTICE 'this server has no lz4: bodies keep the default compression';
END $$
"""
# Row-level security, the second wall between stores: a transaction says in `app.store` whose rows it
# means (app/engines.py) and sees no others, whatever its statements ask for; nothing said, none seen.
# FORCE holds the owner to it as well, which the role that migrates and serves usually is. The setting
# is read once a statement, for it stands in queries of its own. Memberships stand outside: a login spans
# stores, and whether somebody still has one is asked over all of them.
SEPARATE_STORES = """
DO $$
DECLARE tenant regclass;
BEGIN
    FOR tenant IN
        SELECT attrelid FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attname = 'store_id' AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
            AND relname <> 'memberships'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tenant);
        EXECUTE format(
            'CREATE POLICY of_the_store ON %s USING ('
            '(SELECT current_setting(''app.store'', true) = ''all'') OR store_id = '
            '(SELECT nullif(nullif(current_setting(''app.store'', true), ''''), ''all'')::bigint))',
            tenant
        );
    END LOOP;
END $$
"""
# Entries of the timeline stand in two tables and are read in the order of their ids (app/timeline.py).
SHARE_NUMBERS = "ALTER TABLE delivery_events ALTER COLUMN id SET DEFAULT nextval('customer_events_id_seq')"
# Two roles for who would rather grant the tables to a role than serve as their owner. A hosted database
# may not let us make roles; everything then runs under the role that connects. Roles belong to the
# whole server, so the way down leaves them.
NAME_ROLES = """
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ritorno_web', 'ritorno_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN RAISE NOTICE 'no right to make roles: none made';
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""


def upgrade() -> None:
    """The way up."""
    op.create_table(
        "access_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index("ix_access_log_customer", "access_log", ["store_id", "customer_id"], unique=False)
    op.create_index("ix_access_log_store", "access_log", ["store_id", "at", "id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_table(
        "attributions",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=15), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "order_id", name=op.f("pk_attributions")),
    )
    op.create_index("ix_attributions_message", "attributions", ["store_id", "message_id"], unique=False)
    op.create_index(
        "ix_attributions_occurred",
        "attributions",
        ["store_id", "occurred_at", "currency", "flow_key", "amount_minor"],
        unique=False,
    )
    op.create_index(
        "ix_attributions_steps",
        "attributions",
        ["store_id", "currency", "flow_key", "step", "occurred_at", "amount_minor"],
        unique=False,
    )
    op.create_table(
        "audit_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_store", "audit_log", ["store_id", "at", "id"], unique=False)
    op.create_table(
        "checkouts",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=128), nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("customer_external_id", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("locale", sa.String(length=20), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("recovery_url", sa.Text(), nullable=True),
        sa.Column("accepts_email", sa.Boolean(), nullable=True),
        sa.Column("accepts_sms", sa.Boolean(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("source_updated_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("order_external_id", sa.String(length=64), nullable=True),
        sa.Column("abandoned_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("store_id", "external_id", name=op.f("uq_checkouts_store_id_external_id")),
    )
    op.create_index("ix_checkouts_customer", "checkouts", ["store_id", "customer_id"], unique=False)
    op.create_index("ix_checkouts_email", "checkouts", ["store_id", "email"], unique=False)
    op.create_index("ix_checkouts_token", "checkouts", ["store_id", "token"], unique=False)
    op.create_index("ix_checkouts_updated", "checkouts", ["store_id", "source_updated_at"], unique=False)
    op.create_table(
        "confirmations",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "channel", "address_hash", name=op.f("pk_confirmations")),
    )
    op.create_index("ix_confirmations_asked", "confirmations", ["store_id", "asked_at"], unique=False)
    op.create_table(
        "consent_states",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.Column("proof_until", MOMENT, nullable=True),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", "channel", name=op.f("pk_consent_states")),
    )
    op.create_index("ix_consent_states_customer", "consent_states", ["store_id", "customer_id"], unique=False)
    op.create_index(
        "ix_consent_states_proof",
        "consent_states",
        ["store_id", "proof_until"],
        unique=False,
        sqlite_where=sa.text("proof_until IS NOT NULL"),
        postgresql_where=sa.text("proof_until IS NOT NULL"),
    )
    op.create_table(
        "consents",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint(
            "store_id", "customer_id", "source_key", name=op.f("uq_consents_store_id_customer_id_source_key")
        ),
    )
    op.create_index(
        "ix_consents_profile",
        "consents",
        ["store_id", "customer_id"],
        unique=False,
        sqlite_where=sa.text("substr(source, 1, 11) != 'order-meta:'"),
        postgresql_where=sa.text("substr(source, 1, 11) != 'order-meta:'"),
    )
    op.create_index(
        "ix_consents_refused",
        "consents",
        ["store_id", "customer_id", "state", "occurred_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('unsubscribed')"),
        postgresql_where=sa.text("state IN ('unsubscribed')"),
    )
    op.create_table(
        "customer_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("type", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("source_key", sa.String(length=120), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_events")),
        sa.UniqueConstraint("store_id", "source_key", name=op.f("uq_customer_events_store_id_source_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_customer_events_cases",
        "customer_events",
        ["store_id", "customer_id", "type", "occurred_at"],
        unique=False,
        sqlite_where=sa.text("type IN ('support.opened', 'support.closed')"),
        postgresql_where=sa.text("type IN ('support.opened', 'support.closed')"),
    )
    op.create_index(
        "ix_customer_events_customer",
        "customer_events",
        ["store_id", "customer_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_customer_events_pending",
        "customer_events",
        ["store_id", "id"],
        unique=False,
        sqlite_where=sa.text("is_pending = 1"),
        postgresql_where=sa.text("is_pending = true"),
    )
    op.create_index(
        "ix_customer_events_pending_of",
        "customer_events",
        ["store_id", "customer_id", "is_pending"],
        unique=False,
        sqlite_where=sa.text("is_pending = 1"),
        postgresql_where=sa.text("is_pending = true"),
    )
    op.create_table(
        "customer_merges",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("merged_external_id", sa.String(length=64), nullable=False),
        sa.Column("kept_external_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("merged_customer_id", ID, nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.Column("merged_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_merges")),
        sa.UniqueConstraint(
            "store_id",
            "merged_external_id",
            "kept_external_id",
            name=op.f("uq_customer_merges_store_id_merged_external_id_kept_external_id"),
        ),
    )
    op.create_index(
        "ix_customer_merges_customer", "customer_merges", ["store_id", "customer_id"], unique=False
    )
    op.create_index(
        "ix_customer_merges_merged", "customer_merges", ["store_id", "merged_customer_id"], unique=False
    )
    op.create_table(
        "customer_states",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("state", sa.String(length=15), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.JSON(), nullable=False),
        sa.Column("offered_at", MOMENT, nullable=True),
        sa.Column("timer_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_customer_states")),
    )
    op.create_index(
        "ix_customer_states_state", "customer_states", ["store_id", "state", "since"], unique=False
    )
    op.create_table(
        "customers",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("identity", sa.String(length=330), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("first_name", sa.String(length=255), nullable=True),
        sa.Column("last_name", sa.String(length=255), nullable=True),
        sa.Column("locale", sa.String(length=10), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("birth_month", sa.Integer(), nullable=True),
        sa.Column("birth_day", sa.Integer(), nullable=True),
        sa.Column("birth_known_at", MOMENT, nullable=True),
        sa.Column("own_words", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        sa.Column("discounted_count", sa.Integer(), nullable=False),
        sa.Column("total_spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("first_paid_at", MOMENT, nullable=True),
        sa.Column("last_paid_at", MOMENT, nullable=True),
        sa.Column("platform_orders_count", sa.Integer(), nullable=True),
        sa.Column("platform_orders_at", MOMENT, nullable=True),
        sa.Column("earlier_orders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("source_created_at", MOMENT, nullable=True),
        sa.Column("source_updated_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("erased_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("store_id", "identity", name=op.f("uq_customers_store_id_identity")),
        postgresql_with={"fillfactor": 50},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_customers_birthday", "customers", ["store_id", "birth_month", "birth_day"], unique=False
    )
    op.create_index("ix_customers_store", "customers", ["store_id", "id"], unique=False)
    op.create_index("ix_customers_store_id_email", "customers", ["store_id", "email"], unique=False)
    op.create_index(
        "ix_customers_store_id_external_id", "customers", ["store_id", "external_id"], unique=False
    )
    op.create_index("ix_customers_store_id_phone", "customers", ["store_id", "phone"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(
        "ix_decisions_customer", "decisions", ["store_id", "customer_id", "decided_at"], unique=False
    )
    op.create_index("ix_decisions_message", "decisions", ["store_id", "message_id"], unique=False)
    op.create_table(
        "delivery_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("event_key", sa.String(length=200), nullable=False),
        sa.Column("is_human", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("is_entry", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_events")),
        sa.UniqueConstraint(
            "store_id",
            "message_id",
            "event_key",
            name=op.f("uq_delivery_events_store_id_message_id_event_key"),
        ),
    )
    op.create_index(
        "ix_delivery_events_entries",
        "delivery_events",
        ["store_id", "id"],
        unique=False,
        sqlite_where=sa.text("is_entry = 1"),
        postgresql_where=sa.text("is_entry = true"),
    )
    op.create_index(
        "ix_delivery_events_occurred", "delivery_events", ["store_id", "occurred_at"], unique=False
    )
    op.create_table(
        "enrollments",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("occurrence", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("waits_for", sa.String(length=30), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("exit_reason", sa.String(length=40), nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("is_tallied", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint(
            "store_id",
            "flow_key",
            "customer_id",
            "occurrence",
            name=op.f("uq_enrollments_store_id_flow_key_customer_id_occurrence"),
        ),
    )
    op.create_index(
        "ix_enrollments_active",
        "enrollments",
        ["store_id", "customer_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )
    op.create_index(
        "ix_enrollments_customer",
        "enrollments",
        ["store_id", "customer_id", "flow_key", "entered_at"],
        unique=False,
    )
    op.create_index(
        "ix_enrollments_entered",
        "enrollments",
        ["store_id", "entered_at", "flow_key", "customer_id", "state"],
        unique=False,
    )
    op.create_index(
        "ix_enrollments_steps",
        "enrollments",
        ["store_id", "flow_key", "state", "version_id", "step", "exit_reason", "is_tallied", "ended_at"],
        unique=False,
        sqlite_where=sa.text("is_tallied = 0"),
        postgresql_where=sa.text("is_tallied = false"),
    )
    op.create_table(
        "erased_identities",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("identity_hash", sa.String(length=64), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("erased_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "identity_hash", name=op.f("pk_erased_identities")),
    )
    op.create_table(
        "flow_days",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("bounced", sa.Integer(), nullable=False),
        sa.Column("clicked", sa.Integer(), nullable=False),
        sa.Column("complained", sa.Integer(), nullable=False),
        sa.Column("unsubscribed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "day", "flow_key", name=op.f("pk_flow_days")),
    )
    op.create_table(
        "flow_effects",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("arm", sa.String(length=10), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("buyers", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False),
        sa.Column("squares", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "flow_key", "arm", name=op.f("pk_flow_effects")),
    )
    op.create_table(
        "flow_funnels",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("clicked", sa.Integer(), nullable=False),
        sa.Column("buyers", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "flow_key", name=op.f("pk_flow_funnels")),
    )
    op.create_table(
        "flow_switches",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "flow_key", "at", name=op.f("pk_flow_switches")),
    )
    op.create_table(
        "flow_tallies",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("clicked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "store_id", "flow_key", "kind", "step", "state", "reason", name=op.f("pk_flow_tallies")
        ),
    )
    op.create_table(
        "flow_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_versions")),
        sa.UniqueConstraint(
            "store_id", "flow_key", "number", name=op.f("uq_flow_versions_store_id_flow_key_number")
        ),
    )
    op.create_table(
        "flows",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("active_since", MOMENT, nullable=True),
        sa.Column("version_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flows")),
        sa.UniqueConstraint("store_id", "key", name=op.f("uq_flows_store_id_key")),
    )
    op.create_table(
        "fulfillments",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("fulfilled_at", MOMENT, nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("source_updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "order_id", "external_id", name=op.f("pk_fulfillments")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "inbound_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("dedupe_key", sa.String(length=128), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=True),
        sa.Column("subject_external_id", sa.String(length=64), nullable=True),
        sa.Column("signature", ID, nullable=True),
        sa.Column("triggered_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_events")),
        sa.UniqueConstraint(
            "store_id", "source", "dedupe_key", name=op.f("uq_inbound_events_store_id_source_dedupe_key")
        ),
    )
    op.create_index("ix_inbound_events_status", "inbound_events", ["store_id", "status", "id"], unique=False)
    op.create_index(
        "ix_inbound_events_subject",
        "inbound_events",
        ["subject_external_id", "signature"],
        unique=False,
        sqlite_where=sa.text("subject_external_id IS NOT NULL"),
        postgresql_where=sa.text("subject_external_id IS NOT NULL"),
    )
    op.create_index(
        "ix_inbound_events_waiting",
        "inbound_events",
        ["store_id", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('waiting', 'retrying')"),
        postgresql_where=sa.text("status IN ('waiting', 'retrying')"),
    )
    op.create_table(
        "install_attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("shop", sa.String(length=500), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_keys", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_install_attempts")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_install_attempts_state_hash")),
    )
    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "list_imports",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_imports")),
        sa.UniqueConstraint("store_id", "kind", "digest", name=op.f("uq_list_imports_store_id_kind_digest")),
    )
    op.create_table(
        "machine_starts",
        sa.Column("boot_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("boot_id", name=op.f("pk_machine_starts")),
    )
    op.create_table(
        "member_letters",
        sa.Column("id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("cut_off", sa.Integer(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_letters")),
    )
    op.create_index("ix_member_letters_next", "member_letters", ["status", "next_at"], unique=False)
    op.create_table(
        "member_sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("is_half", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_member_sessions_token_hash")),
    )
    op.create_index("ix_member_sessions_member", "member_sessions", ["member_id"], unique=False)
    op.create_table(
        "members",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=False),
        sa.Column("totp_at", MOMENT, nullable=True),
        sa.Column("totp_step", ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("email", name=op.f("uq_members_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "memberships",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.Column("invitation", sa.String(length=64), nullable=True),
        sa.Column("invited_until", MOMENT, nullable=True),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("store_id", "member_id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_member", "memberships", ["member_id", "store_id"], unique=False)
    op.create_table(
        "message_attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=15), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_attempts")),
    )
    op.create_index(
        "ix_message_attempts_message", "message_attempts", ["store_id", "message_id"], unique=False
    )
    op.create_index(
        "ix_message_attempts_started", "message_attempts", ["store_id", "started_at"], unique=False
    )
    op.create_table(
        "messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("enrollment_id", ID, nullable=True),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=15), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("is_prepared", sa.Boolean(), nullable=False),
        sa.Column("to_address", sa.String(length=320), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("provider_message_id", sa.String(length=128), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("clicked_at", MOMENT, nullable=True),
        sa.Column("unknown_since", MOMENT, nullable=True),
        sa.Column("is_tallied", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("asks_about", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("store_id", "key", name=op.f("uq_messages_store_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_messages_contents",
        "messages",
        ["store_id", "sent_at"],
        unique=False,
        sqlite_where=sa.text("content IS NOT NULL"),
        postgresql_where=sa.text("content IS NOT NULL"),
    )
    op.create_index("ix_messages_customer", "messages", ["store_id", "customer_id", "sent_at"], unique=False)
    op.create_index(
        "ix_messages_enrollment",
        "messages",
        ["store_id", "enrollment_id", "status", "clicked_at"],
        unique=False,
    )
    op.create_index(
        "ix_messages_open",
        "messages",
        ["store_id", "status", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('queued', 'preparing', 'sending')"),
        postgresql_where=sa.text("status IN ('queued', 'preparing', 'sending')"),
    )
    op.create_index(
        "ix_messages_polled",
        "messages",
        ["store_id", "next_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('sent') AND channel IN ('sms')"),
        postgresql_where=sa.text("status IN ('sent') AND channel IN ('sms')"),
    )
    op.create_index(
        "ix_messages_review_asks",
        "messages",
        ["store_id", "customer_id", "flow_key", "step", "status", "asks_about"],
        unique=False,
        sqlite_where=sa.text(
            "flow_key IN ('review') AND step IN ('M3') AND (status NOT IN ('stopped', 'expired'))"
        ),
        postgresql_where=sa.text(
            "flow_key IN ('review') AND step IN ('M3') AND (status NOT IN ('stopped', 'expired'))"
        ),
    )
    op.create_index("ix_messages_status", "messages", ["store_id", "status", "id"], unique=False)
    op.create_index(
        "ix_messages_steps",
        "messages",
        ["store_id", "flow_key", "step", "status", "reason", "clicked_at", "is_tallied", "created_at"],
        unique=False,
        sqlite_where=sa.text("is_tallied = 0"),
        postgresql_where=sa.text("is_tallied = false"),
    )
    op.create_index("ix_messages_store", "messages", ["store_id", "id"], unique=False)
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["store_id", "customer_id"],
        unique=False,
        sqlite_where=sa.text("status IN ('queued', 'preparing', 'sending', 'held')"),
        postgresql_where=sa.text("status IN ('queued', 'preparing', 'sending', 'held')"),
    )
    op.create_table(
        "notices",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cut_off", sa.Integer(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "kind", name=op.f("pk_notices")),
    )
    op.create_table(
        "order_lines",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("product_external_id", sa.String(length=64), nullable=True),
        sa.Column("variant_external_id", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("current_quantity", sa.Integer(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "order_id", "external_id", name=op.f("pk_order_lines")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orders",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("financial_status", sa.String(length=30), nullable=False),
        sa.Column("fulfillment_status", sa.String(length=30), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_codes", sa.JSON(), nullable=False),
        sa.Column("is_discounted", sa.Boolean(), nullable=False),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("is_paired", sa.Boolean(), nullable=False),
        sa.Column("is_attribution_due", sa.Boolean(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("lines_digest", sa.String(length=32), nullable=True),
        sa.Column("placed_at", MOMENT, nullable=False),
        sa.Column("paid_at", MOMENT, nullable=True),
        sa.Column("fulfilled_at", MOMENT, nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("source_updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("store_id", "external_id", name=op.f("uq_orders_store_id_external_id")),
    )
    op.create_index(
        "ix_orders_attribution",
        "orders",
        ["store_id", "id"],
        unique=False,
        sqlite_where=sa.text("is_attribution_due = 1"),
        postgresql_where=sa.text("is_attribution_due = true"),
    )
    op.create_index(
        "ix_orders_customer",
        "orders",
        [
            "store_id",
            "customer_id",
            "placed_at",
            "is_counted",
            "deleted_at",
            "paid_at",
            "total_minor",
            "refunded_minor",
            "is_discounted",
        ],
        unique=False,
    )
    op.create_index("ix_orders_placed", "orders", ["store_id", "placed_at"], unique=False)
    op.create_index(
        "ix_orders_unpaired",
        "orders",
        ["store_id", "id"],
        unique=False,
        sqlite_where=sa.text("is_counted = 1 AND is_paired = 0"),
        postgresql_where=sa.text("is_counted = true AND is_paired = false"),
    )
    op.create_table(
        "preferences",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("paused_until", MOMENT, nullable=True),
        sa.Column("topics_off", sa.JSON(), nullable=False),
        sa.Column("is_fewer", sa.Boolean(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_preferences")),
    )
    op.create_table(
        "privacy_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("proof", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
    )
    op.create_index(
        "ix_privacy_requests_open",
        "privacy_requests",
        ["store_id", "next_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index("ix_privacy_requests_store", "privacy_requests", ["store_id", "id"], unique=False)
    op.create_table(
        "product_counts",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("product_external_id", sa.String(length=64), nullable=False),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        sa.Column("orders", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "product_external_id", name=op.f("pk_product_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "product_pairs",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("product_external_id", sa.String(length=64), nullable=False),
        sa.Column("other_external_id", sa.String(length=64), nullable=False),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "store_id", "product_external_id", "other_external_id", name=op.f("pk_product_pairs")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_product_pairs_supported",
        "product_pairs",
        ["store_id", "product_external_id", "orders_count", "other_external_id"],
        unique=False,
        sqlite_where=sa.text("orders_count >= 20"),
        postgresql_where=sa.text("orders_count >= 20"),
    )
    op.create_table(
        "product_rhythms",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("product_external_id", sa.String(length=64), nullable=False),
        sa.Column("learned_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("median_days", sa.Integer(), nullable=False),
        sa.Column("low_days", sa.Integer(), nullable=False),
        sa.Column("high_days", sa.Integer(), nullable=False),
        sa.Column("long_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint(
            "store_id", "product_external_id", "learned_at", name=op.f("pk_product_rhythms")
        ),
    )
    op.create_index(
        "ix_product_rhythms_now",
        "product_rhythms",
        ["store_id", "gaps"],
        unique=False,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "product_variants",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("is_available", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "product_id", "external_id", name=op.f("pk_product_variants")),
    )
    op.create_table(
        "products",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("handle", sa.String(length=255), nullable=False),
        sa.Column("product_type", sa.String(length=255), nullable=False),
        sa.Column("vendor", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("is_available", sa.Boolean(), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=True),
        sa.Column("image_url", sa.String(length=1000), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("cross_sell_ids", sa.JSON(), nullable=False),
        sa.Column("up_sell_ids", sa.JSON(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("source_updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("store_id", "external_id", name=op.f("uq_products_store_id_external_id")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("member_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "refunds",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "order_id", "external_id", name=op.f("pk_refunds")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "restores",
        sa.Column("id", ID, nullable=False),
        sa.Column("backed_up_at", MOMENT, nullable=False),
        sa.Column("restored_at", MOMENT, nullable=False),
        sa.Column("revision", sa.String(length=40), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("external_id", sa.String(length=110), nullable=False),
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("product_external_id", sa.String(length=64), nullable=True),
        sa.Column("order_external_id", sa.String(length=64), nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("display_name", sa.String(length=60), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint(
            "store_id", "source", "external_id", name=op.f("uq_reviews_store_id_source_external_id")
        ),
    )
    op.create_index("ix_reviews_customer", "reviews", ["store_id", "customer_id"], unique=False)
    op.create_index(
        "ix_reviews_stars",
        "reviews",
        ["store_id", "rating", "id", "state"],
        unique=False,
        sqlite_where=sa.text("status IN ('approved', 'held', 'given')"),
        postgresql_where=sa.text("status IN ('approved', 'held', 'given')"),
    )
    op.create_index("ix_reviews_state", "reviews", ["store_id", "state", "id"], unique=False)
    op.create_table(
        "rhythms",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("gap_seconds", sa.Integer(), nullable=True),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_rhythms")),
    )
    op.create_table(
        "scheduled_jobs",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("last_run_at", MOMENT, nullable=True),
        sa.Column("next_run_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scheduled_jobs")),
    )
    op.create_table(
        "score_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("programme", sa.String(length=30), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(length=120), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_entries")),
        sa.UniqueConstraint(
            "store_id", "programme", "source_key", name=op.f("uq_score_entries_store_id_programme_source_key")
        ),
    )
    op.create_index(
        "ix_score_entries_customer",
        "score_entries",
        ["store_id", "customer_id", "programme", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "sender_days",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("bounced", sa.Integer(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("complained", sa.Integer(), nullable=False),
        sa.Column("unsubscribed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "channel", "day", name=op.f("pk_sender_days")),
    )
    op.create_table(
        "sender_domains",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("is_valid", sa.Boolean(), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("dmarc", sa.String(length=20), nullable=False),
        sa.Column("daily", sa.Integer(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_sender_domains")),
    )
    op.create_table(
        "senders",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("pause", sa.Text(), nullable=True),
        sa.Column("paused_until", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("refilled_at", MOMENT, nullable=True),
        sa.Column("trusted_from", sa.Date(), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("part_micros", sa.BigInteger(), nullable=True),
        sa.Column("billed_in", sa.String(length=3), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "channel", name=op.f("pk_senders")),
    )
    op.create_table(
        "set_asides",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("work", sa.String(length=20), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "work", "subject_id", name=op.f("pk_set_asides")),
    )
    op.create_index("ix_set_asides_next", "set_asides", ["work", "next_at", "store_id"], unique=False)
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "since", name=op.f("pk_sign_in_attempts")),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_links")),
    )
    op.create_table(
        "store_days",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False),
        sa.Column("subscribers", sa.Integer(), nullable=True),
        sa.Column("texting", sa.Integer(), nullable=True),
        sa.Column("reachable", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "day", name=op.f("pk_store_days")),
    )
    op.create_table(
        "store_writes",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_writes")),
        sa.UniqueConstraint(
            "store_id", "kind", "subject", name=op.f("uq_store_writes_store_id_kind_subject")
        ),
    )
    op.create_index("ix_store_writes_customer", "store_writes", ["store_id", "customer_id"], unique=False)
    op.create_index(
        "ix_store_writes_open",
        "store_writes",
        ["store_id", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued')"),
        postgresql_where=sa.text("state IN ('queued')"),
    )
    op.create_index("ix_store_writes_state", "store_writes", ["store_id", "state", "done_at"], unique=False)
    op.create_table(
        "stores",
        sa.Column("id", ID, nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("postal_address", sa.String(length=300), nullable=False),
        sa.Column("plugins", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("store_uid", sa.String(length=80), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("webhook_path", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("subscriptions", sa.JSON(), nullable=False),
        sa.Column("webhook_turns", sa.JSON(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("refused_at", MOMENT, nullable=True),
        sa.Column("refusal", sa.String(length=20), nullable=False),
        sa.Column("order_statuses", sa.JSON(), nullable=False),
        sa.Column("other_home", sa.JSON(), nullable=False),
        sa.Column("copies", sa.JSON(), nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("equipped_with", sa.String(length=16), nullable=False),
        sa.Column("editions", sa.Integer(), nullable=False),
        sa.Column("guide_hidden_at", MOMENT, nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("installed_at", MOMENT, nullable=False),
        sa.Column("uninstalled_at", MOMENT, nullable=True),
        sa.Column("reconciled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("platform", "domain", name=op.f("uq_stores_platform_domain")),
    )
    op.create_index("ix_stores_webhook_path", "stores", ["webhook_path"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "channel", "address_hash", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "templates",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("blocks", sa.JSON(), nullable=False),
        sa.Column("sms", sa.Text(), nullable=True),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "name", "locale", name=op.f("pk_templates")),
    )
    op.create_table(
        "text_costs",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("spent_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("provider_message_id", sa.String(length=128), nullable=True),
        sa.Column("ask_at", MOMENT, nullable=True),
        sa.Column("priced_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("store_id", "subject", name=op.f("pk_text_costs")),
    )
    op.create_index(
        "ix_text_costs_asked",
        "text_costs",
        ["store_id", "ask_at"],
        unique=False,
        sqlite_where=sa.text("ask_at IS NOT NULL"),
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index("ix_text_costs_spent", "text_costs", ["store_id", "spent_on"], unique=False)
    op.create_table(
        "ticket_bands",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("middle_from_minor", sa.BigInteger(), nullable=False),
        sa.Column("high_from_minor", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_ticket_bands")),
    )
    op.create_table(
        "timer_cursors",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("next_due_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_timer_cursors")),
    )
    op.create_index("ix_timer_cursors_next", "timer_cursors", ["next_due_at", "store_id"], unique=False)
    op.create_table(
        "timers",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "due_at", "kind", "subject_id", name=op.f("pk_timers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trials",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("to_address", sa.String(length=320), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
        sa.UniqueConstraint("store_id", "token", name=op.f("uq_trials_store_id_token")),
    )
    op.create_index("ix_trials_asked", "trials", ["store_id", "asked_at"], unique=False)
    op.create_index("ix_trials_status", "trials", ["store_id", "status"], unique=False)
    op.create_table(
        "vouchers",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("enrollment_id", ID, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=20), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("creation", sa.String(length=100), nullable=True),
        sa.Column("external_id", sa.String(length=80), nullable=True),
        sa.Column("minted_at", MOMENT, nullable=True),
        sa.Column("redeemed_at", MOMENT, nullable=True),
        sa.Column("redeemed_order_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouchers")),
        sa.UniqueConstraint("store_id", "code", name=op.f("uq_vouchers_store_id_code")),
        sa.UniqueConstraint(
            "store_id", "enrollment_id", "name", name=op.f("uq_vouchers_store_id_enrollment_id_name")
        ),
    )
    op.create_index("ix_vouchers_customer", "vouchers", ["store_id", "customer_id"], unique=False)
    op.create_index(
        "ix_vouchers_redeemed",
        "vouchers",
        ["store_id", "redeemed_order_id"],
        unique=False,
        sqlite_where=sa.text("redeemed_order_id IS NOT NULL"),
        postgresql_where=sa.text("redeemed_order_id IS NOT NULL"),
    )
    op.create_table(
        "backfills",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("resource", sa.String(length=20), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_backfills_store_id_stores")),
        sa.PrimaryKeyConstraint("store_id", "resource", name=op.f("pk_backfills")),
    )
    op.create_table(
        "chores",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("position", sa.String(length=40), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_chores_store_id_stores")),
        sa.PrimaryKeyConstraint("store_id", "name", name=op.f("pk_chores")),
    )
    op.create_index("ix_chores_next", "chores", ["name", "next_at", "store_id"], unique=False)
    op.create_table(
        "flow_drafts",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_flow_drafts_store_id_stores")),
        sa.PrimaryKeyConstraint("store_id", "flow_key", name=op.f("pk_flow_drafts")),
    )
    op.create_table(
        "inbound_bodies",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_bodies")),
    )
    op.create_index("ix_inbound_bodies_received", "inbound_bodies", ["store_id", "received_at"], unique=False)
    op.create_table(
        "reconciliations",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("resource", sa.String(length=20), nullable=False),
        sa.Column("pulled_to", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_reconciliations_store_id_stores")),
        sa.PrimaryKeyConstraint("store_id", "resource", name=op.f("pk_reconciliations")),
    )
    op.create_index("ix_reconciliations_next", "reconciliations", ["next_at", "store_id"], unique=False)
    op.create_table(
        "rehearsals",
        sa.Column("store_id", ID, nullable=False),
        sa.Column("flow_key", sa.String(length=40), nullable=False),
        sa.Column("is_draft", sa.Boolean(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("begin", MOMENT, nullable=False),
        sa.Column("end", MOMENT, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("is_waiting", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_rehearsals_store_id_stores")),
        sa.PrimaryKeyConstraint("store_id", "flow_key", "is_draft", name=op.f("pk_rehearsals")),
    )
    op.create_index("ix_rehearsals_waiting", "rehearsals", ["is_waiting", "asked_at"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        op.execute(COMPRESS_BODIES)
        op.execute(SHARE_NUMBERS)
        op.execute(SEPARATE_STORES)
        op.execute(NAME_ROLES)


def downgrade() -> None:
    """The way back."""
    op.drop_table("rehearsals")
    op.drop_table("reconciliations")
    op.drop_table("inbound_bodies")
    op.drop_table("flow_drafts")
    op.drop_table("chores")
    op.drop_table("backfills")
    op.drop_table("vouchers")
    op.drop_table("trials")
    op.drop_table("timers")
    op.drop_table("timer_cursors")
    op.drop_table("ticket_bands")
    op.drop_table("text_costs")
    op.drop_table("templates")
    op.drop_table("suppressions")
    op.drop_table("stores")
    op.drop_table("store_writes")
    op.drop_table("store_days")
    op.drop_table("sign_in_links")
    op.drop_table("sign_in_attempts")
    op.drop_table("set_asides")
    op.drop_table("senders")
    op.drop_table("sender_domains")
    op.drop_table("sender_days")
    op.drop_table("score_entries")
    op.drop_table("scheduled_jobs")
    op.drop_table("rhythms")
    op.drop_table("reviews")
    op.drop_table("restores")
    op.drop_table("refunds")
    op.drop_table("recovery_codes")
    op.drop_table("products")
    op.drop_table("product_variants")
    op.drop_table("product_rhythms")
    op.drop_table("product_pairs")
    op.drop_table("product_counts")
    op.drop_table("privacy_requests")
    op.drop_table("preferences")
    op.drop_table("orders")
    op.drop_table("order_lines")
    op.drop_table("notices")
    op.drop_table("messages")
    op.drop_table("message_attempts")
    op.drop_table("memberships")
    op.drop_table("members")
    op.drop_table("member_sessions")
    op.drop_table("member_letters")
    op.drop_table("machine_starts")
    op.drop_table("list_imports")
    op.drop_table("job_runs")
    op.drop_table("install_attempts")
    op.drop_table("inbound_events")
    op.drop_table("heartbeats")
    op.drop_table("fulfillments")
    op.drop_table("flows")
    op.drop_table("flow_versions")
    op.drop_table("flow_tallies")
    op.drop_table("flow_switches")
    op.drop_table("flow_funnels")
    op.drop_table("flow_effects")
    op.drop_table("flow_days")
    op.drop_table("erased_identities")
    op.drop_table("enrollments")
    op.drop_table("delivery_events")
    op.drop_table("decisions")
    op.drop_table("customers")
    op.drop_table("customer_states")
    op.drop_table("customer_merges")
    op.drop_table("customer_events")
    op.drop_table("consents")
    op.drop_table("consent_states")
    op.drop_table("confirmations")
    op.drop_table("checkouts")
    op.drop_table("audit_log")
    op.drop_table("attributions")
    op.drop_table("api_keys")
    op.drop_table("access_log")
