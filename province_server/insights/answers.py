"""What a customer said of something concluded about him: it is so, or it is not so (C14)."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from province_server.cards import gallery_of
from province_server.feed import Notifier
from province_server.insights.facts import Facts, fact_of, put
from province_server.vault import TemplateVault
from yingbin.errors import InvalidInput, NotAllowed, NotFound
from yingbin.http import request_id
from yingbin.ids import now_ms
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.life_cycle import confirm, deny
from yingbin.offers.profile import china_day
from yingbin.portrait_wire import InsightAnswer
from yingbin.storage.database import Database
from yingbin.storage.insights import FactRow
from yingbin.storage.province import ID_LENGTH
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import DONE, REFUSED, Details, Entry

MaySee = Callable[[Session, str, str, str], str]
"""Of city, customer and member of staff: returns his role, or raises `NotAllowed` (`PortraitService.may_see`)."""


class AnswerService:
    """Confirms and denies facts, each answer once."""

    def __init__(
        self, database: Database, facts: Facts, vault: TemplateVault, notifier: Notifier, may_see: MaySee
    ) -> None:
        self._database = database
        self._facts = facts
        self._vault = vault
        self._notifier = notifier
        self._may_see = may_see

    def take(self, city_id: str, fact_id: str, answer: InsightAnswer) -> None:
        """Take an answer in; one that is known, or older than the last, changes nothing.

        Raises `InvalidInput`, `NotFound`, or `NotAllowed` for whoever may not see the customer's portrait.
        """
        if any(not 0 < len(one) <= ID_LENGTH for one in (answer.answer_id, answer.customer_id, answer.staff_id)):
            raise InvalidInput(f"an id of an answer is empty or longer than {ID_LENGTH} characters")
        if answer.at_ms <= 0:
            raise InvalidInput("`at_ms` must be the instant of the answer, UTC milliseconds")
        try:
            with self._vault.lock, self._database.write() as session:
                role = self._may_see(session, city_id, answer.customer_id, answer.staff_id)
                cities = self._take(session, fact_id, answer)
                note(session, _entry(city_id, fact_id, answer, role, DONE))
        except NotAllowed:
            with self._database.write() as session:
                note(session, _entry(city_id, fact_id, answer, "", REFUSED))
            raise
        for city in cities:
            self._notifier.wake(city)

    def _take(self, session: Session, fact_id: str, answer: InsightAnswer) -> list[str]:
        """Return the cities whose card changes."""
        row = session.get(FactRow, fact_id, with_for_update=True)
        if row is None or row.customer_id != answer.customer_id:
            raise NotFound("there is no such fact about this customer")
        if row.answer_id == answer.answer_id or (row.answered_at_ms or 0) >= answer.at_ms:
            return []
        at_ms = min(answer.at_ms, now_ms())
        day, before, content = china_day(at_ms), fact_of(row), self._facts.open(row)
        insight = load_library().get(content.insight) if content else None
        after = before
        if not answer.confirmed:
            after = deny(before, day)
        elif insight is not None:
            after = confirm(insight, before, day)
        row.answer_id, row.answered_at_ms = answer.answer_id, at_ms
        put(row, after)
        session.flush()
        if after == before or gallery_of(session, row.customer_id) is None:
            return []
        return self._vault.publish_everywhere(session, row.customer_id)


def _entry(city_id: str, fact_id: str, answer: InsightAnswer, role: str, outcome: str) -> Entry:
    details: Details = {"city": city_id, "confirmed": answer.confirmed}
    return Entry(
        f"staff:{answer.staff_id}", role, "insight_answered", "fact", fact_id, details, outcome,
        request_id.current.get(),
    )  # fmt: skip
