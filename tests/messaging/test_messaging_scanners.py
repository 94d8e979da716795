from datetime import UTC, datetime, timedelta

import pytest

from app.messaging.scanners import burst_since, is_human_click, is_scanner

SENT_AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (Linux; Android 15; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile [FBAN/FBIOS;FBAV/500.0]",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Avast/130.0",
    ],
)
def test_browsers_are_people(agent: str) -> None:
    assert not is_scanner(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "  ",
        "Barracuda Sentinel (EE)",
        "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (Windows NT 5.1) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/142.0 Safari/537.36",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23.20.0",
        "python-requests/2.34.2",
        "curl/8.9.1",
        "Go-http-client/1.1",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    ],
)
def test_programs_are_not(agent: str) -> None:
    assert is_scanner(agent)


@pytest.mark.parametrize(
    ("method", "agent", "seconds", "is_human"),
    [
        ("GET", CHROME, 10, True),
        ("GET", CHROME, 3600, True),
        ("GET", CHROME, 9, False),
        ("HEAD", CHROME, 3600, False),
        ("GET", "Barracuda Sentinel (EE)", 3600, False),
    ],
)
def test_a_click_counts_when_a_browser_gets_it_some_time_after_sending(
    method: str, agent: str, seconds: int, is_human: bool
) -> None:
    clicked_at = SENT_AT + timedelta(seconds=seconds)

    found = is_human_click(method=method, user_agent=agent, clicked_at=clicked_at, sent_at=SENT_AT)

    assert found is is_human


@pytest.mark.parametrize("purpose", ["prefetch;prerender", "prefetch", "preview"])
def test_what_a_browser_fetches_ahead_of_its_reader_is_no_click(purpose: str) -> None:
    assert not is_human_click(
        method="GET",
        user_agent=CHROME,
        clicked_at=SENT_AT + timedelta(hours=1),
        sent_at=SENT_AT,
        purpose=purpose,
    )


@pytest.mark.parametrize(
    ("seconds", "is_burst"),
    [
        ([0.4], True),
        ([0.6], False),
        ([1.0, 1.9], True),
        ([1.0, 2.1], False),
        ([2.0, 4.0, 5.9], True),
        ([2.0, 4.0, 6.1], False),
        ([6, 12, 18, 24, 29], True),
        ([6, 12, 18, 24, 31], False),
    ],
)
def test_many_links_in_a_short_time_are_a_program(seconds: list[float], is_burst: bool) -> None:
    clicks = [
        (f"/{number}", SENT_AT + timedelta(seconds=after)) for number, after in enumerate([0, *seconds])
    ]

    url, moment = clicks.pop()

    assert (burst_since(url, moment, clicks) is not None) is is_burst


def test_one_link_many_times_is_no_burst() -> None:
    assert burst_since("/a", SENT_AT, [("/a", SENT_AT)] * 9) is None


def test_a_click_on_a_message_whose_sending_is_not_recorded_yet_counts() -> None:
    assert is_human_click(method="GET", user_agent=CHROME, clicked_at=SENT_AT, sent_at=None)
