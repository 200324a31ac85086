"""What a city reports to its province, as typed structs: HTTP with msgpack bodies, on `/v1/city/...`.

Encoded and decoded by `yingbin.wire`, whose rules hold here too. Instants are UTC milliseconds.
"""

from typing import Final

import msgspec

from yingbin.feed_wire import Basis


class OutcomeReport(msgspec.Struct, frozen=True):
    """What came of a card, for learning and audit; sent by the city, idempotent by `outcome_id`.

    `reason` as in `pad_wire.Reason`; `place`: where on the card the product stood, from 1, 0 where it was not on it.
    `basis`: of the view the card was made from.
    """

    outcome_id: str
    card_id: str
    customer_id: str
    branch_id: str
    staff_id: str
    kind: str
    product: str
    at_ms: int
    reason: str = ""
    place: int = 0
    basis: Basis = Basis()


class BundleInUse(msgspec.Struct, frozen=True):
    """Which bundle a box connected with, by the key id of its domain, and when; sent by the city after a connection.

    `seen_at_ms`: when its line was last known to be alive; sent again every few minutes while it is.
    """

    box_id: str
    key_id: str
    at_ms: int
    seen_at_ms: int = 0


class WatchAnswered(msgspec.Struct, frozen=True):
    """That an alert of a watch list was acknowledged, and when; it names nobody. Idempotent by `alert_id`."""

    alert_id: str
    branch_id: str
    watch_list: str
    raised_at_ms: int
    acknowledged_at_ms: int


RESPONSE_LIMITS_S: Final = (5, 10, 20, 60, 300)
"""Upper limits of the classes in which response times are counted; a last class holds what took longer."""


class BranchDay(msgspec.Struct, frozen=True):
    """What a branch did on a day of China's clock, ISO 8601: counts only. Sent whole by the city after each change.

    `changes` grows with every change, so that the newest is known. `answered`: cards taken, by class of response time.
    """

    branch_id: str
    day: str
    changes: int
    visits: int
    confirmed: int
    wrong_person: int
    answered: tuple[int, ...]
