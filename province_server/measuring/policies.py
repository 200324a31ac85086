"""Which policy makes whose card view: the programme of tests and what was learned, recorded each time they change.

Views that are made from then on follow; those at the cities are sent anew once a change, in small steps, so a value
that hardly moved sends nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.feed import Notifier, publish_all
from yingbin.feed_wire import Basis, FeedKind
from yingbin.ids import new_id, now_ms
from yingbin.log import get_logger
from yingbin.offers.card import ARBITRATE, MARKETING
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.learning.experiments import Programme, basis_of
from yingbin.offers.learning.learned import Move, of_customer
from yingbin.offers.profile import Profile, china_today
from yingbin.storage.database import Database
from yingbin.storage.learning import PolicyRow
from yingbin.storage.province import BranchRow, City, ConsentRow, CustomerRow, TemplateLink

_AT_ONCE: Final = 500
JOB: Final = "job:policies"

log = get_logger()


class Policies:
    """What is in force. `key`: of the draw; made once, so that nobody ever changes sides."""

    def __init__(self, database: Database, notifier: Notifier, programme: Programme, key: bytes) -> None:
        self._database = database
        self._notifier = notifier
        self._programme = programme
        self._key = key
        self._learned: tuple[Mapping[str, Move], str] = ({}, "")
        self.learned_at_ms = 0

    @property
    def moves(self) -> Mapping[str, Move]:
        """What was learned, by product."""
        return self._learned[0]

    @property
    def version(self) -> str:
        """Its name; empty while nothing is learned."""
        return self._learned[1]

    def basis(self, customer_id: str, day: date) -> Basis:
        """Return which policy makes the view of a customer who may be addressed personally, on `day` in China."""
        return self._basis(customer_id, day, self.version)

    def of(self, customer_id: str, profile: Profile, catalogue: Catalogue, day: date) -> tuple[Basis, dict[str, float]]:
        """Return `basis`, and his propensities by what was learned: what `build_card_view` takes."""
        moves, version = self._learned
        basis = self._basis(customer_id, day, version)
        return basis, of_customer(profile, catalogue, day, moves) if basis.policy == ARBITRATE else {}

    def _basis(self, customer_id: str, day: date, version: str) -> Basis:
        basis = basis_of(self._programme, self._key, customer_id, day)
        return msgspec.structs.replace(basis, learned=version) if basis.policy == ARBITRATE else basis

    def page(self, before: str, limit: int) -> list[PolicyRow]:
        """Return what was in force, the newest first; those before a policy's id, all without one."""
        found = select(PolicyRow).order_by(PolicyRow.policy_id.desc()).limit(limit)
        with self._database.read() as session:
            return list(session.scalars(found.where(PolicyRow.policy_id < before) if before else found))

    def start(self) -> None:
        """Take up what was learned, and record the programme if it is another than before."""
        with self._database.read() as session:
            row = _newest(session)
        if row is not None:
            self._learned = ({product: Move(*move) for product, move in row.learned.items()}, row.learned_version)
            self.learned_at_ms = row.at_ms if self.version else 0
        self.settle(self.moves)

    def settle(self, moves: Mapping[str, Move]) -> None:
        """Put what was learned and the experiments of today in force, if either is new; record it."""
        running = list(self._programme.running(china_today()))
        with audit.acting(JOB), self._database.write() as session:
            row = _newest(session)
            same = row is not None and (row.programme, row.experiments) == (self._programme.digest, running)
            if same and moves == self.moves:
                return
            version = _version(moves)
            nobody = session.scalars(select(TemplateLink.template_id).limit(1)).first() is None
            at_ms = now_ms()
            session.add(
                PolicyRow(
                    policy_id=new_id(), at_ms=at_ms, programme=self._programme.digest,
                    declared=self._programme.model_dump(mode="json", by_alias=True), experiments=running,
                    learned_version=version, learned={product: list(move) for product, move in moves.items()},
                    announced_at_ms=at_ms if nobody else None,
                )
            )  # fmt: skip
            said: dict[str, str | int | bool] = {
                "programme": self._programme.digest[:16], "learned": version, "experiments": len(running),
            }  # fmt: skip
            audit.note(session, "policies_changed", "programme", self._programme.digest, said)
        if moves != self.moves:
            self.learned_at_ms = at_ms
        self._learned = (moves, version)
        log.info("policies_changed", **said)

    def announce(self) -> int:
        """Send every view that a policy makes on its way anew, if that is still to be done; return how many."""
        with self._database.read() as session:
            row = _newest(session)
            if row is None or row.announced_at_ms is not None:
                return 0
            cities = session.scalars(select(City.city_id)).all()
        sent = sum(self._announce_in(city_id) for city_id in cities)
        with audit.acting(JOB), self._database.write() as session:
            session.get_one(PolicyRow, row.policy_id).announced_at_ms = now_ms()
        log.info("views_announced", views=sent)
        return sent

    def _announce_in(self, city_id: str) -> int:
        sent, after = 0, ""
        while True:
            with self._database.write() as session:
                found = session.scalars(_addressed(city_id, after)).all()
                if not found:
                    return sent
                publish_all(session, city_id, [(FeedKind.CARD_VIEW, customer_id) for customer_id in found])
            self._notifier.wake(city_id)
            sent, after = sent + len(found), found[-1]


def _addressed(city_id: str, after: str) -> Any:
    """Select whom a city recognises and a policy may address, by id."""
    return (
        select(CustomerRow.customer_id)
        .join(BranchRow, BranchRow.branch_id == CustomerRow.home_branch_id)
        .where(
            BranchRow.city_id == city_id,
            CustomerRow.customer_id > after,
            select(TemplateLink.template_id)
            .where(TemplateLink.customer_id == CustomerRow.customer_id, TemplateLink.state == "linked")
            .exists(),
            select(ConsentRow.consent_id)
            .where(
                ConsentRow.customer_id == CustomerRow.customer_id,
                ConsentRow.purpose == MARKETING,
                ConsentRow.withdrawn_at_ms.is_(None),
            )
            .exists(),
        )
        .order_by(CustomerRow.customer_id)
        .limit(_AT_ONCE)
    )


def _newest(session: Session) -> PolicyRow | None:
    newest = select(func.max(PolicyRow.policy_id)).scalar_subquery()
    return session.scalars(select(PolicyRow).where(PolicyRow.policy_id == newest)).one_or_none()


def _version(moves: Mapping[str, Move]) -> str:
    """Return a name for what was learned; the same for the same."""
    if not moves:
        return ""
    return hashlib.sha256(msgspec.json.encode(sorted(moves.items()))).hexdigest()[:16]
