"""What the ticket machine says of a visit: the queues of each branch, and what each guest took his ticket for.

In memory only, and short-lived. A ticket is remembered of nobody but a customer who may be announced (`vip_service`)
and advised (`marketing`); the queues name nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from yingbin.feed_wire import CardView
from yingbin.offers.arbitrate import Context
from yingbin.offers.queueing import expected_wait_min, queue_class
from yingbin.queue_wire import Business, Queue, QueueClass, QueueReport
from yingbin.trust.consent import Purpose

_FRESH_MS: Final = 5 * 60_000
"""How long a report counts; the machine tells again whenever a queue changes."""


@dataclass(frozen=True, slots=True)
class _Told:
    at_ms: int
    queues: Mapping[QueueClass, Queue]


@dataclass(frozen=True, slots=True)
class _Ticket:
    at_ms: int
    business: Business


class Queues:
    """Any thread may read while the event loop writes. `keeps_ms`: how long a ticket counts, as long as a visit."""

    def __init__(self, keeps_ms: int) -> None:
        self._keeps_ms = keeps_ms
        self._told: dict[str, _Told] = {}
        self._tickets: dict[tuple[str, str], _Ticket] = {}

    def report(self, branch_id: str, report: QueueReport, at_ms: int) -> None:
        """Take the queues of a branch as they are now."""
        self._told[branch_id] = _Told(at_ms, {one.queue_class: one for one in report.queues})

    def ticket(self, branch_id: str, view: CardView, business: Business, at_ms: int) -> bool:
        """Remember what a customer came for; return whether he may be."""
        self._tickets = {key: one for key, one in self._tickets.items() if at_ms - one.at_ms < self._keeps_ms}
        if not view.personalised or Purpose.VIP_SERVICE not in view.purposes:
            return False
        self._tickets[branch_id, view.customer_id] = _Ticket(at_ms, business)
        return True

    def context(self, branch_id: str, view: CardView, at_ms: int) -> Context:
        """Return what is known of a visit beside where he stands: his business, his queue, the minutes it leaves."""
        ticket = self._tickets.get((branch_id, view.customer_id))
        business = ticket.business if ticket and at_ms - ticket.at_ms < self._keeps_ms else ""
        told = self._told.get(branch_id)
        queue = told.queues.get(queue_class(view.tier)) if told and at_ms - told.at_ms < _FRESH_MS else None
        if queue is None:
            return Context(branch_id=branch_id, business=business)
        return Context(branch_id=branch_id, business=business, waiting=queue.waiting, minutes=expected_wait_min(queue))
