"""Which queue a customer's ticket is for: by his tier alone, however he shows who he is - face, card, ID or QR (C4)."""

from collections.abc import Mapping
from typing import Final

from yingbin.wire import QueueClass

QUEUE_OF_TIER: Final[Mapping[str, QueueClass]] = {
    "vip_diamond": QueueClass.GREEN_CHANNEL,
    "vip_platinum": QueueClass.GREEN_CHANNEL,
    "vip_gold": QueueClass.GREEN_CHANNEL,
    "potential": QueueClass.STANDARD,
}


def queue_class(tier: str) -> QueueClass:
    """Return the queue of a tier; standard for one that is not known here."""
    return QUEUE_OF_TIER.get(tier, QueueClass.STANDARD)
