"""Each screen on a phone with a slow line: what travels, what moves, and (only printed) how long it takes."""

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.tour.tour_walk import Look, paths_of, signed_in
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(900)]

MOST_BYTES = 150 * 1024
MOST_SHIFT = 0.05
PHONE = Look("it", 375)
# Lighthouse's slow 4G: a round trip of 150 ms, 1.6 Mbit/s down and 0.75 up.
_SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
_WATCH = """
window.seen = {lcp: 0, shift: 0};
new PerformanceObserver(list => list.getEntries().forEach(each => { window.seen.lcp = each.startTime; }))
    .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(each => {
    if (!each.hadRecentInput) { window.seen.shift += each.value; }
})).observe({type: "layout-shift", buffered: true});
"""


def test_a_screen_is_light_and_stands_still(browser: Browser, full: Place) -> None:
    context = signed_in(browser, full, PHONE)
    page = context.new_page()
    page.add_init_script(_WATCH)
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    wire.send("Network.emulateNetworkConditions", _SLOW_4G)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})

    figures = {path: _opened(page, wire, full.base + path) for path in paths_of(full)}

    context.close()
    for path, (size, shift, lcp) in sorted(figures.items(), key=lambda each: -each[1][2]):
        print(f"{path}: {size / 1024:.0f} KiB, shift {shift:.3f}, largest paint {lcp:.0f} ms")
    assert {path for path, (size, _, _) in figures.items() if size > MOST_BYTES} == set()
    assert {path for path, (_, shift, _) in figures.items() if shift > MOST_SHIFT} == set()


def _opened(page: Page, wire: CDPSession, address: str) -> tuple[int, float, float]:
    """What came over the wire in bytes, the layout's shift, and the largest paint in milliseconds."""
    sizes: list[int] = []

    def count(event: dict[str, int]) -> None:
        sizes.append(event["encodedDataLength"])

    wire.on("Network.loadingFinished", count)
    page.goto(address, wait_until="networkidle")
    wire.remove_listener("Network.loadingFinished", count)
    seen = page.evaluate("window.seen")
    return int(sum(sizes)), seen["shift"], seen["lcp"]
