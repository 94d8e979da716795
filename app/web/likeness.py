"""Names as people type them: without regard to case and accents, and the same on both databases.

SQLite knows the case of ASCII's letters alone, PostgreSQL what its database's locale knows, and neither
leaves accents out. So a typed text becomes a pattern that names every sign a letter may be written by.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

_LETTERS = (range(0x20, 0x250), range(0x370, 0x530), range(0x1E00, 0x1F00), range(0x2018, 0x201A))
"""Latin with all its accents, Greek and Cyrillic, and the apostrophes."""
_WITHOUT = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
"""Letters that Unicode takes for others than those that they are typed by."""
_WITHOUT |= dict.fromkeys("`´‘’", "'")
_MOST_PAIRS = 3
"""Two letters that may be one sign (ss, ß) double a text's spellings; more of them are taken as typed."""


class Reads(ColumnElement[bool]):
    """Whether a column is a text, or begins with it, in whatever case and with whatever accents."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 (as SQLAlchemy declares it: what makes two of them equal)
        ("column", InternalTraversal.dp_clauseelement),
        ("starts", InternalTraversal.dp_clauseelement),
        ("regex", InternalTraversal.dp_clauseelement),
        ("globs", InternalTraversal.dp_clauseelement_list),
    ]

    def __init__(self, column: Any, text: str, *, is_whole: bool = False) -> None:
        spellings = [one for one in _spellings(plain(text)) if one]
        self.column = column
        self.starts = func.left(column, 1).in_(sorted({sign for one in spellings for sign in one[0]}))
        regex = "|".join("".join(map(_regex, one)) for one in spellings)
        self.regex: BindParameter[str] = bindparam(None, f"^(?:{regex}){'$' if is_whole else ''}")
        globs = ("".join(map(_glob, one)) for one in spellings)
        self.globs: list[BindParameter[str]] = [
            bindparam(None, glob if is_whole else f"{glob}*") for glob in globs
        ]


def plain(text: str) -> str:
    """A text without case and accents, its spaces single."""
    return "".join(map(_bare, " ".join(text.split())))


@compiles(Reads)
def _matches(element: Reads, compiler: SQLCompiler, **options: Any) -> str:
    # Most names begin with another letter, which is seen quicker than by the expression.
    matches = and_(element.starts, element.column.regexp_match(element.regex))
    return f"({compiler.process(matches, **options)})"


@compiles(Reads, "sqlite")
def _is_glob(element: Reads, compiler: SQLCompiler, **options: Any) -> str:
    globs = (element.column.op("GLOB", is_comparison=True)(glob) for glob in element.globs)
    return f"({' OR '.join(compiler.process(glob, **options) for glob in globs) or '0'})"


@lru_cache(maxsize=4_096)
def _bare(sign: str) -> str:
    folded = sign.casefold()
    parts = unicodedata.normalize("NFKD", _WITHOUT.get(folded, folded))
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return _WITHOUT.get(bare, bare)


@cache
def _signs() -> dict[str, str]:
    """The signs that stand for one letter, or for two."""
    found: dict[str, str] = defaultdict(str)
    for sign in map(chr, chain(*_LETTERS)):
        found[_bare(sign)] += sign
    return dict(found)


def _spellings(text: str, pairs: int = _MOST_PAIRS) -> Iterator[list[str]]:
    """Each way to write a plain text, sign by sign: those that may stand there."""
    if not text:
        yield []
        return
    signs = _signs()
    if len(text) > 1 and text[:2] in signs and pairs:
        yield from ([signs[text[:2]], *rest] for rest in _spellings(text[2:], pairs - 1))
        pairs -= 1
    yield from ([signs.get(text[0], text[0]), *rest] for rest in _spellings(text[1:], pairs))


def _glob(signs: str) -> str:
    return signs if len(signs) == 1 and signs not in "*?[" else f"[{signs}]"


def _regex(signs: str) -> str:
    return f"[{signs}]" if len(signs) > 1 else re.escape(signs)
