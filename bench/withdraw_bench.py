"""`yingbin bench withdraw`: from a customer's withdrawal at the province to no match at every online city.

Real processes: a province and cities, each with a box of its own. He is enrolled, all cities recognise him (his own
from its replica, the others through the province), he withdraws everything, and the boxes go on looking until no city
knows him. The clock starts when the withdrawal is sent.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from bench.box_line import BoxLine
from bench.search_bench import RunFailed
from demo.api import Api
from demo.cast import load_cast
from demo.guests import Guest, guests_of_cast
from demo.house import House
from demo.setup import Founder
from yingbin.errors import InvalidInput
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import acquire, decode_image
from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import Vector
from yingbin.ids import new_id
from yingbin.wire import Outcome

Say = Callable[[str], None]
FULL: Final = 60
QUICK: Final = 10
LABEL: Final = "real processes on loopback, photos of the demo"
_PURPOSES: Final = ("vip_service", "central_storage", "marketing")
_NOTICE: Final = {"notice_version": "bench-1", "evidence": "invented customer of the bench"}
_GIVE_UP_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.02
_LOOKS_AFTERWARDS: Final = 3


def run_withdraw_bench(folder: Path, withdrawals: int, cities: int, say: Say) -> dict[str, Any]:
    """Measure in the empty `folder`; return what `--json` prints. Raises `InvalidInput`, `RunFailed`, `TierFailed`."""
    if withdrawals < 1 or cities < 1:
        raise InvalidInput("at least one withdrawal and one city")
    guest = next(one for one in guests_of_cast(load_cast()) if not one.elsewhere)
    engine = FaceEngine.load(ModelPack.load())
    vector = acquire(engine, decode_image(guest.photos[0].content)).vector
    took_s = []
    with House(folder) as house, ExitStack() as open_lines:
        say(f"starting a province and {cities} cities")
        founder = Founder(house, port=0, say=say, step=lambda _done, _total: None)
        banks = founder.found_cities([guest], cities)
        lines = [open_lines.enter_context(BoxLine(bank.box_settings)) for bank in banks]
        province = open_lines.enter_context(founder.office())
        (customer_id,) = banks[0].people
        for number in range(withdrawals):
            say(f"withdrawal {number + 1} of {withdrawals}")
            if number:
                customer_id = _enrol_another(province, customer_id, guest)
            _until(lines, vector, Outcome.MATCHED)
            took_s.append(_withdraw(province, customer_id, lines, vector))
    return {
        "data": LABEL,
        "cities": cities,
        "withdrawals": len(took_s),
        "p50_s": round(median(took_s), 3),
        "p99_s": round(float(np.percentile(took_s, 99)), 3),
        "max_s": round(max(took_s), 3),
    }


def _withdraw(province: Api, customer_id: str, lines: Sequence[BoxLine], vector: Vector) -> float:
    """Return the seconds until no city matched him; each goes on being asked until then. Raises `RunFailed`."""
    began_s = time.perf_counter()
    done: list[float] = []
    failures: list[Exception] = []

    def look(line: BoxLine) -> None:
        try:
            _until([line], vector, Outcome.NOT_ENROLLED)
            done.append(time.perf_counter() - began_s)
        except (RunFailed, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=look, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    province.call("DELETE", f"/v1/customers/{customer_id}/consents")
    for thread in threads:
        thread.join()
    if failures:
        raise RunFailed(f"a city did not stop matching: {failures[0]}")
    again = [line.sees(vector) for line in lines for _ in range(_LOOKS_AFTERWARDS)]
    if Outcome.MATCHED in again:
        raise RunFailed("a city matched him again after it had stopped")
    return max(done)


def _enrol_another(province: Api, like: str, guest: Guest) -> str:
    """Enrol the same face as a new customer: who withdrew is known to be gone, in every city, for a minute."""
    customer_id = new_id()
    record = province.call("GET", f"/v1/customers/{like}")["record"]
    province.call("POST", "/v1/customers", json={**record, "customer_id": customer_id})
    for purpose in _PURPOSES:
        province.call("PUT", f"/v1/customers/{customer_id}/consents/{purpose}", json=_NOTICE)
    photo = guest.photos[0]
    form = {"gallery": guest.customer.gallery.value}
    province.call(
        "POST", f"/v1/customers/{customer_id}/photos", data=form, files={"photo": (photo.name, photo.content)}
    )
    return customer_id


def _until(lines: Sequence[BoxLine], vector: Vector, outcome: Outcome) -> None:
    """Look at all lines in turn until each has answered `outcome`. Raises `RunFailed` when that takes too long."""
    deadline = time.monotonic() + _GIVE_UP_S
    for line in lines:
        while line.sees(vector) is not outcome:
            if time.monotonic() > deadline:
                raise RunFailed(f"no city answered {outcome.value} within {_GIVE_UP_S:.0f} s")
            time.sleep(_LOOK_EVERY_S)
