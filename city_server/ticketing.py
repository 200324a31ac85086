"""Face ticketing: who tapped "use my face" at the ticket machine, and which queue that is (C4). Nothing is kept."""

from city_server.admission import admit_ticket
from city_server.intake import Source
from city_server.matcher import Matcher
from city_server.replica import Replica
from city_server.trail import Trail
from yingbin.errors import InvalidInput, NotAllowed, Unavailable
from yingbin.feed_wire import CardView
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.offers.queueing import queue_class
from yingbin.wire import QueueClass, TicketAnswer, TicketAsk

log = get_logger()


class Ticketing:
    """Answers taps. Whatever goes wrong, the answer is to use a card, an ID or a QR code."""

    def __init__(self, replica: Replica, matcher: Matcher, trail: Trail, catch_up_wait_s: float) -> None:
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
        return TicketAnswer(ask.number, True, queue, f"{view.surname}*")

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
