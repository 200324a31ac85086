"""A customer of this branch is named a little sooner than one of another branch of the city."""

from collections.abc import Callable

import numpy as np
from city_house import House
from city_people import face

from yingbin import wire
from yingbin.galleries.prior import limits
from yingbin.galleries.protect import Vector, normalise
from yingbin.wire import Outcome

ELSEWHERE = 30
AT_HOME = 2
"""Zhang and Li."""


def seen_as(person: Vector, cosine: float) -> Vector:
    """Return a look at somebody, so far from his template."""
    noise = face(4711)
    across = normalise(noise - float(noise @ person) * person)
    return normalise(np.float32(cosine) * person + np.float32(np.sqrt(1 - cosine**2)) * across)


def test_who_is_at_home_needs_less_and_the_others_pay_for_it(open_house: Callable[..., House]) -> None:
    house = open_house(started=False)
    for number in range(ELSEWHERE):
        view = house.view(f"guest-{number}", rm="", branch="branch-2")
        house.province.enrol(view, face(500 + number), house.pack.pack_id)
    house.start()
    box, found = house.ready_box(), limits(house.pack.scores, ELSEWHERE + AT_HOME, AT_HOME)
    between = (found.home + found.others) / 2
    assert found.others - found.home > 0.02

    answers = {
        "at home": box.look(seen_as(face(1), between), 1),
        "elsewhere": box.look(seen_as(face(500), between), 2),
        "elsewhere, but clear": box.look(seen_as(face(500), found.others + 0.01), 3),
        "at home, but too far": box.look(seen_as(face(2), found.home - 0.01), 4),
    }
    matched = [
        who
        for who, answer in answers.items()
        if isinstance(answer, wire.FaceAnswer)
        if answer.outcome is Outcome.MATCHED
    ]
    assert matched == ["at home", "elsewhere, but clear"]
