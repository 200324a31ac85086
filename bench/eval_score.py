"""Scores what was said against the truth: a pure function."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.eval_truth import ANYBODY, Present, Row


@dataclass(frozen=True, slots=True)
class Assertion:
    """The product said: this is `person_id`, in this frame (0-based) of this file.

    `card_delay_s` is the time from that frame to the card on the tablet; -1 when this is not a card's first sighting.
    """

    file: str
    person_id: str
    frame: int
    card_delay_s: float = -1.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """A row present=1; `after_s`: seconds of video from its first frame to the frame of the first right assertion.

    -1 when he was not found, or in a photo. `card_after_s` adds the time until a tablet had the card.
    """

    row: Row
    found: bool
    after_s: float = -1.0
    card_after_s: float = -1.0


@dataclass(frozen=True, slots=True)
class Score:
    """Every appearance, and what was said wrongly: at most once for a person, a file and the row that he is not in."""

    appearances: tuple[Appearance, ...]
    wrong: tuple[Assertion, ...]

    @property
    def found(self) -> int:
        """Appearances with at least one assertion of that person in their range."""
        return sum(appearance.found for appearance in self.appearances)

    @property
    def recall(self) -> float:
        """Found of all appearances; -1 when there is none."""
        return self.found / len(self.appearances) if self.appearances else -1

    @property
    def precision(self) -> float:
        """Found of found and wrong; -1 when there is neither."""
        said = self.found + len(self.wrong)
        return self.found / said if said else -1

    @property
    def time_to_find_p50_s(self) -> float:
        """Median over the appearances found in videos; -1 when there is none."""
        return _median(appearance.after_s for appearance in self.appearances)

    @property
    def time_to_card_p50_s(self) -> float:
        """The same to the card on a tablet; only where the appearance is a card's first sighting."""
        return _median(appearance.card_after_s for appearance in self.appearances)


def score(rows: Sequence[Row], said: Iterable[Assertion], frame_times: Mapping[str, Sequence[float]]) -> Score:
    """Judge assertions; `frame_times[file][frame]` is the time of a video's frame in s (photos need none).

    Of the rows that cover an assertion his own count before those about anybody, and `unsure` of either kind means: not
    scored. Wrong is what a row present=0 covers, and what no row covers.
    """
    said = sorted(set(said), key=lambda one: (one.file, one.frame, one.person_id))
    appearances = tuple(
        _appearance(row, [one for one in said if one.file == row.file], frame_times.get(row.file, ()))
        for row in rows
        if row.present is Present.YES
    )
    wrong: dict[tuple[str, str, Row | None], Assertion] = {}
    for one in said:
        row = _decisive([row for row in rows if row.file == one.file and row.covers(one.person_id, one.frame)])
        if row is None or row.present is Present.NO:
            wrong.setdefault((one.file, one.person_id, row), one)
    return Score(appearances, tuple(wrong.values()))


def _decisive(covering: Sequence[Row]) -> Row | None:
    """Return the row that judges: present, else unsure, else absent; his own before those about anybody."""
    own = [row for row in covering if row.person_id != ANYBODY]
    anybody = [row for row in covering if row.person_id == ANYBODY]
    for rows, present in (
        (own, Present.YES),
        (covering, Present.UNSURE),
        (own, Present.NO),
        (anybody, Present.YES),
        (anybody, Present.NO),
    ):
        for row in rows:
            if row.present is present:
                return row
    return None


def _appearance(row: Row, said: Sequence[Assertion], times: Sequence[float]) -> Appearance:
    """Look for the earliest assertion in the row's range; `said` is in the order of frames."""
    first = next((one for one in said if row.covers(one.person_id, one.frame)), None)
    if first is None:
        return Appearance(row, found=False)
    if not row.is_video:
        return Appearance(row, found=True)
    after_s = _at(times, first.frame) - _at(times, row.first)
    delays = [one.card_delay_s for one in said if one.frame == first.frame and one.card_delay_s >= 0]
    return Appearance(row, True, after_s, after_s + delays[0] if delays else -1)


def _at(times: Sequence[float], frame: int) -> float:
    """Time of a frame; of one beyond the end, that of the last."""
    return times[min(frame, len(times) - 1)]


def _median(values: Iterable[float]) -> float:
    measured = [value for value in values if value >= 0]
    return median(measured) if measured else -1
