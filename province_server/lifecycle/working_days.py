"""Working days in China: Monday to Friday, but for public holidays, and the weekend days worked in their place.

The State Council publishes both each autumn for the year to come; `holidays.toml` holds what is known, and
`holidays_file` replaces it.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from yingbin.errors import BadConfiguration

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The calendar. A year that is not in it has weekends only, and `knows` says so."""

    holidays: frozenset[date]
    worked_weekends: frozenset[date]
    years: frozenset[int]

    @classmethod
    def load(cls, path: Path | None) -> "WorkingDays":
        """Read a calendar, the packaged one without `path`. Raises `BadConfiguration`."""
        try:
            raw = path.read_text("utf-8") if path else (files(__package__) / "holidays.toml").read_text("utf-8")
            years: dict[str, Any] = tomllib.loads(raw)
            return cls(
                frozenset(day for year in years.values() for day in _days(year["holidays"])),
                frozenset(day for year in years.values() for day in _days(year["worked_weekends"])),
                frozenset(int(year) for year in years),
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BadConfiguration(f"cannot read the calendar of holidays {path or ''}: {error!r}") from error

    def is_working(self, day: date) -> bool:
        """Return whether offices work on `day`."""
        return day in self.worked_weekends or (day.weekday() < _SATURDAY and day not in self.holidays)

    def after(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`, which does not count itself."""
        while count:
            day += timedelta(days=1)
            count -= self.is_working(day)
        return day

    def left(self, today: date, due: date) -> int:
        """Return how many working days follow `today` up to `due`; 0 when it is past."""
        return sum(self.is_working(today + timedelta(days=n)) for n in range(1, (due - today).days + 1))

    def knows(self, day: date) -> bool:
        """Return whether the holidays of that year are known."""
        return day.year in self.years


def _days(listed: list[date]) -> list[date]:
    if not all(isinstance(day, date) for day in listed):
        raise ValueError("days are written 2026-10-01, without quotation marks")
    return listed
