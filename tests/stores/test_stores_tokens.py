"""Renewing Shopify's tokens: once per shop, and safe to die at any moment."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.db import lease_now, wall_now
from app.models import Store
from app.runtime import Runtime
from app.stores import connections, credentials, install
from app.stores.tokens import fresh_shopify_token
from connectors.base import ConnectorError, Unauthorized
from tests.engines import POSTGRESQL, SQLITE
from tests.stores.stores_seed import INSTALLED_AT, arrive, shopify_arrival
from tests.stores.stores_wire import SHOP, FakePlatforms

pytestmark = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])
TOKEN_PATH = f"/shopify/{SHOP}/admin/oauth/access_token"
FAR_AWAY = 4_102_444_800.0


def _access(runtime: Runtime, store: Store) -> dict[str, Any]:
    with runtime.database.read() as session:
        return credentials.unseal(runtime.vault, session.get_one(Store, store.id).credentials).access


def _change_access(runtime: Runtime, store: Store, **changes: object) -> None:
    with runtime.database.write() as session:
        credentials.change(
            session,
            runtime.vault,
            session.get_one(Store, store.id),
            lambda secrets: replace(secrets, access={**secrets.access, **changes}),
        )


def _state(runtime: Runtime, store: Store) -> str:
    with runtime.database.read() as session:
        return session.get_one(Store, store.id).state


def test_eight_threads_renew_once(runtime: Runtime, platforms: FakePlatforms, shopify_store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: fresh_shopify_token(runtime, shopify_store.id), range(8)))

    assert set(tokens) == {"access-1"}
    assert [call["refresh_token"] for call in platforms.grants] == ["refresh-0"]


def test_a_token_that_is_good_is_not_renewed(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    _change_access(runtime, shopify_store, expires_at=FAR_AWAY)

    assert fresh_shopify_token(runtime, shopify_store.id) == "access-old"
    assert platforms.calls == []


def test_a_token_without_an_end_counts_as_ended(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    _change_access(runtime, shopify_store, expires_at=0)

    assert fresh_shopify_token(runtime, shopify_store.id) == "access-1"


def test_a_token_of_before_is_migrated_once(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    platforms.access_tokens.append("from before")
    platforms.endless_tokens.append("from before")
    with runtime.database.write() as session:
        credentials.change(
            session,
            runtime.vault,
            session.get_one(Store, shopify_store.id),
            lambda secrets: replace(secrets, access={"access_token": "from before"}),
        )

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: fresh_shopify_token(runtime, shopify_store.id), range(8)))

    assert set(tokens) == {"access-1"}
    assert [call.get("subject_token") for call in platforms.grants] == ["from before"]
    assert _access(runtime, shopify_store)["refresh_token"] == "refresh-1"


def test_the_pair_is_kept_with_the_token_that_brought_it(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    fresh_shopify_token(runtime, shopify_store.id)

    access = _access(runtime, shopify_store)
    assert access["refresh_token"] == platforms.refresh_tokens[-1]
    assert access["previous_refresh_token"] == "refresh-0"
    assert "lease" not in access


def test_a_renewal_tells_what_is_granted_now(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    fresh_shopify_token(runtime, shopify_store.id)

    with runtime.database.read() as session:
        granted = session.get_one(Store, shopify_store.id).scopes
    assert granted == ["read_customers", "read_orders"]


def test_a_refused_refresh_token_falls_back_to_the_one_before(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    _change_access(runtime, shopify_store, refresh_token="lost", previous_refresh_token="refresh-0")

    assert fresh_shopify_token(runtime, shopify_store.id) == "access-2"
    assert [call["refresh_token"] for call in platforms.grants] == ["lost", "refresh-0"]


def test_a_dead_refresh_token_asks_the_merchant_to_reconnect(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    platforms.refresh_tokens.clear()

    with pytest.raises(Unauthorized):
        fresh_shopify_token(runtime, shopify_store.id)

    assert _state(runtime, shopify_store) == "needs_reconnect"
    assert "lease" not in _access(runtime, shopify_store)


def test_a_renewal_that_works_again_connects_again(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    with runtime.database.write() as session:
        assert install.ask_to_reconnect(session, shopify_store.id)

    fresh_shopify_token(runtime, shopify_store.id)

    assert _state(runtime, shopify_store) == "connected"


def test_a_failing_endpoint_leaves_the_shop_connected_and_the_lease_free(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    platforms.silent_paths.add(TOKEN_PATH)

    with pytest.raises(ConnectorError) as failure:
        fresh_shopify_token(runtime, shopify_store.id)

    assert not failure.value.permanent
    assert _state(runtime, shopify_store) == "connected"
    platforms.silent_paths.clear()
    assert fresh_shopify_token(runtime, shopify_store.id)


def test_a_token_with_minutes_left_does_while_the_endpoint_fails(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    platforms.silent_paths.add(TOKEN_PATH)
    with runtime.database.read() as session:
        now = wall_now(session).timestamp()
    _change_access(runtime, shopify_store, expires_at=now + 200.0)

    assert fresh_shopify_token(runtime, shopify_store.id) == "access-old"


def test_another_process_that_renews_is_not_disturbed(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    with runtime.database.read() as session:
        until = lease_now(session).timestamp() + 60
    _change_access(runtime, shopify_store, lease={"token": "theirs", "until": until})

    with pytest.raises(ConnectorError) as failure:
        fresh_shopify_token(runtime, shopify_store.id)

    assert failure.value.retry_after_seconds
    assert platforms.calls == []


def test_who_lost_the_lease_changes_nothing(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    newer = {"access_token": "theirs", "expires_at": FAR_AWAY, "refresh_token": "refresh-theirs"}

    def reinstall() -> None:
        arrive(runtime, shopify_arrival(newer), INSTALLED_AT)

    platforms.before_token_answer = reinstall

    assert fresh_shopify_token(runtime, shopify_store.id) == "theirs"
    assert _access(runtime, shopify_store) == newer


def test_an_uninstall_during_the_renewal_wins(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    def leave() -> None:
        with runtime.database.write() as session:
            install.uninstall(session, session.get_one(Store, shopify_store.id), INSTALLED_AT)

    platforms.before_token_answer = leave

    with pytest.raises(ConnectorError):
        fresh_shopify_token(runtime, shopify_store.id)

    assert _state(runtime, shopify_store) == "uninstalled"
    assert _access(runtime, shopify_store) == {}


def test_an_uninstalled_shop_is_never_called(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shopify_store.id)
        install.uninstall(session, store, INSTALLED_AT)

    with pytest.raises(Unauthorized):
        fresh_shopify_token(runtime, store.id)
    with pytest.raises(Unauthorized):
        connections.storefront(runtime, store)

    assert platforms.calls == []
    assert _state(runtime, store) == "uninstalled"


def test_an_operator_without_an_app_does_not_make_shops_reconnect(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    bare = replace(runtime, settings=runtime.settings.model_copy(update={"shopify_client_id": ""}))

    with pytest.raises(ConnectorError):
        fresh_shopify_token(bare, shopify_store.id)

    assert _state(runtime, shopify_store) == "connected"


_CHILD = """
import json, sys
from app.config import Settings
from app.runtime import Runtime
from app.stores.tokens import fresh_shopify_token
given = json.load(sys.stdin)
fresh_shopify_token(Runtime.build(Settings(**given["settings"])), given["store_id"])
"""


def test_a_process_killed_between_the_answer_and_the_commit_loses_nothing(
    runtime: Runtime, platforms: FakePlatforms, shopify_store: Store
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    )
    platforms.before_token_answer = lambda: os.kill(child.pid, signal.SIGKILL)
    child.communicate(json.dumps({"settings": runtime.settings.model_dump(), "store_id": shopify_store.id}))
    platforms.before_token_answer = lambda: None
    lease = _access(runtime, shopify_store)["lease"]
    _change_access(runtime, shopify_store, lease={**lease, "until": 1.0})

    token = fresh_shopify_token(runtime, shopify_store.id)

    assert child.returncode == -signal.SIGKILL
    assert [call["refresh_token"] for call in platforms.grants] == ["refresh-0", "refresh-0"]
    assert token == platforms.access_tokens[-1]
    assert _access(runtime, shopify_store)["refresh_token"] == platforms.refresh_tokens[-1]
