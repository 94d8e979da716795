"""What is wrong with a text that a merchant wrote, as a sentence that needs no knowledge of Liquid."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from app.messaging.checking import Problem
from app.messaging.reading import Reading
from app.messaging.specimens import Slot
from app.messaging.variables import MAY_LACK, UNWRITTEN, picker
from app.web.catalogue import translate, word

OF_THE_FRAME = frozenset({"store.name", "store.address", "store.url"})
_ALIKE = 0.75
_CLOSING = {"{{": "}}", "{%": "%}"}
_REASONS = (
    (re.compile(r"(?P<opening>\{\{|\{%) is never closed"), "open"),
    (re.compile(r"expected tag (?P<tag>end\w+)"), "unended"),
    (re.compile(r"unexpected tag '(?P<tag>end\w+|else|elsif|when)'"), "stray"),
    (re.compile(r"unexpected tag '(?P<tag>[^']*)'"), "tag"),
    (re.compile(r"there is no filter (?P<name>\S+)"), "filter"),
    (re.compile(r"missing expression|found end of expression"), "hollow"),
    (re.compile(r"name one thing of it"), "whole"),
    (re.compile(r"it does too much work"), "heavy"),
)
"""How the parser's reasons are told (`editor.liquid.…`), the first that fits."""


def sentence(problem: Problem, slot: Slot, *, is_warning: bool = False) -> str:
    """One problem in the reader's language, and what to do about it."""
    if problem.code in {"liquid", "failed"}:
        return _mistake(problem)
    if problem.code == "unknown":
        return _unknown(problem.detail, slot)
    if problem.code != "missing":
        return translate(f"editor.problem.{problem.code}", detail=problem.detail)
    return _missing(problem.detail, slot, is_warning=is_warning)


def as_read(reading: Reading) -> list[str]:
    """How a text with Liquid in it reads: to somebody known, and to a stranger where that differs."""
    if reading.address:
        return [translate("editor.reads.address", name=word("variable", reading.address))]
    told = [translate("editor.reads", text=reading.known)]
    if reading.unknown is not None:
        told.append(translate("editor.reads.unknown", text=reading.unknown or "–"))
    return told


def _mistake(problem: Problem) -> str:
    for pattern, key in _REASONS:
        if found := pattern.search(problem.detail):
            told = found.groupdict()
            closing = _CLOSING.get(told.get("opening", ""), "")
            return _on_its_line(translate(f"editor.liquid.{key}", closing=closing, **told), problem.line)
    if problem.code == "failed":
        return translate("editor.problem.failed", detail=problem.detail)
    return _on_its_line(translate("editor.liquid.other"), problem.line)


def _on_its_line(told: str, line: int | None) -> str:
    # Of a text of one line nobody has to be told which.
    return f"{told} {translate('editor.problem.line', line=line)}" if line and line > 1 else told


def _unknown(written: str, slot: Slot) -> str:
    told = translate("editor.problem.unknown", detail=written)
    meant = _meant(written, picker(slot.roots))
    return f"{told} {translate('editor.problem.meant', meant=meant)}" if meant else told


def _meant(written: str, offered: Iterable[str]) -> str | None:
    """What somebody may have wanted to write: by its whole path, else by its last part."""
    paths = list(offered)
    if close := get_close_matches(written, paths, n=1, cutoff=_ALIKE):
        return close[0]
    lasts = {path.rpartition(".")[2]: path for path in reversed(paths)}
    close = get_close_matches(written.rpartition(".")[2].strip("%*|[]").lower(), lasts, n=1, cutoff=_ALIKE)
    return lasts[close[0]] if close else None


def _missing(path: str, slot: Slot, *, is_warning: bool) -> str:
    name = word("variable", path)
    if path in OF_THE_FRAME:
        return translate("editor.warning.frame")
    if path in UNWRITTEN:
        return translate("editor.problem.unwritten", detail=path)
    if is_warning and path in MAY_LACK:
        return translate("editor.warning.lacking", name=name, path=path)
    if is_warning:
        return translate("editor.warning.missing", name=name, path=path)
    is_here = path.partition(".")[0] in slot.roots
    return translate("editor.problem.missing" if is_here else "editor.problem.elsewhere", detail=name)
