"""City <-> tablet: JSON messages on one WebSocket (`/v1/pad`).

The tablet says `Hello` with its token and the last `seq` it has seen; the city answers `Welcome` and replays every card
that changed since. A card is state, not an event: a later message with the same `card_id` replaces the earlier one.
"""

from typing import Literal

import msgspec

from yingbin.feed_wire import Avoid
from yingbin.portrait_wire import InsightEvidence, InsightNote, Money, PortraitPage
from yingbin.wire import BadMessage

__all__ = ["InsightEvidence", "InsightNote", "Money"]

MAX_PAD_MESSAGE_BYTES = 16 * 1024
BEAT_INTERVAL_S = 5
"""The city sends `Beat` this often; a tablet that hears nothing for `LINE_DOWN_AFTER_S` shows that the line is down."""
LINE_DOWN_AFTER_S = 12


class Offer(msgspec.Struct, frozen=True):
    """One suggestion with one reason, in both languages; the first of a card is the main one.

    `confidence`: high, medium, low, or empty when it is nobody's in particular (the general list).
    """

    product: str
    name_zh: str
    name_en: str
    reason_zh: str
    reason_en: str
    talking_point_zh: str
    talking_point_en: str
    confidence: str = ""


class Sighting(msgspec.Struct, frozen=True):
    """Where and when the customer was last seen. `event_id` joins it to the box's own record of the track."""

    event_id: str
    camera_id: str
    camera_role: str
    frame: int
    seen_at_ms: int


class Card(msgspec.Struct, frozen=True):
    """What a tablet shows of one visit. `photo` is a base64 JPEG, empty until it arrives or if it never does.

    `home_branch_zh` and `_en` name the branch of a customer from another city. A `withdrawn` card holds nothing of the
    customer any more: a tablet drops it (C5).
    """

    card_id: str
    visit_id: str
    customer_id: str
    branch_id: str
    recognised_by: Literal["city", "province"]
    surname: str
    honorific_zh: str
    honorific_en: str
    tier: str
    from_other_city: bool
    personalised: bool
    first: Sighting
    last: Sighting
    alerted_at_ms: int
    offers: tuple[Offer, ...]
    avoid: tuple[Avoid, ...]
    assigned_to: str
    state: Literal["open", "acknowledged", "confirmed", "greeted", "wrong_person", "closed", "withdrawn"]
    refused_products: tuple[str, ...] = ()
    photo: str = ""
    home_branch_zh: str = ""
    home_branch_en: str = ""


# --- tablet -> city ------------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message: who is here, and what was already seen (`last_seq`, 0 for nothing)."""

    token: str
    last_seq: int


class Received(msgspec.Struct, frozen=True, tag="received"):
    """Everything up to `seq` is on the tablet."""

    seq: int


class Acknowledge(msgspec.Struct, frozen=True, tag="acknowledge"):
    """Somebody has taken the card; it no longer escalates."""

    card_id: str


class ConfirmIdentity(msgspec.Struct, frozen=True, tag="confirm_identity"):
    """The manager has checked that this is the customer; the city answers with `Portrait`."""

    card_id: str


Reason = Literal["", "no_need", "have_elsewhere", "price", "too_complex", "later", "other"]
"""Why a product is not wanted; empty when nobody said."""


class ReportOutcome(msgspec.Struct, frozen=True, tag="outcome"):
    """What came of it. Safe to repeat: `outcome_id` is made by the tablet.

    `accepted` (he is interested, or takes it) goes with a `product`, `not_interested` with one or none, meaning all of
    them, and with a `reason` if he gave one.
    """

    outcome_id: str
    card_id: str
    kind: Literal["greeted", "wrong_person", "not_interested", "accepted"]
    product: str = ""
    reason: Reason = ""


class AnswerInsight(msgspec.Struct, frozen=True, tag="answer_insight"):
    """What the customer said of a question. Safe to repeat: `answer_id` is made by the tablet.

    The city answers with `OutcomeStored` of that id.
    """

    answer_id: str
    card_id: str
    fact_id: str
    confirmed: bool


PadMessage = Hello | Received | Acknowledge | ConfirmIdentity | ReportOutcome | AnswerInsight

# --- city -> tablet ------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The token was accepted. Cards with a `seq` up to `head_seq` follow as replay, then live ones."""

    staff_id: str
    display_name: str
    role: str
    branch_id: str
    branch_zh: str
    branch_en: str
    head_seq: int
    server_time_ms: int


class CardMessage(msgspec.Struct, frozen=True, tag="card"):
    """A card, new or changed. `ring` is true once a visit for this tablet: sound and vibration."""

    seq: int
    ring: bool
    card: Card


class Portrait(PortraitPage, frozen=True, kw_only=True, tag="portrait"):
    """What is shown only after `ConfirmIdentity`. `available` is false when the province cannot be reached."""

    card_id: str
    available: bool


class OutcomeStored(msgspec.Struct, frozen=True, tag="outcome_stored"):
    """The outcome or the answer with this id is in the city's database; the tablet may forget it."""

    outcome_id: str


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The line is alive."""

    server_time_ms: int
    degraded: bool


class PadRefused(msgspec.Struct, frozen=True, tag="refused"):
    """A message was refused; `code` is `not_authenticated` when the tablet must sign in again.

    `about` is the `outcome_id`, `answer_id` or `card_id` of the refused message, which must not be sent again unless
    the code says that trying again may help; empty when the refusal is about the connection.
    """

    code: str
    message: str
    error_id: str
    about: str = ""


CityToPad = Welcome | CardMessage | Portrait | OutcomeStored | Beat | PadRefused

_encoder = msgspec.json.Encoder()
_from_pad: msgspec.json.Decoder[PadMessage] = msgspec.json.Decoder(PadMessage)
_from_city: msgspec.json.Decoder[CityToPad] = msgspec.json.Decoder(CityToPad)


def encode(message: msgspec.Struct) -> str:
    """Return `message` as JSON text."""
    return _encoder.encode(message).decode()


def decode_from_pad(raw: str | bytes) -> PadMessage:
    """Decode what a city receives from a tablet. Raises `BadMessage`."""
    if len(raw) > MAX_PAD_MESSAGE_BYTES:
        raise BadMessage(f"message of {len(raw)} bytes; at most {MAX_PAD_MESSAGE_BYTES}")
    try:
        return _from_pad.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"message cannot be decoded: {error}") from error


def decode_from_city(raw: str | bytes) -> CityToPad:
    """Decode what a tablet receives. Raises `BadMessage`."""
    try:
        return _from_city.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"message cannot be decoded: {error}") from error
