"""A camera box as the wire sees it."""

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from yingbin import wire
from yingbin.galleries.protect import Domain, Vector, apply, encode_probe
from yingbin.ids import new_id, now_ms
from yingbin.trust.devices import DeviceKey, challenge_text

if TYPE_CHECKING:
    from city_house import House

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x40\x00\x40\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    + b"\x55" * 64
    + b"\xff\xd9"
)


class BoxClient:
    """A camera box as the wire sees it."""

    def __init__(
        self, house: "House", name: str, key: DeviceKey, transform: Vector, *, boot: str | None = None, pack: str = ""
    ) -> None:
        self.boot = boot or new_id()
        self._transform = transform
        self.socket: ClientConnection = connect(
            f"ws://{house.address}/v1/box", compression=None, max_size=None, legacy=True
        )
        challenge = self.receive()
        assert isinstance(challenge, wire.Challenge)
        pack = pack or house.pack.pack_id
        key_id = Domain.of(transform).key_id
        text = challenge_text(challenge.nonce, challenge.city_id, name, self.boot, pack, key_id)
        self.socket.send(wire.encode(wire.Proof(name, self.boot, pack, key_id, key.sign(text))))
        self.greeting = self.receive()

    def receive(self, timeout_s: float = 15.0) -> wire.CityMessage:
        raw = self.socket.recv(timeout=timeout_s)
        assert isinstance(raw, bytes)
        return wire.decode_from_city(raw)

    def event(self, raw: Vector, track: int, seq: int = 0, camera: str = "cam-1", **changes: Any) -> wire.FaceEvent:
        vector = encode_probe(apply(self._transform, raw))
        event = wire.FaceEvent(camera, "pia-1", track, seq, 7, now_ms(), 80, 0.9, 4, vector)
        return msgspec.structs.replace(event, **changes)

    def ask(self, *events: wire.FaceEvent) -> wire.CityMessage:
        """Send events; return the answer to the last."""
        for event in events:
            self.socket.send(wire.encode(event))
        answer: wire.CityMessage | None = None
        for _ in events:
            answer = self.receive()
        assert answer is not None
        return answer

    def look(self, raw: Vector, track: int, seq: int = 0, camera: str = "cam-1", **changes: Any) -> wire.CityMessage:
        return self.ask(self.event(raw, track, seq, camera, **changes))

    def photo(self, track: int, jpeg: bytes = JPEG, camera: str = "cam-1") -> None:
        self.socket.send(wire.encode(wire.ScenePhoto(camera, track, jpeg)))

    def close_code(self) -> int:
        """Wait for the city to hang up."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=15)
        return self.socket.close_code or 0

    def close(self) -> None:
        self.socket.close()
