"""A camera box as its city sees it, with looks of our own: who was enrolled passes again and again."""

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from websockets.sync.client import connect

from yingbin import wire
from yingbin.errors import Unavailable
from yingbin.galleries.decide import MAX_LOOKS
from yingbin.galleries.protect import Vector, apply, encode_probe, normalise
from yingbin.ids import new_id, now_ms
from yingbin.trust.devices import BoxBundle, DeviceKey, challenge_text
from yingbin.wire import Outcome

T = TypeVar("T")
_SIDE_PX: Final = 80
_QUALITY: Final = 0.9


class BoxLine:
    """An open line to a city, as `demo.setup.Bank.box_settings` describes it. Use as a context manager."""

    def __init__(self, box_settings: dict[str, Any]) -> None:
        self._bundle = BoxBundle.load(Path(box_settings["bundle_file"]))
        self._key = DeviceKey.load(Path(box_settings["key_file"]))
        self._line = connect(box_settings["city_url"], legacy=True)
        self._track = 0
        self._camera = self._enter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._line.close()

    def sees(self, raw: Vector) -> Outcome:
        """Return the last word of the city on somebody who passes: a unit vector, fp32 (d,), before any protection."""
        self._track += 1  # whom a track was recognised as is not searched for again
        sent = encode_probe(normalise(apply(self._bundle.transform, raw)))
        assessment = self._camera.assessment
        if assessment is None:
            raise Unavailable("the camera has no impact assessment, so it may look at nobody")
        for look in range(MAX_LOOKS):
            ids = (self._camera.camera_id, assessment.assessment_id, self._track, look, look)
            self._line.send(wire.encode(wire.FaceEvent(*ids, now_ms(), _SIDE_PX, _QUALITY, look + 1, sent)))
            answer = self._receive(wire.FaceAnswer)
            if answer.outcome is not Outcome.BETTER_SHOT:
                return answer.outcome
        return Outcome.NOT_ENROLLED

    def _enter(self) -> wire.Camera:
        """Prove the box's key, as `yingbin edge run` does, and return its camera."""
        challenge, boot, bundle = self._receive(wire.Challenge), new_id(), self._bundle
        text = challenge_text(challenge.nonce, challenge.city_id, bundle.box_id, boot, bundle.pack_id, bundle.key_id)
        proof = wire.Proof(bundle.box_id, boot, bundle.pack_id, bundle.key_id, self._key.sign(text))
        self._line.send(wire.encode(proof))
        return self._receive(wire.Welcome).cameras[0]

    def _receive(self, kind: type[T]) -> T:
        message = wire.decode_from_city(self._line.recv(decode=False))
        if not isinstance(message, kind):
            raise Unavailable(f"the city said {type(message).__name__} where {kind.__name__} was due: {message}")
        return message
