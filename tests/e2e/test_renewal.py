"""Keys are renewed in a running house of real processes, while people walk past a camera without a pause."""

import os
import subprocess
import sysconfig
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ports import free_port
from running_bank import WatchedHouse
from test_canary import enter
from websockets.sync.client import ClientConnection, connect

from demo.cast import load_cast
from demo.guests import Guest, guests_of_cast
from demo.house import Server
from demo.setup import Bank, Founder
from yingbin import wire
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import acquire, decode_image
from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import Vector, apply, encode_probe, normalise
from yingbin.ids import now_ms
from yingbin.trust.devices import BoxBundle
from yingbin.wire import Outcome

YINGBIN = Path(sysconfig.get_path("scripts")) / "yingbin"


class RenewingHouse(WatchedHouse):
    """Remembers the administrator's password; a renewed city key goes at once."""

    password = ""

    def run(self, name: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
        self.password = (environment or {}).get("YINGBIN_BOOTSTRAP_PASSWORD", self.password)
        return super().run(name, arguments, environment)

    def serve(self, name: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> Server:
        at_once = {"YINGBIN_PROVINCE_LATE_PROBES_S": "0"} if name == "province" else {}
        return super().serve(name, arguments, {**(environment or {}), **at_once})

    def renew(self, *what: str) -> None:
        """Run `yingbin province renew`, as an administrator does."""
        url = tomllib.loads((self.folder / "city-here.toml").read_text("utf-8"))["province_url"]
        subprocess.run(
            [str(YINGBIN), "province", "renew", *what, "--staff-id", "admin", "--url", url],
            check=True, timeout=60, capture_output=True,
            env={**os.environ, "YINGBIN_STAFF_PASSWORD": self.password},
        )  # fmt: skip


class Passers:
    """Sends people past one camera, each time as a new track, until told to stop."""

    def __init__(self, line: ClientConnection, camera: wire.Camera, bundle: BoxBundle) -> None:
        self._line, self._camera, self._bundle = line, camera, bundle
        self._track = 0
        self.answers: list[tuple[str, Outcome]] = []

    def sees(self, raw: Vector) -> Outcome:
        """Return the last word of the city on somebody."""
        assert self._camera.assessment is not None
        self._track += 1
        sent = encode_probe(normalise(apply(self._bundle.transform, raw)))
        answer: object = None
        for look in range(5):
            ids = (self._camera.camera_id, self._camera.assessment.assessment_id, self._track, look, look)
            self._line.send(wire.encode(wire.FaceEvent(*ids, now_ms(), 80, 0.9, look + 1, sent)))
            answer = wire.decode_from_city(self._line.recv(decode=False))
            assert isinstance(answer, wire.FaceAnswer), answer
            if answer.outcome is not Outcome.BETTER_SHOT:
                return answer.outcome
        return Outcome.NOT_ENROLLED

    def walk(self, people: Mapping[str, Vector], over: threading.Event) -> None:
        """Let everybody pass again and again."""
        while not over.is_set():
            for name, raw in people.items():
                self.answers.append((name, self.sees(raw)))


def people_of(guests: list[Guest]) -> dict[str, Vector]:
    """Return one person of this city, one of the other, and a stranger, as a camera would see them."""
    engine = FaceEngine.load(ModelPack.load())
    here, elsewhere = (next(guest for guest in guests if guest.elsewhere is away) for away in (False, True))
    known = {"here": here, "elsewhere": elsewhere}
    seen = {name: acquire(engine, decode_image(guest.photos[0].content)).vector for name, guest in known.items()}
    return {**seen, "stranger": normalise(seen["here"][::-1].copy())}


def test_C8_keys_of_a_running_house_are_renewed_without_a_pause_or_a_wrong_match(tmp_path: Path) -> None:
    guests = guests_of_cast(load_cast())
    people = people_of(guests)
    with RenewingHouse(tmp_path) as house:
        founder = Founder(house, port=free_port(), say=print, step=lambda _done, _total: None)
        bank: Bank = founder.found(guests)
        bundle = BoxBundle.load(Path(bank.box_settings["bundle_file"]))
        with connect(bank.box_settings["city_url"]) as line:
            passers = Passers(line, enter(line, bank, bundle), bundle)
            over = threading.Event()
            walking = threading.Thread(target=passers.walk, args=(people, over))
            walking.start()
            try:
                house.renew("city", bundle.city_id)
                house.renew("province")
                house.renew("city", bundle.city_id)
                renewed_at = len(passers.answers)
                while len(passers.answers) < renewed_at + 2 * len(people) and walking.is_alive():
                    over.wait(0.05)
            finally:
                over.set()
                walking.join()
    expected = {"here": Outcome.MATCHED, "elsewhere": Outcome.MATCHED, "stranger": Outcome.NOT_ENROLLED}
    assert len(passers.answers) > 4 * len(people)
    assert [seen for seen in passers.answers if seen[1] is not expected[seen[0]]] == []
