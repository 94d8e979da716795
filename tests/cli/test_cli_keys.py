"""`api-key`: made, listed and revoked, each change with its entry in the audit log."""

import json

import pytest
from flask import Flask

from app.cli import main
from app.models import AuditEntry
from app.runtime import Runtime
from app.web import register
from tests import seeds
from tests.engines import SQLITE


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_revoked_key_opens_nothing_any_more(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("database_url", "secret_key", "encryption_keys"):
        monkeypatch.setenv(name.upper(), str(getattr(runtime.settings, name)))
    store = str(seeds.new_store(runtime.database))
    app = Flask("ritorno", static_folder=None)
    app.extensions["ritorno"] = runtime
    register(app)

    codes = [main(["api-key", "create", "--store", store, "--name", "crm", "--json"])]
    key = json.loads(capsys.readouterr().out)["key"]
    headers = {"Authorization": f"Bearer {key}"}
    before = app.test_client().get("/api/v1/flows", headers=headers).status_code
    codes += [main(["api-key", "revoke", "1", "--store", store, "--json"])]
    after = app.test_client().get("/api/v1/flows", headers=headers).status_code
    codes += [main(["api-key", "list", "--store", store, "--json"])]
    listed = json.loads(capsys.readouterr().out.splitlines()[-1])
    codes += [main(["api-key", "revoke", "1", "--store", store])]

    assert (before, after) == (200, 401)
    assert codes == [0, 0, 0, 1]
    assert [(one["name"], bool(one["revoked_at"])) for one in listed] == [("crm", True)]
    assert seeds.rows_of(runtime.database, AuditEntry, "action", "subject") == [
        ("key.created", "crm"),
        ("key.revoked", "crm"),
    ]
