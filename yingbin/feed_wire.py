"""What the province sends its cities, as typed structs: msgpack bodies, on `/v1/city/...`.

What it searches for them is `yingbin.search_wire`, what a city reports `yingbin.report_wire`. Encoded and decoded by
`yingbin.wire`, whose rules hold here too. Instants are UTC milliseconds.
"""

from enum import StrEnum
from typing import Any

import msgspec

from yingbin.wire import BadMessage, Camera, decode


class Lever(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the visit adds to a product's priority: `factor` while `signal` holds (`yingbin.offers.decision.context`).

    `branches`: only there; empty for all. It counts from `from_ms` until `until_ms`, 0 for no limit. `reason_*`: what
    is said beside the candidate's own reason while it counts.
    """

    signal: str
    factor: float
    branches: tuple[str, ...] = ()
    from_ms: int = 0
    until_ms: int = 0
    reason_zh: str = ""
    reason_en: str = ""


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product the brain would raise with this customer, scored before the visit; suitability is checked at the visit.

    `reason_*` states fact, source and date; neither text holds an amount of money. At most one offer per `category`
    reaches a card, and never two that exclude each other; empty means none. On sale from `valid_from_ms` until
    `valid_until_ms`, 0 for no limit. `rule`: what found it. `confidence`: high, medium or low. An insight may be its
    only reason until `holds_until_ms` (0: it has another), or let it rest until `rests_until_ms`.
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
    excludes: tuple[str, ...] = ()
    valid_from_ms: int = 0
    valid_until_ms: int = 0
    levers: tuple[Lever, ...] = ()
    rule: str = ""
    confidence: str = ""
    holds_until_ms: int = 0
    rests_until_ms: int = 0


class ContactNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of raising a product with this customer, in every city. `shown_at_ms`: the newest, oldest first."""

    product: str
    category: str = ""
    refusals: int = 0
    last_refused_ms: int = 0
    shown_at_ms: tuple[int, ...] = ()


class ContactPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often a customer may be asked; limits are data of the catalogue. A limit of 0 contacts means none at all.

    After a refusal the product rests `refusal_product_days`, its category `refusal_category_days`; after `max_refusals`
    of the product it rests `reoffer_days`. A product is shown `product_shown_per_30_days` times at most, and all
    channels together make `contacts_per_30_days`.
    """

    refusal_product_days: int = 30
    refusal_category_days: int = 7
    max_refusals: int = 2
    reoffer_days: int = 180
    product_shown_per_30_days: int = 4
    contacts_per_30_days: int = 8


class Avoid(msgspec.Struct, frozen=True, omit_defaults=True):
    """What not to offer, in the allowed wording (C15); until `until_ms`, 0 for no limit."""

    product: str
    text_zh: str
    text_en: str
    until_ms: int = 0


class Basis(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which policy made a view, for measuring what offers do; it is never told to a tablet.

    `policy` is one of `yingbin.offers.card.POLICIES`, empty for somebody who is not addressed
    personally. `arm` of `experiment`, drawn with `probability`; `programme` is the digest of all that was declared.
    `learned`: version of what was learned from the log.
    """

    policy: str = ""
    holdout: bool = False
    experiment: str = ""
    arm: str = ""
    probability: float = 1.0
    programme: str = ""
    learned: str = ""


class CardView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a city may know of a customer before his identity is confirmed. No money, no full name.

    `purposes`: those in force under which a camera may recognise him (C1). `home_branch_zh` and `_en` come with a hit
    of the province, for a city that does not know the branch; empty in a feed. `catalogue`: version and digest of the
    catalogue it was made by. `contacts` and `contacted_at_ms` (the newest contacts of any channel, oldest first) are
    what `policy` is applied to at the visit. `matures_on`, `salary_day` (day of the month, 0 for unknown) and
    `refused_last_visit` are what the visit's levers need.
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
    home_branch_zh: str = ""
    home_branch_en: str = ""
    catalogue: str = ""
    contacts: tuple[ContactNote, ...] = ()
    contacted_at_ms: tuple[int, ...] = ()
    policy: ContactPolicy = ContactPolicy()
    matures_on: str = ""
    salary_day: int = 0
    refused_last_visit: bool = False
    basis: Basis = Basis()


class Template(msgspec.Struct, frozen=True):
    """One enrolled template in the receiving tier's own domain (little-endian fp32, unit length)."""

    template_id: str
    customer_id: str
    pack_id: str
    gallery: str
    vector: bytes


class WatchEntry(msgspec.Struct, frozen=True):
    """Somebody of a watch list (C13), in the list's own domain at this city (little-endian fp32, unit length).

    `document_number` names the written order, which ends at `valid_until_ms`. `subject` says who it is, to whoever is
    told: security, or `told_staff_id` alone. `branch_id`: the one branch it is about; empty for all.
    """

    entry_id: str
    watch_list: str
    document_number: str
    valid_until_ms: int
    subject: str
    pack_id: str
    vector: bytes
    told_staff_id: str = ""
    branch_id: str = ""


class WatchMap(msgspec.Struct, frozen=True):
    """Maps the city's vectors into a watch list's domain (fp32, dim x dim, row-major)."""

    watch_list: str
    from_city: bytes


class Branch(msgspec.Struct, frozen=True):
    """A branch of this city."""

    branch_id: str
    name_zh: str
    name_en: str


class Box(msgspec.Struct, frozen=True):
    """A camera box. `to_city` maps its vectors into the city's domain (fp32, dim x dim, row-major), by its key id.

    There are two while that key is being renewed. `raw_to_city` does so for vectors the city makes itself from
    pictures; it is R_city, so only a city with a box whose camera is registered and assessed for picture mode is given
    it. Empty otherwise.
    """

    box_id: str
    branch_id: str
    public_key: bytes
    revoked: bool
    to_city: dict[str, bytes]
    raw_to_city: bytes = b""


class Staff(msgspec.Struct, frozen=True):
    """Somebody who may sign in at a tablet; `pin_hash` is Argon2id. A token of another `version` has ended."""

    staff_id: str
    display_name: str
    role: str
    branch_id: str
    pin_hash: str
    on_duty: bool
    version: int = 0


class FeedKind(StrEnum):
    """What a feed entry is about; fixes the type of its payload.

    `GUEST_VIEW`: what is said anew of somebody who is at home in another city, for the card of a visit that is open. It
    is never kept; None means that this city is to show no offers of before.
    """

    BRANCH = "branch"
    CAMERA = "camera"
    BOX = "box"
    STAFF = "staff"
    CARD_VIEW = "card_view"
    TEMPLATE = "template"
    GUEST_VIEW = "guest_view"
    WATCH_MAP = "watch_map"
    WATCH_ENTRY = "watch_entry"


FEED_TYPES: dict[FeedKind, type[msgspec.Struct]] = {
    FeedKind.BRANCH: Branch,
    FeedKind.CAMERA: Camera,
    FeedKind.BOX: Box,
    FeedKind.STAFF: Staff,
    FeedKind.CARD_VIEW: CardView,
    FeedKind.TEMPLATE: Template,
    FeedKind.GUEST_VIEW: CardView,
    FeedKind.WATCH_MAP: WatchMap,
    FeedKind.WATCH_ENTRY: WatchEntry,
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
    `key_id` names the domain of every vector and map in the page. While `newest_key_id` is another, the city's key is
    being renewed: it is to fetch a snapshot in that domain beside what it serves, and then change over.
    """

    snapshot: bool
    entries: tuple[FeedEntry, ...]
    up_to: int
    head: int
    checksum: bytes
    lease_until_ms: int
    key_id: str
    newest_key_id: str


def feed_payload(entry: FeedEntry) -> Any:
    """Decode the payload of a feed entry into its `FEED_TYPES` struct. Raises `BadMessage`."""
    if entry.payload is None:
        raise BadMessage(f"feed entry {entry.revision} was a removal")
    return decode(entry.payload, FEED_TYPES[entry.kind])
