"""A language that nobody speaks: what a page still says in another one was never translated."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.runtime import Runtime
from app.stores.settings import DEFINITIONS
from app.web.catalogue import CATALOGUES
from connectors.storefronts.woocommerce import calls, identity
from tests.web.test_web_headers import SCREENS
from tests.web.web_pseudo import frame_all, stored_words, untranslated
from tests.web.web_shops import Csrf, Shop

TYPED = "wrong"
OTHERS = (
    "/app/account",
    "/app/members",
    "/app/settings/lists",
    "/app/flows/welcome/publish",
    "/app/flows/welcome/messages/W1",
    "/app/flows/consent/messages/DOI",
    *(
        f"/app/flows/welcome/new-step?way=consent&after=W2&kind={kind}"
        for kind in ("wait", "wait-event", "split", "arms", "tag", "score", "webhook", "end")
    ),
    "/app/customers?q=nobody-is-called-so",
    "/app/customers/999999",
    "/app/not-there",
    "/app/flows/not-there",
    "/u/not-a-token",
    "/p/not-a-token",
    "/r/not-a-token",
)


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch, member: FlaskClient) -> None:
    """Every text of ours in a frame, and a reader of Italian, to whom the code's own English is strange."""
    member.environ_base["HTTP_ACCEPT_LANGUAGE"] = "it"
    frame_all(monkeypatch.setitem)


@pytest.mark.usefixtures("strange")
def test_no_page_says_a_sentence_that_has_no_translation(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    stored = stored_words(runtime)
    paths = [path.format(**shop.ids) for path in (*SCREENS, *OTHERS)]

    left = {
        path: untranslated(member.get(path, follow_redirects=True).get_data(as_text=True), stored)
        for path in paths
    }

    assert {path: found for path, found in left.items() if found} == {}


@pytest.mark.usefixtures("strange")
def test_no_answer_to_a_form_says_a_sentence_that_has_no_translation(
    member: FlaskClient, csrf: Csrf, runtime: Runtime, shop: Shop
) -> None:
    stored, token = stored_words(runtime), csrf(member)
    wrong = dict.fromkeys(DEFINITIONS, f"<{TYPED}>")
    stored = replace(stored, whole=f"{stored.whole}\n{TYPED}")
    forms = {
        "/app/settings": wrong,
        "/app/setup": wrong,
        "/app/members": {"email": "nobody", "role": "none"},
        "/app/account/password": {"password": "short"},
        "/app/settings/lists": {"kind": "refusals", "text": ""},
        "/app/flows/welcome/steps/to-W2": {"seen": "0", "days": "none"},
        "/app/flows/welcome/messages/W1": {"it.subject": "{{ nothing }}", "en.subject": ""},
    }

    answers = {
        path: member.post(path, data={"csrf": token, **typed}, follow_redirects=True)
        for path, typed in forms.items()
    }
    answers["connect"] = member.get("/install/woocommerce?store=ftp://x", follow_redirects=True)
    left = {path: untranslated(answer.get_data(as_text=True), stored) for path, answer in answers.items()}

    assert {path: found for path, found in left.items() if found} == {}


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_why_a_store_cannot_be_connected_is_told_in_words(language: str) -> None:
    named = [item for module in (identity, calls) for item in vars(module).items()]
    said = [
        text for name, text in named if name.isupper() and isinstance(text, str) and text.endswith((".", "?"))
    ]

    assert [text for text in said if f"shop.said.{text}" not in CATALOGUES[language]] == []
