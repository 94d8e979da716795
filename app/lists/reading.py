"""Reading a list: a CSV of any usual encoding and delimiter, row by row, nothing of it kept in memory."""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from zoneinfo import ZoneInfo

from app import phones
from app.customers import normalise_email
from app.errors import BadInput
from app.lists import words
from app.messaging import addresses

MOST_BYTES = 20 * 1024 * 1024
_CHUNK = 1 << 20
_OF_EXCEL = "cp1252"
_DELIMITERS = ",;\t|"
_LOCALE = re.compile(r"([a-z]{2})(?:[-_]([A-Za-z]{2}))?")
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_SOURCE, _LONGEST_IP = 255, 5000, 200, 45


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a list; `line` is where it stands, for the report.

    Attributes:
        channels: what the row speaks of: email, sms or both.
        state: subscribed, unsubscribed, bounced or waiting; empty where the list has no word for it.
        at: when it was said, or None where the list does not tell.
    """

    line: int
    email: str | None
    phone: str | None
    channels: tuple[str, ...]
    state: str
    at: datetime | None
    source: str
    text: str
    ip: str
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether it tells when consent was given, and where or to which words."""
        is_yes = not self.is_refusal and self.state != words.WAITING
        return is_yes and self.at is not None and bool(self.source or self.text)

    @property
    def is_refusal(self) -> bool:
        """Whether it says that nobody may be written to there."""
        return self.state in (words.UNSUBSCRIBED, words.BOUNCED)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used, and why (a word of `REASONS`)."""

    line: int
    reason: str


REASONS = (
    *("no-address", "bad-email", "bad-phone", "bad-date", "unknown-state", "unknown-channel"),
    *("state-contradicts", "phone-alone", "erased", "unreadable"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a store lends to texts that leave it out: country of phones, zone and present moment of dates."""

    country: str
    zone: ZoneInfo
    now: datetime


class _Bad(ValueError):
    """Why a row is refused, as its text."""


def examine(stream: IO[bytes]) -> tuple[str, str]:
    """The SHA-256 of a file and its encoding; the stream is back at its beginning.

    Raises:
        BadInput: it is too large.
    """
    digest, size, head = hashlib.sha256(), 0, b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8-sig"
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        head = head or chunk[:2]
        if size > MOST_BYTES:
            raise BadInput("The list may have 20 MB at the most: divide it into several files.", "size")
        encoding = _still(encoding, decoder, chunk)
    encoding = _still(encoding, decoder, b"", is_last=True)
    stream.seek(0)
    return digest.hexdigest(), "utf-16" if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else encoding


def read(stream: IO[bytes], encoding: str, place: Place) -> Iterator[Entry | Refused]:
    """The rows of a list, the first line being its header.

    Raises:
        BadInput: the header names neither an e-mail nor a phone column.
    """
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    header = text.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    columns = words.columns_of(next(csv.reader([header], delimiter=delimiter), []))
    if not columns.keys() & {"email", "phone"}:
        raise BadInput("The first line must name the columns, one of them `email` or `phone`.", "columns")
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            yield Refused(reader.line_num + 1, "unreadable")
            continue
        if any(cell.strip() for cell in cells):
            yield _row(reader.line_num + 1, cells, columns, place)
    text.detach()


def _still(encoding: str, decoder: codecs.IncrementalDecoder, chunk: bytes, *, is_last: bool = False) -> str:
    """The encoding, or what Excel writes in Western Europe once something is no UTF-8."""
    try:
        decoder.decode(chunk, is_last)
    except UnicodeDecodeError:
        decoder.reset()
        return _OF_EXCEL
    return encoding


def _row(line: int, cells: list[str], columns: dict[str, int], place: Place) -> Entry | Refused:
    told = {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
    if any("\0" in text for text in told.values()):
        return Refused(line, "unreadable")
    try:
        return _entry(line, told, place)
    except _Bad as reason:
        return Refused(line, str(reason))


def _entry(line: int, told: dict[str, str], place: Place) -> Entry:
    email, phone = _email(told.get("email", "")), _phone(told.get("phone", ""), place.country)
    channels = _channels(told.get("channel", ""), email, phone)
    state = words.STATES.get(words.plain(told.get("state", "")), "" if not told.get("state") else None)
    if state is None:
        raise _Bad("unknown-state")
    return Entry(
        line=line,
        email=email,
        phone=phone,
        channels=channels,
        state=state,
        at=_moment(told.get("at", ""), place),
        source=told.get("source", "")[:_LONGEST_SOURCE],
        text=told.get("text", "")[:_LONGEST_TEXT],
        ip=told.get("ip", "")[:_LONGEST_IP],
        first_name=told.get("first_name", "")[:_LONGEST_NAME] or None,
        last_name=told.get("last_name", "")[:_LONGEST_NAME] or None,
        locale=_locale(told.get("language", "")),
    )


def _email(text: str) -> str | None:
    if not text:
        return None
    email = normalise_email(text)
    if email is None or addresses.problem("email", email) is not None:
        raise _Bad("bad-email")
    return email


def _phone(text: str, country: str) -> str | None:
    """The number as the whole world dials it; one without a prefix is of the store's country."""
    if not text:
        return None
    number = phones.e164(text, country, drops_extension=True)
    if number is None:
        raise _Bad("bad-phone")
    return number


def _channels(text: str, email: str | None, phone: str | None) -> tuple[str, ...]:
    """What the row speaks of: what it says, else mails, or text messages where it has a phone alone."""
    usual = ("email",) if email else ("sms",)
    named = words.CHANNELS.get(words.plain(text)) if text else usual
    if named is None:
        raise _Bad("unknown-channel")
    held = {"email": email, "sms": phone}
    if not any(held[channel] for channel in named):
        raise _Bad("no-address")
    return tuple(channel for channel in named if held[channel])


def _moment(text: str, place: Place) -> datetime | None:
    try:
        return words.moment(text, place.zone, place.now) if text else None
    except (ValueError, OverflowError) as error:
        raise _Bad("bad-date") from error


def _locale(text: str) -> str | None:
    match = _LOCALE.fullmatch(text)
    if match is None:
        return None
    return f"{match[1]}-{match[2].upper()}" if match[2] else match[1]
