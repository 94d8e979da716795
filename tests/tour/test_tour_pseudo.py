"""Every route in a language that nobody speaks, over shops full of life and of trouble."""

from pathlib import Path

import pytest

from app.config import Settings
from app.runtime import Runtime
from app.wsgi import create_app
from tests.tour import tour_worlds
from tests.tour.tour_walk import MISSING, paths_of
from tests.tour.tour_worlds import Place
from tests.web.web_pseudo import frame_all, stored_words, untranslated

pytestmark = [pytest.mark.tour, pytest.mark.timeout(300)]


@pytest.fixture(params=["full", "troubled"])
def url(request: pytest.FixtureRequest, full_home: Path, tmp_path: Path) -> str:
    """The database of a world."""
    full = f"sqlite:///{full_home / 'ritorno.db'}"
    return full if request.param == "full" else tour_worlds.make_troubled(full, tmp_path)


def test_no_route_says_a_sentence_that_has_no_translation(
    url: str, full_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_key, encryption_keys = (
        (full_home / "var" / name).read_text().strip() for name in ("secret_key", "encryption_keys")
    )
    settings = Settings(database_url=url, secret_key=secret_key, encryption_keys=encryption_keys)
    runtime = Runtime.build(settings)
    client = create_app(runtime).test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "it"
    place = Place("", url)
    paths = [*paths_of(place), *MISSING]
    client.get(place.sign_in_link())
    stored = stored_words(runtime)
    frame_all(monkeypatch.setitem)

    answers = {path: client.get(path, follow_redirects=True).get_data(as_text=True) for path in paths}
    left = {path: untranslated(page, stored) for path, page in answers.items()}

    runtime.database.dispose()
    print(f"{len(paths)} routes in a strange language")
    assert {path: found for path, found in left.items() if found} == {}
