"""Face ticketing: who tapped "use my face" at the ticket machine, and which queue that is (C4).

Nothing of a tap is kept but, of a customer who may be advised, what he came for, while he is here (`queues.py`): his
open card is decided anew, under the next `seq`, and does not ring.
"""

from sqlalchemy.orm import Session

from city_server.admission import admit_ticket
from city_server.cards import ticketed
from city_server.intake import Source
from city_server.matcher import Matcher
from city_server.queues import Queues
from city_server.records import Records
from city_server.replica import Replica
from city_server.store import Store
from city_server.trail import Trail
from yingbin.errors import InvalidInput, NotAllowed, Unavailable
from yingbin.feed_wire import CardView
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.offers.queueing import queue_class
from yingbin.queue_wire import QueueClass
from yingbin.wire import TicketAnswer, TicketAsk

log = get_logger()


class Ticketing:
    """Answers taps. Whatever goes wrong, the answer is to use a card, an ID or a QR code."""

    def __init__(
        self,
        replica: Replica,
        matcher: Matcher,
        trail: Trail,
        catch_up_wait_s: float,
        queues: Queues,
        records: Records,
        store: Store,
    ) -> None:
        self._queues = queues
        self._records = records
        self._store = store
        self._trail = trail
        self._replica = replica
        self._matcher = matcher
        self._catch_up_wait_s = catch_up_wait_s

    async def answer(self, source: Source, ask: TicketAsk) -> TicketAnswer:
        """Return the queue and the masked name of a customer who consented to `ticketing`, else `use_a_card`."""
        view = await self._who(source, ask)
        if view is None:
            return self.use_a_card(ask)
        queue = queue_class(view.tier)
        try:
            await self._trail.ticket(source.box_id, ask.camera_id, view.customer_id, queue)
        except Unavailable as error:
            log.warning("ticket_unrecorded", camera_id=ask.camera_id, code=error.code, error_id=error.error_id)
            return self.use_a_card(ask)
        await self._came_for(source.branch_id, view, ask)
        return TicketAnswer(ask.number, True, queue, f"{view.surname}*")

    async def _came_for(self, branch_id: str, view: CardView, ask: TicketAsk) -> None:
        """Let what he came for and the queue he joins change the card of his visit, if one is open."""
        at_ms = now_ms()
        if not self._queues.ticket(branch_id, view, ask.business, at_ms):
            return

        def decide_anew(session: Session) -> None:
            visit = self._records.open_visit(session, branch_id, view.customer_id)
            if visit is not None:
                before = self._records.card_of_visit(session, visit.visit_id).stored
                after = ticketed(before, self._queues.context(branch_id, before.view, at_ms), at_ms)
                if after != before:
                    self._records.put_card(session, after)

        try:
            await self._store.write(decide_anew)
        except Unavailable as error:  # the ticket is his all the same
            log.warning("ticket_not_on_card", code=error.code, error_id=error.error_id)

    @staticmethod
    def use_a_card(ask: TicketAsk) -> TicketAnswer:
        """Return the answer to everybody who is not recognised, whatever the reason."""
        return TicketAnswer(ask.number, False, QueueClass.STANDARD, "")

    async def _who(self, source: Source, ask: TicketAsk) -> CardView | None:
        memory = self._replica.memory
        try:
            admitted = admit_ticket(ask, memory.cameras.get(ask.camera_id), source.box_id, now_ms())
            if not await self._replica.searchable(self._catch_up_wait_s):
                return None
            return await self._matcher.identify(
                ask, admitted.camera, source.key_id, admitted.galleries, self._replica.memory
            )
        except (NotAllowed, InvalidInput) as error:
            log.warning("ticket_refused", camera_id=ask.camera_id, code=error.code, reason=error.message)
            return None
