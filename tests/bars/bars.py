"""All bars: the twenty of the page on reliability in its order, and one of stores that share a worker."""

from tests.bars.calendar_bars import CALENDAR
from tests.bars.guarding_bars import GUARDING
from tests.bars.receiving_bars import RECEIVING
from tests.bars.restoring_bars import RESTORING
from tests.bars.sending_bars import SENDING

BARS = (*SENDING, *RECEIVING, *CALENDAR, *GUARDING, *RESTORING)
