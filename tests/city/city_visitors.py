"""People who walk past a camera."""

from city_box import BoxClient
from city_people import face

from yingbin import wire
from yingbin.galleries.protect import Vector
from yingbin.wire import Outcome


class Visitors:
    """People who walk past one camera, each time as a track of their own."""

    def __init__(self, box: BoxClient) -> None:
        self._box = box
        self._track = 0

    def sees(self, person: int | Vector) -> Outcome:
        """Return what the city says to somebody; a `better_shot` is asked for until it is given up."""
        raw = face(person) if isinstance(person, int) else person
        self._track += 1
        for seq in range(5):
            answer = self._box.ask(self._box.event(raw, self._track, seq))
            assert isinstance(answer, wire.FaceAnswer), answer
            if answer.outcome is not Outcome.BETTER_SHOT:
                return answer.outcome
        return Outcome.NOT_ENROLLED
