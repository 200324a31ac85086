"""Every message between tiers, as typed structs.

- box <-> city: one WebSocket, binary msgpack (`encode` / `decode_from_box` / `decode_from_city`), <= 1 kB a face event.
- city <-> province: HTTP with msgpack bodies, on `/v1/city/...`.
- city <-> pad: one WebSocket, JSON; see `yingbin.pad_wire`.

Decoding is strict: an unknown tag, a wrong type or an oversized body raises `BadMessage`.
Instants are UTC milliseconds.
"""

from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec

from yingbin.errors import InvalidInput

MAX_BOX_MESSAGE_BYTES = 64 * 1024
MAX_SCENE_PHOTO_BYTES = 30 * 1024
MAX_FACE_PICTURE_BYTES = 40 * 1024

BootId = Annotated[str, msgspec.Meta(max_length=64)]
"""The boot a look was made in, when it is not the one that proved the key: it waited through a restart. Else empty."""


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
    """An impact assessment (PIPL art. 55; C3): what a camera may do, and until when."""

    assessment_id: str
    expires_at_ms: int
    roles: tuple[CameraRole, ...]
    modes: tuple[CameraMode, ...]
    galleries: tuple[str, ...]

    def covers(self, role: CameraRole, mode: CameraMode, gallery: str, at_ms: int) -> bool:
        """Return whether this camera role and mode may be matched against `gallery` at `at_ms`."""
        return at_ms < self.expires_at_ms and role in self.roles and mode in self.modes and gallery in self.galleries


class Camera(msgspec.Struct, frozen=True):
    """A camera as registered at the province; travels in the feed and, to its box, in `Welcome`."""

    camera_id: str
    branch_id: str
    box_id: str
    role: CameraRole
    mode: CameraMode
    assessment: Assessment | None


# --- box -> city ---------------------------------------------------------------------------------------------------


class Proof(msgspec.Struct, frozen=True, tag="proof", array_like=True):
    """Answer to `Challenge`: an Ed25519 signature over `yingbin.trust.devices.challenge_text`."""

    box_id: str
    boot_id: str
    pack_id: str
    signature: bytes


class FaceEvent(msgspec.Struct, frozen=True, tag="f", array_like=True):
    """One look at one track. `vector` is the box's key transform applied to a unit template, as little-endian fp16.

    (box, boot, track, seq) names the event for ever; a repeat is answered as the first was and changes nothing.
    `seen_at_ms` is by the city's clock, as the box measured it.
    """

    camera_id: str
    assessment_id: str
    track: int
    seq: int
    frame: int
    seen_at_ms: int
    face_px: int
    quality: float
    shots: int
    vector: bytes
    boot_id: BootId = ""


class FacePicture(msgspec.Struct, frozen=True, tag="p", array_like=True):
    """One look at one track of a camera in picture mode: `jpeg`, <= 40 kB, holds the face and a margin.

    `landmarks`: eyes, nose tip, mouth corners as the box found them, px of the picture, (5, 2) little-endian fp32: to
    find them again in the crop would place them elsewhere and cost up to half of the cosine. Everything else, names
    and repeats included, is as in `FaceEvent`. Nobody keeps the picture.
    """

    camera_id: str
    assessment_id: str
    track: int
    seq: int
    frame: int
    seen_at_ms: int
    face_px: int
    quality: float
    shots: int
    jpeg: bytes
    landmarks: bytes
    boot_id: BootId = ""


FaceLook = FaceEvent | FacePicture
"""One look at one track, in whichever form the camera's mode ships it."""


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


BoxMessage = Proof | ClockAsk | TicketAsk | FaceEvent | FacePicture | ScenePhoto | CameraStatus

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
    """Acknowledges a `FaceEvent` or `FacePicture` after its transaction.

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


class QueueClass(StrEnum):
    """Which queue a ticket is for; it follows from the customer's tier, however he shows who he is (C4)."""

    STANDARD = "standard"
    GREEN_CHANNEL = "green_channel"


class TicketAnswer(msgspec.Struct, frozen=True, tag="ticket", array_like=True):
    """Answers `TicketAsk`. `masked_name` is the surname and a star; empty when nobody was recognised."""

    number: int
    recognised: bool
    queue_class: QueueClass
    masked_name: str


CityMessage = Challenge | Welcome | FaceAnswer | Refused | ClockTell | TicketAnswer

# --- city <-> province ---------------------------------------------------------------------------------------------


class Candidate(msgspec.Struct, frozen=True):
    """A product the brain would raise with this customer, scored before the visit; suitability is checked at the visit.

    `reason_*` states fact, source and date; neither text holds an amount of money. At most one offer per `category`
    reaches a card; empty means none.
    """

    product: str
    name_zh: str
    name_en: str
    score: float
    risk_level: int
    investment: bool
    reason_zh: str
    reason_en: str
    talking_point_zh: str = ""
    talking_point_en: str = ""
    category: str = ""


class Avoid(msgspec.Struct, frozen=True):
    """What not to offer, in the allowed wording (C15)."""

    product: str
    text_zh: str
    text_en: str


class CardView(msgspec.Struct, frozen=True):
    """What a city may know of a customer before his identity is confirmed. No money, no full name.

    `purposes`: those in force under which a camera may recognise him (C1).
    """

    customer_id: str
    surname: str
    honorific_zh: str
    honorific_en: str
    tier: str
    home_branch_id: str
    rm_staff_id: str
    gallery: str
    personalised: bool
    risk_tolerance: int
    risk_valid_until_ms: int
    candidates: tuple[Candidate, ...]
    avoid: tuple[Avoid, ...]
    purposes: tuple[str, ...] = ()


class Template(msgspec.Struct, frozen=True):
    """One enrolled template in the receiving tier's own domain (little-endian fp32, unit length)."""

    template_id: str
    customer_id: str
    pack_id: str
    gallery: str
    vector: bytes


class Branch(msgspec.Struct, frozen=True):
    """A branch of this city."""

    branch_id: str
    name_zh: str
    name_en: str


class Box(msgspec.Struct, frozen=True):
    """A camera box. `to_city` maps its vectors into the city's domain (fp32, dim x dim, row-major).

    `raw_to_city` does so for vectors the city makes itself from pictures; it is R_city, so only a city with a box whose
    camera is registered and assessed for picture mode is given it. Empty otherwise.
    """

    box_id: str
    branch_id: str
    public_key: bytes
    revoked: bool
    to_city: bytes
    raw_to_city: bytes = b""


class Staff(msgspec.Struct, frozen=True):
    """Somebody who may sign in at a tablet; `pin_hash` is Argon2id."""

    staff_id: str
    display_name: str
    role: str
    branch_id: str
    pin_hash: str
    on_duty: bool


class FeedKind(StrEnum):
    """What a feed entry is about; fixes the type of its payload."""

    BRANCH = "branch"
    CAMERA = "camera"
    BOX = "box"
    STAFF = "staff"
    CARD_VIEW = "card_view"
    TEMPLATE = "template"


FEED_TYPES: dict[FeedKind, type[msgspec.Struct]] = {
    FeedKind.BRANCH: Branch,
    FeedKind.CAMERA: Camera,
    FeedKind.BOX: Box,
    FeedKind.STAFF: Staff,
    FeedKind.CARD_VIEW: CardView,
    FeedKind.TEMPLATE: Template,
}


class FeedEntry(msgspec.Struct, frozen=True):
    """The state of one thing at `revision`: its msgpack payload, or None when it was removed."""

    revision: int
    kind: FeedKind
    key: str
    payload: bytes | None


class FeedPage(msgspec.Struct, frozen=True):
    """Changes after a revision, in order. `checksum` is SHA-256 over the msgpack of `entries`.

    With `snapshot` the receiver first drops what it holds. `lease_until_ms`: matching stops then unless renewed.
    """

    snapshot: bool
    entries: tuple[FeedEntry, ...]
    up_to: int
    head: int
    checksum: bytes
    lease_until_ms: int


class Probe(msgspec.Struct, frozen=True):
    """A miss of the city, in the city's domain, to be searched in the whole province; never written down (C2)."""

    camera_id: str
    assessment_id: str
    look: int
    shots: int
    vector: bytes
    purpose: str = "vip_service"


class SearchRequest(msgspec.Struct, frozen=True):
    """A batch of misses."""

    pack_id: str
    probes: tuple[Probe, ...]


class SearchHit(msgspec.Struct, frozen=True):
    """Who it is, or the advice to send a better shot. No score ever leaves the province."""

    outcome: Outcome
    card_view: CardView | None


class SearchReply(msgspec.Struct, frozen=True):
    """One hit per probe, in order."""

    hits: tuple[SearchHit, ...]


class OutcomeReport(msgspec.Struct, frozen=True):
    """What came of a card, for learning and audit; sent by the city, idempotent by `outcome_id`."""

    outcome_id: str
    card_id: str
    customer_id: str
    branch_id: str
    staff_id: str
    kind: str
    product: str
    at_ms: int


def event_id(box_id: str, boot_id: str, track: int, seq: int) -> str:
    """Return the name of one look at one track, unique for ever."""
    return f"{box_id}/{boot_id}/{track}/{seq}"


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


def feed_payload(entry: FeedEntry) -> Any:
    """Decode the payload of a feed entry into its `FEED_TYPES` struct. Raises `BadMessage`."""
    if entry.payload is None:
        raise BadMessage(f"feed entry {entry.revision} was a removal")
    return decode(entry.payload, FEED_TYPES[entry.kind])
