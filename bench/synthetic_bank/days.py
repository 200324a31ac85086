"""The year the bank lives through: weekends, holidays, paydays, seasons of spending. Days are counted from `START`."""

from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

START: Final = date(2025, 7, 1)
DAYS: Final = 365
AS_OF: Final = START + timedelta(days=DAYS - 1)
DAY_MS: Final = 86_400_000
START_MS: Final = (START - date(1970, 1, 1)).days * DAY_MS - 8 * 3_600_000
"""Midnight in China of `START`, UTC ms."""

_CALENDAR: Final = [START + timedelta(days=day) for day in range(DAYS)]
WEEKDAY: Final[Ints] = np.array([day.weekday() for day in _CALENDAR])
MONTH: Final[Ints] = np.array([(day.year - START.year) * 12 + day.month - START.month for day in _CALENDAR])
MONTHS: Final = 12


def index(day: date) -> int:
    """Return the number of a day; negative before `START`."""
    return (day - START).days


def day_of(number: int) -> date:
    """Return the day of a number."""
    return START + timedelta(days=int(number))


def _between(first: date, last: date) -> range:
    return range(index(first), index(last) + 1)


NATIONAL_DAY: Final = _between(date(2025, 10, 1), date(2025, 10, 8))
SPRING_FESTIVAL: Final = _between(date(2026, 2, 15), date(2026, 2, 23))
LABOUR_DAY: Final = _between(date(2026, 5, 1), date(2026, 5, 5))
SUMMER: Final = _between(date(2025, 7, 5), date(2025, 8, 31))
FESTIVALS: Final = (NATIONAL_DAY, SPRING_FESTIVAL, LABOUR_DAY)

OFF: Final[Bools] = WEEKDAY >= 5
for _days in (*FESTIVALS, [index(date(2026, 1, 1))]):
    OFF[list(_days)] = True


def working_day_before(day: int) -> int:
    """Return the day itself, or the last working day before it: pay is due before a weekend, not after it."""
    while day > 0 and OFF[day]:
        day -= 1
    return day


PAY_DATES: Final = (10, 15, 25)


def _pay_days(on: int) -> list[int]:
    months = [date(START.year + (START.month - 1 + m) // 12, (START.month - 1 + m) % 12 + 1, on) for m in range(MONTHS)]
    return [working_day_before(index(day)) for day in months]


PAYDAYS: Final[Ints] = np.array([_pay_days(on) for on in PAY_DATES])
"""(pay date, month) -> day."""


def monthly(on: int) -> Ints:
    """Return the day of every month on date `on`, weekends or not."""
    return np.array([day for day in range(DAYS) if _CALENDAR[day].day == on])


def season(*, online: bool) -> Floats:
    """Return what share of a year's spending falls on each day."""
    weight = np.where(WEEKDAY >= 5, 1.0 if online else 1.45, 1.0)
    weight[list(SPRING_FESTIVAL)] *= 0.5 if online else 0.8
    weight[SPRING_FESTIVAL.start - 20 : SPRING_FESTIVAL.start] *= 1.3
    for holiday in (NATIONAL_DAY, LABOUR_DAY):
        weight[list(holiday)] *= 1.0 if online else 1.4
    if online:
        for sale in (date(2025, 11, 11), date(2026, 6, 18), date(2025, 12, 12)):
            weight[index(sale) - 2 : index(sale) + 2] *= 3.0
    return np.asarray(weight / weight.sum())
