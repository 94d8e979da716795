"""What an event loop waits for: told by several threads, or given up in time."""

import asyncio
import threading

import pytest

from app.errors import Busy
from webhooks import promises
from webhooks.promises import LoopPromises, Tell

_MANY = 2_000


def test_what_several_threads_tell_reaches_everybody_who_waits() -> None:
    told = asyncio.run(_all_told(threads=4))

    assert told == list(range(_MANY))


def test_what_is_not_told_in_time_is_given_up_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "ANSWER_SECONDS", 0.05)

    first, told, later = asyncio.run(_some_forgotten())

    assert isinstance(first, Busy)
    assert told == "told"
    assert isinstance(later, Busy)


def test_that_it_is_busy_is_told_as_any_answer() -> None:
    async def _ask() -> None:
        await LoopPromises().promised(lambda tell: tell(Busy("not now")))

    with pytest.raises(Busy, match="not now"):
        asyncio.run(_ask())


def test_who_goes_away_leaves_nothing_that_hinders_others() -> None:
    async def _ask() -> str:
        waiting = LoopPromises()
        tells: list[Tell[str]] = []
        gone = asyncio.ensure_future(waiting.promised(tells.append))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        tells[0]("too late")
        return await _told(waiting)

    assert asyncio.run(_ask()) == "told"


async def _all_told(threads: int) -> list[int]:
    waiting = LoopPromises()
    tells: list[tuple[int, Tell[int]]] = []
    asked = [asyncio.ensure_future(_asked(waiting, tells, number)) for number in range(_MANY)]
    await asyncio.sleep(0)

    def _tell_share(share: int) -> None:
        for number, tell in tells[share::threads]:
            tell(number)

    telling = [threading.Thread(target=_tell_share, args=(share,)) for share in range(threads)]
    for thread in telling:
        thread.start()
    return [await one for one in asked]


async def _asked(waiting: LoopPromises, tells: list[tuple[int, Tell[int]]], number: int) -> int:
    def _begin(tell: Tell[int]) -> None:
        tells.append((number, tell))

    return await waiting.promised(_begin)


async def _some_forgotten() -> list[str | BaseException]:
    waiting = LoopPromises()
    asked = [_forgotten(waiting), _told(waiting), _forgotten(waiting, after=0.02)]
    return await asyncio.gather(*asked, return_exceptions=True)


async def _told(waiting: LoopPromises) -> str:
    def _begin(tell: Tell[str]) -> None:
        tell("told")

    return await waiting.promised(_begin)


async def _forgotten(waiting: LoopPromises, *, after: float = 0.0) -> str:
    def _begin(_tell: Tell[str]) -> None:
        pass

    await asyncio.sleep(after)
    return await waiting.promised(_begin)
