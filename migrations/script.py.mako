<%
    def without_remarks(commands):
        return "\n".join(line for line in commands.splitlines() if "###" not in line).strip() or "pass"
%>\
% if down_revision is None:
"""The tables of the main job, from the webhook that is kept to the message that is sent.

Nothing was released before, so there is nothing to carry over.
"""
% else:
"""${message}: SAY HERE WHY THE TABLES CHANGE."""
% endif

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
% if down_revision is None:

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
% endif


def upgrade() -> None:
    """The way up."""
    ${without_remarks(upgrades)}
% if down_revision is None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(COMPRESS_BODIES)
        op.execute(SHARE_NUMBERS)
        op.execute(SEPARATE_STORES)
        op.execute(NAME_ROLES)
% endif


def downgrade() -> None:
    """The way back."""
    ${without_remarks(downgrades)}
