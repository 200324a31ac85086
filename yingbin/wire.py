"""Every message between box and city, as typed structs, and what all messages share.

One WebSocket, binary msgpack (`encode` / `decode_from_box` / `decode_from_city`), <= 1 kB a face event; local
recognition adds `yingbin.local_wire`. The other lines: `feed_wire` and `report_wire` (city and province),
`pad_wire` (city and tablet).

Decoding is strict: an unknown tag, a wrong type or an oversized body raises `BadMessage`. Instants are UTC ms.
"""

from enum import StrEnum
from typing import TypeVar

import msgspec

from yingbin.errors import InvalidInput
from yingbin.ids import BootId, KeyId
from yingbin.local_wire import GalleryAsk, GalleryPage, LocalHit
from yingbin.look_wire import LookFacts
from yingbin.queue_wire import Business, QueueClass, QueueReport

MAX_BOX_MESSAGE_BYTES = 64 * 1024
MAX_SCENE_PHOTO_BYTES = 30 * 1024
MAX_FACE_PICTURE_BYTES = 40 * 1024
DEFAULT_MIN_FACE_PX = 40


class BadMessage(InvalidInput):
    """A message could not be decoded: malformed, of an unknown kind, or too large."""

    code = "bad_message"


class CameraRole(StrEnum):
    """Where a camera stands; the role fixes which purposes may be searched (C3)."""

    ENTRANCE = "entrance"
    TICKET_MACHINE = "ticket_machine"
    SELF_SERVICE = "self_service"
    AD_SCREEN = "ad_screen"


class CameraMode(StrEnum):
    """What leaves the box: vectors (default), face crops, or the whole stream."""

    FEATURE = "feature"
    PICTURE = "picture"
    VIDEO = "video"


class Outcome(StrEnum):
    """The city's answer to one look at a track."""

    MATCHED = "matched"
    BETTER_SHOT = "better_shot"
    NOT_ENROLLED = "not_enrolled"


class Assessment(msgspec.Struct, frozen=True):
    """An impact assessment (PIPL art. 55; C3): what a camera may do, and until when.

    `local_recognition`: whether templates of the branch's customers may lie on its box.
    """

    assessment_id: str
    expires_at_ms: int
    roles: tuple[CameraRole, ...]
    modes: tuple[CameraMode, ...]
    galleries: tuple[str, ...]
    local_recognition: bool = False

    def covers(self, role: CameraRole, mode: CameraMode, gallery: str, at_ms: int) -> bool:
        """Return whether this camera role and mode may be matched against `gallery` at `at_ms`."""
        return at_ms < self.expires_at_ms and role in self.roles and mode in self.modes and gallery in self.galleries


class Camera(msgspec.Struct, frozen=True):
    """A camera as registered at the province. With `local_recognition` its box decides who it is; only hits leave.

    A face is worth a look from a height of `min_face_px` in its pictures.
    """

    camera_id: str
    branch_id: str
    box_id: str
    role: CameraRole
    mode: CameraMode
    assessment: Assessment | None
    local_recognition: bool = False
    min_face_px: int = DEFAULT_MIN_FACE_PX


# --- box -> city ---------------------------------------------------------------------------------------------------


class Proof(msgspec.Struct, frozen=True, tag="proof", array_like=True):
    """Answer to `Challenge`: an Ed25519 signature over `yingbin.trust.devices.challenge_text`.

    `key_id` names the domain of the box's vectors.
    """

    box_id: str
    boot_id: str
    pack_id: str
    key_id: str
    signature: bytes


class FaceEvent(LookFacts, frozen=True, tag="f", array_like=True):
    """One look at one track. `vector`: the box's key transform of a unit template, as `protect.encode_probe` codes it.

    A repeat is answered as the first was and changes nothing. `key_id`: the domain of `vector`, when it is an earlier
    one than the box has proved; taken until the box's renewal is finished.
    """

    vector: bytes
    boot_id: BootId = ""
    key_id: KeyId = ""


class FacePicture(LookFacts, frozen=True, tag="p", array_like=True):
    """One look at one track of a camera in picture mode: `jpeg`, <= 40 kB, holds the face and a margin.

    `landmarks`: eyes, nose tip, mouth corners as the box found them, px of the picture, (5, 2) little-endian fp32: to
    find them again in the crop would place them elsewhere and cost up to half of the cosine. Nobody keeps the picture.
    """

    jpeg: bytes
    landmarks: bytes
    boot_id: BootId = ""


FaceLook = FaceEvent | FacePicture | LocalHit
"""One look at one track, in whichever form the camera ships it."""


class ScenePhoto(msgspec.Struct, frozen=True, tag="photo", array_like=True):
    """The one scene photo of a matched track, other faces blurred; empty when the box no longer holds it."""

    camera_id: str
    track: int
    jpeg: bytes
    boot_id: BootId = ""


class CameraState(StrEnum):
    """Whether a camera delivers usable pictures."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    ENDED = "ended"
    NOT_ASSESSED = "not_assessed"
    NO_GALLERY = "no_gallery"
    FROZEN = "frozen"
    DARK = "dark"
    BLURRED = "blurred"
    MOVED = "moved"


class CameraStatus(msgspec.Struct, frozen=True, tag="status", array_like=True):
    """A change in a camera's state, with a sentence for branch IT."""

    camera_id: str
    state: CameraState
    detail: str


class ClockAsk(msgspec.Struct, frozen=True, tag="time", array_like=True):
    """The box asks for the city's clock; answered at once by `ClockTell` with the same number."""

    number: int


class TicketAsk(msgspec.Struct, frozen=True, tag="ticket", array_like=True):
    """Somebody tapped "use my face" at the ticket machine and is to be recognised for the purpose `ticketing` alone.

    `vector` as in `FaceEvent`; nothing of it is kept, whatever the answer. `number` names the question to the box.
    """

    number: int
    camera_id: str
    assessment_id: str
    shots: int
    vector: bytes
    business: Business = ""


BoxMessage = (
    Proof | ClockAsk | TicketAsk | QueueReport | GalleryAsk
    | FaceEvent | FacePicture | LocalHit | ScenePhoto | CameraStatus
)  # fmt: skip

# --- city -> box ---------------------------------------------------------------------------------------------------


class Challenge(msgspec.Struct, frozen=True, tag="challenge", array_like=True):
    """First message of a connection: 32 random bytes to sign, and the city's clock."""

    nonce: bytes
    city_id: str
    city_time_ms: int


class Welcome(msgspec.Struct, frozen=True, tag="welcome", array_like=True):
    """The proof was accepted; the cameras this box may run, as the province registered them."""

    cameras: tuple[Camera, ...]
    city_time_ms: int


class FaceAnswer(msgspec.Struct, frozen=True, tag="a", array_like=True):
    """Acknowledges a `FaceLook` after its transaction.

    `want_photo` is true once a visit, and once more when a card that was made too late to ring rings after all.
    """

    camera_id: str
    track: int
    seq: int
    outcome: Outcome
    want_photo: bool
    boot_id: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused", array_like=True):
    """A message or a connection was refused. With `track`/`seq` it answers that event, which must not be sent again."""

    code: str
    message: str
    error_id: str
    camera_id: str = ""
    track: int = -1
    seq: int = -1
    boot_id: str = ""


class ClockTell(msgspec.Struct, frozen=True, tag="clock", array_like=True):
    """The city's clock when it heard `ClockAsk`."""

    number: int
    city_time_ms: int


class TicketAnswer(msgspec.Struct, frozen=True, tag="ticket", array_like=True):
    """Answers `TicketAsk`. `masked_name` is the surname and a star; empty when nobody was recognised."""

    number: int
    recognised: bool
    queue_class: QueueClass
    masked_name: str


CityMessage = Challenge | Welcome | FaceAnswer | Refused | ClockTell | TicketAnswer | GalleryPage


_encoder = msgspec.msgpack.Encoder()
_from_box: msgspec.msgpack.Decoder[BoxMessage] = msgspec.msgpack.Decoder(BoxMessage)
_from_city: msgspec.msgpack.Decoder[CityMessage] = msgspec.msgpack.Decoder(CityMessage)
T = TypeVar("T")


def encode(message: msgspec.Struct) -> bytes:
    """Return `message` as msgpack."""
    return _encoder.encode(message)


def decode(raw: bytes, kind: type[T]) -> T:
    """Decode msgpack into `kind`. Raises `BadMessage`."""
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"not a valid {kind.__name__}: {error}") from error


def decode_from_box(raw: bytes) -> BoxMessage:
    """Decode what a city receives. Raises `BadMessage`."""
    return _strict(_from_box, raw)


def decode_from_city(raw: bytes) -> CityMessage:
    """Decode what a box receives. Raises `BadMessage`."""
    return _strict(_from_city, raw)


def _strict(decoder: msgspec.msgpack.Decoder[T], raw: bytes) -> T:
    if len(raw) > MAX_BOX_MESSAGE_BYTES:
        raise BadMessage(f"message of {len(raw)} bytes; at most {MAX_BOX_MESSAGE_BYTES}")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"message cannot be decoded: {error}") from error
