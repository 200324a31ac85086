"""What came of the cards: reported by the cities, kept for learning and audit."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from yingbin.errors import InvalidInput, NotAllowed
from yingbin.feed_wire import OutcomeReport
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import ID_LENGTH, BranchRow, CustomerRow, OutcomeRow

MAX_OUTCOMES = 1000
_KIND_LENGTH = 32

log = get_logger()


class OutcomeService:
    """Stores outcomes, each once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, city_id: str, reports: Sequence[OutcomeReport]) -> None:
        """Store what is new; of a customer who was erased nothing is kept. Raises `InvalidInput`, `NotAllowed`."""
        if len(reports) > MAX_OUTCOMES:
            raise InvalidInput(f"{len(reports)} outcomes in a request; at most {MAX_OUTCOMES}")
        with self._database.write() as session:
            for report in reports:
                self._one(session, city_id, report)

    def _one(self, session: Session, city_id: str, report: OutcomeReport) -> None:
        names = (report.outcome_id, report.card_id, report.customer_id, report.staff_id, report.product)
        if any(len(name) > ID_LENGTH for name in names) or len(report.kind) > _KIND_LENGTH:
            raise InvalidInput(f"an id of an outcome is longer than {ID_LENGTH} characters")
        branch = session.get(BranchRow, report.branch_id)
        if branch is None or branch.city_id != city_id:
            raise NotAllowed(f"branch {report.branch_id} is not one of this city")
        if session.get(CustomerRow, report.customer_id) is None:
            log.info("outcome_of_erased_customer", outcome_id=report.outcome_id)
        elif session.get(OutcomeRow, report.outcome_id) is None:
            session.add(
                OutcomeRow(
                    outcome_id=report.outcome_id,
                    card_id=report.card_id,
                    customer_id=report.customer_id,
                    branch_id=report.branch_id,
                    staff_id=report.staff_id,
                    kind=report.kind,
                    product=report.product,
                    at_ms=report.at_ms,
                )
            )
            session.flush()
