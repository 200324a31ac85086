"""One run of the demo, from the empty run folder to the report."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from demo.cast import load_cast
from demo.clip import render
from demo.guests import Guest, guests_of_cast, guests_of_folder
from demo.house import House, Tier
from demo.report import Arrival, Tablet, build_report
from demo.setup import Bank, Founder, write_toml
from demo.video import check_video, is_file
from yingbin.errors import InvalidInput
from yingbin.ids import now_ms

_LOOK_FIRST_S = 3.0
"""A moment to open the tablet page before the first person walks in."""
_QUIET_MS = 1_000
_SETTLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Play:
    """What is shown: the checked video source, or None for the default clip, and who is enrolled."""

    source: str | None
    guests: list[Guest]


def choose_play(video: str | None, enrol: Path | None) -> Play:
    """Check what was asked for, before anything is started. Raises `InvalidInput` and sub-classes."""
    if (video is None) != (enrol is None):
        raise InvalidInput("--video and --enrol belong together: give both, or neither for the default clip")
    if video is None or enrol is None:
        return Play(None, guests_of_cast(load_cast()))
    return Play(check_video(video), guests_of_folder(enrol))


class Show:
    """Runs a play in `folder` and talks to a person on `console` (stderr)."""

    def __init__(self, play: Play, folder: Path, console: Console, *, once: bool, port: int) -> None:
        self._play = play
        self._folder = folder
        self._console = console
        self._once = once
        self._port = port
        self._tablet = Tablet()
        self._people: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """Return the report. Without `once` it runs until Ctrl-C. Raises `YingbinError` when something failed."""
        self._console.print(
            "[dim]Names and bank data are invented. "
            + (
                "Walk-in and enrolment show the same photographs: this demonstrates the chain, not accuracy."
                if self._play.source is None
                else "Customers' names on the cards are invented too."
            )
        )
        with House(self._folder) as house:
            bank, source = self._prepare(house)
            self._people = bank.people
            house.start(
                "tablet",
                ["pad", "tail", "--url", bank.city_url.replace("http", "ws", 1) + "/v1/pad", "--json"],
                {"YINGBIN_PAD_TOKEN": bank.pad_token},
                self._on_tablet_line,
            )
            self._announce(bank)
            box_lines: list[str] = []
            box = house.start("box", self._box_command(bank, source), on_line=box_lines.append)
            if self._once:
                house.may_end(box)
            self._watch(house, box)
            summary: dict[str, Any] = json.loads(box_lines[-1]) if box_lines else {}
            self._settle(house, summary.get("scene_photos_sent", 0))
        return build_report(list(self._tablet.arrivals.values()), summary, bank.people)

    def _prepare(self, house: House) -> tuple[Bank, str]:
        """Found the bank while the clip is rendered in another thread; processes must start in this one."""
        columns = (
            TextColumn("{task.description:<26}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bars, ThreadPoolExecutor(1) as pool:
            clip = self._folder / "walk-in.mp4"
            rendering = None
            given_up = threading.Event()
            if self._play.source is None:
                filming = bars.add_task("filming the walk-in clip", total=None)
                rendering = pool.submit(render, load_cast(), clip, _meter(bars, filming, given_up))
            enrolling = bars.add_task("opening the bank, enrolling", total=None)
            founder = Founder(
                house,
                port=self._port,
                say=lambda text: bars.console.print(Text(text, "yellow")),
                step=_meter(bars, enrolling, given_up),
            )
            try:
                bank = founder.found(self._play.guests)
                if rendering is not None:
                    rendering.result()
            except BaseException:
                given_up.set()
                raise
        return bank, self._play.source or str(clip)

    def _announce(self, bank: Bank) -> None:
        page = f"{bank.city_url}/pad/#token={bank.pad_token}"
        self._console.print("\n[bold]The tablet page; open it in a browser:")
        self._console.print(Text(page, style="bold cyan"), soft_wrap=True)
        self._console.print()
        if not self._once:
            self._console.print("[dim]The first customer comes in a moment. Ctrl-C ends the demo.")
            time.sleep(_LOOK_FIRST_S)

    def _box_command(self, bank: Bank, source: str) -> list[str]:
        camera = {"camera_id": bank.camera_id, "source": source, "loop": not self._once and is_file(source)}
        config = write_toml(self._folder / "box.toml", bank.box_settings, {"cameras": [camera]})
        return ["edge", "run", "--config", str(config), "--json"]

    def _watch(self, house: House, box: Tier) -> None:
        """Until the clip has ended, or Ctrl-C; then the box has reported."""
        try:
            while not (self._once and box.wait(0.2)):
                house.check()
                time.sleep(0.2)
            house.check()
        except KeyboardInterrupt:
            house.may_end(box)
            box.terminate()
            box.wait(_SETTLE_S)

    def _settle(self, house: House, photos: int) -> None:
        """Wait until the tablet has heard everything: all photos are there and nothing came for a second."""
        deadline_ms = now_ms() + _SETTLE_S * 1000
        began_ms = now_ms()
        while now_ms() < deadline_ms:
            house.check()
            quiet = now_ms() - max(self._tablet.last_heard_ms, began_ms) >= _QUIET_MS
            if quiet and self._tablet.photos >= photos:
                return
            time.sleep(0.1)

    def _on_tablet_line(self, line: str) -> None:
        arrival = self._tablet.line(line)
        if arrival is not None:
            self._print_arrival(arrival)

    def _print_arrival(self, arrival: Arrival) -> None:
        card = arrival.card
        line = Text(f"● {self._people.get(card.customer_id, '?')}", "bold green")
        line.append(f"  {card.surname}{card.honorific_zh}, {card.tier}, found by the {card.recognised_by}", "default")
        line.append(f", {arrival.received_at_ms - card.first.seen_at_ms} ms after the shot", "dim")
        if card.offers:
            line.append(f"\n  {card.offers[0].name_zh}: {card.offers[0].reason_zh}", "cyan")
        self._console.print(line)


class _GivenUp(Exception):
    pass


def _meter(bars: Progress, task: TaskID, given_up: threading.Event) -> Callable[[int, int], None]:
    def step(done: int, total: int) -> None:
        if given_up.is_set():
            raise _GivenUp
        bars.update(task, completed=done, total=total)

    return step
