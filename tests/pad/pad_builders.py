"""Messages a city could send, invented."""

from typing import Any

import msgspec

from yingbin.feed_wire import Avoid
from yingbin.pad_wire import Card, CardMessage, Offer, Sighting, Welcome

_SEEN = Sighting("event-1", "cam-1", "entrance", 12, 1_700_000_000_000)
_OFFER = Offer("td", "大额存单", "Deposit", "活期闲置", "Idle", "您好", "Hello")
_CARD = Card(
    card_id="card-1", visit_id="visit-1", customer_id="customer-1", branch_id="b-1", recognised_by="city", surname="陈",
    honorific_zh="先生", honorific_en="Mr", tier="vip_gold", from_other_city=False, personalised=True, first=_SEEN,
    last=_SEEN, alerted_at_ms=1_700_000_000_400, offers=(_OFFER,), avoid=(Avoid("loan", "不提贷款", "no loans"),),
    assigned_to="rm-1", state="open",
)  # fmt: skip


def card_message(seq: int, card_id: str = "card-1", *, ring: bool = True, **change: Any) -> CardMessage:
    return CardMessage(seq, ring, msgspec.structs.replace(_CARD, card_id=card_id, **change))


def welcome(head_seq: int = 100) -> Welcome:
    return Welcome("rm-1", "李经理", "rm", "b-1", "城东支行", "East branch", head_seq, 1_700_000_000_000)
