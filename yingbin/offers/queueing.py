"""Which queue a customer's ticket is for: by his tier alone, however he shows who he is (C4); and how long it takes."""

from collections.abc import Mapping
from typing import Final

from yingbin.queue_wire import Queue, QueueClass

QUEUE_OF_TIER: Final[Mapping[str, QueueClass]] = {
    "vip_diamond": QueueClass.GREEN_CHANNEL,
    "vip_platinum": QueueClass.GREEN_CHANNEL,
    "vip_gold": QueueClass.GREEN_CHANNEL,
    "potential": QueueClass.STANDARD,
}


def queue_class(tier: str) -> QueueClass:
    """Return the queue of a tier; standard for one that is not known here."""
    return QUEUE_OF_TIER.get(tier, QueueClass.STANDARD)


def expected_wait_min(queue: Queue) -> int:
    """Return the whole minutes somebody who joins now will wait, -1 when the machine does not know enough.

    Every counter is busy while anybody waits, so those before him leave at counters / service time (Little's law).
    """
    if not queue.waiting:
        return 0
    if not queue.counters or not queue.service_s:
        return -1
    return queue.waiting * queue.service_s // (queue.counters * 60)
