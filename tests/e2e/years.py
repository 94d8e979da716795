"""Ten thousand people over six years in 38 zones, and what each is due by a calendar of its own.

What is expected is worked out from zoneinfo and hashlib alone; nothing of the product's calendar is used.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
BEGIN = datetime(2026, 12, 20, tzinfo=UTC)
END = datetime(2033, 1, 15, tzinfo=UTC)
YEARS = range(2026, 2034)
DOMAIN = "years.example"
HOLDOUT_PERCENT = 10
LEADS = (29, 30, 31)
"""So many days before a birthday it becomes known, to every fifth person."""
PLACES = {
    ("US", "AS"): "Pacific/Pago_Pago",
    ("US", "HI"): "Pacific/Honolulu",
    ("US", "AK"): "America/Anchorage",
    ("PN", ""): "Pacific/Pitcairn",
    ("US", "CA"): "America/Los_Angeles",
    ("US", "AZ"): "America/Phoenix",
    ("US", "CO"): "America/Denver",
    ("US", "AL"): "America/Chicago",
    ("BR", "AC"): "America/Rio_Branco",
    ("US", "CT"): "America/New_York",
    ("BR", "AM"): "America/Manaus",
    ("BM", ""): "Atlantic/Bermuda",
    ("CA", "NL"): "America/St_Johns",
    ("PM", ""): "America/Miquelon",
    ("GS", ""): "Atlantic/South_Georgia",
    ("CV", ""): "Atlantic/Cape_Verde",
    ("PT", "20"): "Atlantic/Azores",
    ("GB", ""): "Europe/London",
    ("IT", ""): "Europe/Rome",
    ("AX", ""): "Europe/Helsinki",
    ("BH", ""): "Asia/Qatar",
    ("IR", ""): "Asia/Tehran",
    ("AE", ""): "Asia/Dubai",
    ("AF", ""): "Asia/Kabul",
    ("KZ", ""): "Asia/Almaty",
    ("IN", ""): "Asia/Kolkata",
    ("NP", ""): "Asia/Kathmandu",
    ("BD", ""): "Asia/Dhaka",
    ("CC", ""): "Asia/Yangon",
    ("CX", ""): "Asia/Bangkok",
    ("AU", "WA"): "Australia/Perth",
    ("JP", ""): "Asia/Tokyo",
    ("AU", "NT"): "Australia/Darwin",
    ("AU", "SA"): "Australia/Adelaide",
    ("AU", "ACT"): "Australia/Sydney",
    ("NF", ""): "Pacific/Norfolk",
    ("TK", ""): "Pacific/Fakaofo",
    ("NZ", "CIT"): "Pacific/Chatham",
}
"""Where people live, by country and region, and whose clock that is: from UTC−11 to UTC+13:45."""
_STEPS = {"B1": -7, "B2": 0, "B3": 11}
"""The days from the birthday to each of its mails, at nine in the morning where its owner lives."""
_NINE = time(9)


@dataclass(frozen=True, slots=True)
class Somebody:
    """The person of a number, from 1 on, which is also their id."""

    number: int

    @property
    def place(self) -> tuple[str, str]:
        """Country and region."""
        return list(PLACES)[self.number % len(PLACES)]

    @property
    def zone(self) -> ZoneInfo:
        """Whose clock they live by."""
        return ZoneInfo(PLACES[self.place])

    @property
    def born_on(self) -> date:
        """A day of a leap year; everybody is an adult."""
        return date(1980, 1, 1) + self.number * 7 % 366 * DAY

    @property
    def lead(self) -> int | None:
        """How many days before a birthday of theirs it became known; None if long before the first."""
        return LEADS[self.number // 5 % len(LEADS)] if self.number % 5 == 0 else None

    @property
    def told_before(self) -> int:
        """The year of the birthday that their lead is counted from."""
        return 2028 + self.number % 3

    @property
    def birth_known_at(self) -> datetime:
        """Noon of theirs, on the day when it became known."""
        if self.lead is None:
            return BEGIN - 200 * DAY
        day = self.birthday(self.told_before) - self.lead * DAY
        return datetime.combine(day, time(12), self.zone).astimezone(UTC)

    @property
    def agreed_at(self) -> datetime:
        """When they agreed to mails: one after the other in the first year, and before it."""
        return BEGIN - 50 * DAY + self.number % 400 * DAY + self.number % 24 * timedelta(hours=1)

    @property
    def ordered_at(self) -> list[datetime]:
        """Two orders, of every other person, whose parcels come when a birthday is near."""
        if self.number % 2:
            return []
        near = [self.birthday(year) - (20 + self.number % 17) * DAY for year in (2028, 2030)]
        return [datetime.combine(day, time(self.number % 24), UTC) for day in near]

    def birthday(self, year: int) -> date:
        """29 February is kept on the 28th in common years."""
        is_common = self.born_on.month == 2 and self.born_on.day == 29 and (year % 4 != 0)
        return date(year, self.born_on.month, 28 if is_common else self.born_on.day)

    def is_held_out(self, flow: str) -> bool:
        """By their number in the lot of a flow."""
        lot = hashlib.sha256(f"{DOMAIN}:{flow}:{self.number}".encode()).hexdigest()
        return int(lot, 16) % 100 < HOLDOUT_PERCENT

    def birthday_mails(self) -> Iterator[tuple[int, str, datetime]]:
        """Year, step and moment of every mail of a birthday that is due within the years."""
        if self.is_held_out("birthday"):
            return
        known_on = self.birth_known_at.astimezone(self.zone).date()
        for year in YEARS:
            day = self.birthday(year)
            first = self._at_nine(day - 7 * DAY)
            if (day - known_on).days < 30 or not first >= BEGIN:
                continue
            for step, days in _STEPS.items():
                due_at = self._at_nine(day + days * DAY)
                if due_at <= END:
                    yield year, step, due_at

    def _at_nine(self, day: date) -> datetime:
        return datetime.combine(day, _NINE, self.zone).astimezone(UTC)
