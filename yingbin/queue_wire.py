"""What the ticket machine tells of a branch's queues, between box and city: how long they are, never who waits."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

Business = Literal["", "cash", "transfer", "card", "deposit", "wealth", "loan", "fx", "other"]
"""What a ticket was taken for; empty when the ticket machine does not say."""


class QueueClass(StrEnum):
    """Which queue a ticket is for; it follows from the customer's tier, however he shows who he is (C4)."""

    STANDARD = "standard"
    GREEN_CHANNEL = "green_channel"


class Queue(msgspec.Struct, frozen=True, array_like=True):
    """One queue: customers waiting, counters that serve it, mean seconds of a service; 0 where it is not known."""

    queue_class: QueueClass
    waiting: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    counters: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    service_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0


class QueueReport(msgspec.Struct, frozen=True, tag="queue", array_like=True):
    """The queues of the box's branch as the ticket machine counts them."""

    queues: Annotated[tuple[Queue, ...], msgspec.Meta(max_length=16)]
