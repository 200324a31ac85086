"""Plays scenes to the whole product and writes down whom it says it saw: one branch, box and tablet for each scene."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import av
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bench.eval_score import Assertion, Score, score
from bench.eval_truth import ANYBODY, Present, Row
from demo.guests import Guest, guests_of_folder
from demo.house import House, Tier
from demo.setup import Bank, Founder, write_toml
from yingbin.errors import InvalidInput
from yingbin.ids import now_ms
from yingbin.pad_wire import CardMessage, decode_from_city

_AT_ONCE: Final = 2
"""Scenes are played in real time, so many boxes at the same time."""
_POLL_S: Final = 0.1
_QUIET_MS: Final = 1_000


class SceneMissing(InvalidInput):
    """The truth file names a scene that is not there or cannot be decoded."""

    code = "scene_missing"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is judged, checked before anything starts: the truth, and for each file in it the times of its frames, s."""

    rows: list[Row]
    folder: Path
    guests: list[Guest]
    frame_times: dict[str, list[float]]


def prepare(rows: list[Row], folder: Path, enrol: Sequence[Path]) -> Trial:
    """Find scenes and people. Raises `SceneMissing` and `NobodyToEnrol`."""
    files = sorted({row.file for row in rows})
    return Trial(rows, folder.absolute(), _everybody(enrol), {file: _frame_times(folder / file) for file in files})


def _everybody(folders: Sequence[Path]) -> list[Guest]:
    """Return the people of all folders, in one city, named `<folder>/<person>`."""
    guests = [
        replace(guest, person=f"{folder.resolve().name}/{guest.person}", elsewhere=False)
        for folder in folders
        for guest in guests_of_folder(folder)
    ]
    names = [guest.person for guest in guests]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput(f"--enrol: {twice} occurs in two folders of the same name; rename one")
    return guests


def _frame_times(path: Path) -> list[float]:
    """Return when each frame of a video or photo is shown, in s; no frame is decoded but the first."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if next(container.decode(stream), None) is None:
                raise SceneMissing(f"{path}: there is no picture in it")
            container.seek(0)
            stamps = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
            return [float((stamp - stamps[0]) * (stream.time_base or 1)) for stamp in stamps] or [0.0]
    except (av.FFmpegError, OSError, IndexError) as error:
        raise SceneMissing(f"{path}: not a video or photo that can be decoded ({type(error).__name__})") from error


@dataclass(slots=True)
class Witness:
    """Reads one tablet's stream: every first and last sighting on a card is something the product said."""

    file: str
    people: dict[str, str]
    said: list[Assertion] = field(default_factory=list)
    heard_ms: int = 0
    listening: threading.Event = field(default_factory=threading.Event)

    def line(self, line: str) -> None:
        """Take a line of `yingbin pad tail --json`. Raises `BadMessage`."""
        message = decode_from_city(line)
        self.listening.set()
        if not isinstance(message, CardMessage):
            return
        self.heard_ms = int(json.loads(line)["received_at_ms"])
        card = message.card
        person = self.people[card.customer_id]
        is_new = not any(one.person_id == person for one in self.said)
        delay_s = (self.heard_ms - card.first.seen_at_ms) / 1000 if is_new else -1.0
        self.said += [
            Assertion(self.file, person, card.first.frame, delay_s),
            Assertion(self.file, person, card.last.frame),
        ]


class Stage:
    """Plays a trial in an empty run folder, talking to a person on `console` (stderr). Use from the main thread."""

    def __init__(self, trial: Trial, folder: Path, console: Console) -> None:
        self._trial = trial
        self._folder = folder
        self._console = console

    def run(self) -> Score:
        """Start the house, play every scene once, judge. Raises `YingbinError` when a part of the house failed."""
        files = list(self._trial.frame_times)
        with House(self._folder) as house, self._bars() as bars:
            enrolling = bars.add_task("opening the bank, enrolling", total=None)
            founder = Founder(
                house,
                port=0,
                say=lambda text: bars.console.print(Text(text, "yellow")),
                step=lambda done, total: bars.update(enrolling, completed=done, total=total),
            )
            banks = founder.found_branches(self._trial.guests, len(files))
            self._warn_of_unknown(set(banks[0].people.values()))
            playing = bars.add_task("playing scenes", total=len(files))
            plays = (
                _Play(house, self._trial.folder / file, bank, str(number))
                for number, (file, bank) in enumerate(zip(files, banks, strict=True), 1)
            )
            said = self._play_all(house, plays, lambda: bars.advance(playing))
        return score(self._trial.rows, said, self._trial.frame_times)

    def _play_all(self, house: House, plays: Iterator["_Play"], ended: Callable[[], None]) -> list[Assertion]:
        """Keep `_AT_ONCE` scenes going; processes must be started in this thread."""
        said: list[Assertion] = []
        going: list[_Play] = []
        while True:
            for play in [one for one in going if one.over()]:
                going.remove(play)
                said += play.close()
                ended()
            while len(going) < _AT_ONCE and (following := next(plays, None)) is not None:
                following.start()
                going.append(following)
            if not going:
                return said
            house.check()
            time.sleep(_POLL_S)

    def _warn_of_unknown(self, enrolled: set[str]) -> None:
        named = {row.person_id for row in self._trial.rows if row.present is Present.YES}
        expected = sorted(named - enrolled - {ANYBODY})
        if expected:
            self._console.print(Text(f"expected, but not enrolled, so always missed: {', '.join(expected)}", "yellow"))

    @contextmanager
    def _bars(self) -> Iterator[Progress]:
        columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True) as bars:
            yield bars


class _Play:
    """One scene: a tablet first, then the box, until the box has ended and the tablet is quiet."""

    def __init__(self, house: House, source: Path, bank: Bank, name: str) -> None:
        self._house = house
        self._source = source
        self._bank = bank
        self._name = name
        self._witness = Witness(source.name, bank.people)
        self._tablet: Tier | None = None
        self._box: Tier | None = None
        self._ended_ms = 0

    def start(self) -> None:
        """Open the tablet; the box follows once the tablet listens."""
        arguments = ["pad", "tail", "--url", self._bank.city_url.replace("http", "ws", 1) + "/v1/pad", "--json"]
        secret = {"YINGBIN_PAD_TOKEN": self._bank.pad_token}
        self._tablet = self._house.start(f"tablet-{self._name}", arguments, secret, self._witness.line)

    def over(self) -> bool:
        """Move on; return whether nothing more is to come."""
        if self._box is None:
            if self._witness.listening.is_set():
                self._box = self._house.start(f"box-{self._name}", self._box_command())
                self._house.may_end(self._box)
            return False
        if self._box.exit_code is None:
            return False
        self._ended_ms = self._ended_ms or now_ms()
        return now_ms() - max(self._witness.heard_ms, self._ended_ms) >= _QUIET_MS

    def close(self) -> list[Assertion]:
        """Put the tablet away; return what it was told."""
        if self._tablet is not None:
            self._house.dismiss(self._tablet)
        return self._witness.said

    def _box_command(self) -> list[str]:
        camera: dict[str, object] = {"camera_id": self._bank.camera_id, "source": str(self._source)}
        path = self._house.folder / f"box-{self._name}.toml"
        config = write_toml(path, self._bank.box_settings, {"cameras": [camera]})
        return ["edge", "run", "--config", str(config)]
