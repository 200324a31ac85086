"""What came of the cards: reported by the cities, kept for learning and audit."""

from collections.abc import Sequence
from typing import get_args

from sqlalchemy.orm import Session

from province_server.cards import city_of, gallery_of
from province_server.evidence import Evidence
from province_server.feed import Notifier, publish
from province_server.measuring.sales import Sales
from yingbin.errors import InvalidInput, NotAllowed
from yingbin.feed_wire import FeedKind
from yingbin.log import get_logger
from yingbin.offers.card import POLICIES
from yingbin.pad_wire import Reason
from yingbin.report_wire import OutcomeReport
from yingbin.storage.database import Database
from yingbin.storage.province import ID_LENGTH, BranchRow, CustomerRow, OutcomeRow

MAX_OUTCOMES = 1000
_KIND_LENGTH = 32
_REASONS = frozenset(get_args(Reason))

log = get_logger()


class OutcomeService:
    """Stores outcomes, each once, and sends the card of whoever they are about to his city again: a refusal counts."""

    def __init__(self, database: Database, evidence: Evidence, notifier: Notifier, sales: Sales) -> None:
        self._database = database
        self._evidence = evidence
        self._notifier = notifier
        self._sales = sales

    def store(self, city_id: str, reports: Sequence[OutcomeReport]) -> None:
        """Store what is new; of a customer who was erased nothing is kept. Raises `InvalidInput`, `NotAllowed`."""
        if len(reports) > MAX_OUTCOMES:
            raise InvalidInput(f"{len(reports)} outcomes in a request; at most {MAX_OUTCOMES}")
        with self._database.write() as session:
            news = {report.customer_id for report in reports if self._one(session, city_id, report)}
            for customer_id in news:
                of_him = (report.at_ms for report in reports if report.customer_id == customer_id)
                self._sales.attribute_anew(session, customer_id, min(of_him))
            homes = {(_home(session, customer_id), customer_id) for customer_id in news}
            for home, customer_id in sorted(homes):
                if gallery_of(session, customer_id):
                    publish(session, home, FeedKind.CARD_VIEW, customer_id)
        for home in {home for home, _ in homes}:
            self._notifier.wake(home)
        for report in reports:
            if report.kind == "wrong_person":
                self._evidence.was_wrong(city_id, report.customer_id)

    def _one(self, session: Session, city_id: str, report: OutcomeReport) -> bool:
        """Store a report; return whether it is new."""
        names = (report.outcome_id, report.card_id, report.customer_id, report.staff_id, report.product)
        if any(len(name) > ID_LENGTH for name in names) or len(report.kind) > _KIND_LENGTH:
            raise InvalidInput(f"an id of an outcome is longer than {ID_LENGTH} characters")
        basis = report.basis
        words = (basis.experiment, basis.arm, basis.programme, basis.learned)
        known = report.reason in _REASONS and basis.policy in ("", *POLICIES) and 0 < basis.probability <= 1
        if not known or any(len(word) > ID_LENGTH for word in words) or not 0 <= report.place <= MAX_OUTCOMES:
            raise InvalidInput("why an outcome came about, or what made its card, cannot be used: see report_wire")
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
                    reason=report.reason,
                    place=report.place,
                    policy=report.basis.policy,
                    holdout=report.basis.holdout,
                    experiment=report.basis.experiment,
                    arm=report.basis.arm,
                    probability=report.basis.probability,
                    programme=report.basis.programme,
                    learned=report.basis.learned,
                )
            )
            session.flush()
            return True
        return False


def _home(session: Session, customer_id: str) -> str:
    return city_of(session, session.get_one(CustomerRow, customer_id).home_branch_id)
