"""One person, one record: a photo that matches somebody else who is enrolled is not enrolled without a decision.

Only the first photo of a customer is sure to find everybody: a further one finds somebody else only if it looks more
like him than like the customer it is for.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.auth import Gate
from province_server.gallery import Galleries
from province_server.keys import PROVINCE, Keys
from province_server.records import Body, Id, Label
from yingbin.errors import Conflict, InvalidInput, NotFound
from yingbin.faces.scores import ScoreModel
from yingbin.galleries import protect
from yingbin.galleries.decide import threshold
from yingbin.galleries.protect import Vector
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow, DistinctionRow
from yingbin.trust.consent import GALLERY_PURPOSE
from yingbin.trust.staff import Role, StaffToken

log = get_logger()


class PossibleDuplicate(Conflict):
    """The face is that of somebody who is enrolled under another id; somebody must decide whether it is one person."""

    code = "possible_duplicate"

    def __init__(self, customer_id: str) -> None:
        super().__init__(
            "this face may be that of a customer who is enrolled already: compare both records; the same person keeps "
            "one record, for two people record why they are two and send the photo again"
        )
        self._customer_id = customer_id

    @property
    def details(self) -> dict[str, Any]:
        """Whose record to compare with; never how similar (C8)."""
        return {"customer_ids": [self._customer_id]}


class NewDistinction(Body):
    """That two customers are two people, and how one knows: identity documents compared, say."""

    other_id: Id
    reason: Label


class Duplicates:
    """Finds who a face belongs to already, and keeps the decisions that two alike are two people."""

    def __init__(self, database: Database, keys: Keys, galleries: Galleries, scores: ScoreModel) -> None:
        self._database = database
        self._keys = keys
        self._galleries = galleries
        self._scores = scores

    def refuse(self, customer_id: str, vector: Vector) -> None:
        """Raise `PossibleDuplicate` when a raw unit vector, fp32 (d,), matches somebody else at the city's threshold.

        Watch-lists are not looked at: whoever enrols must not learn who is on them (C13).
        """
        (found,) = self.among([customer_id], vector[None, :])
        if found is not None:
            raise found

    def among(self, customer_ids: Sequence[str], vectors: Vector) -> list[PossibleDuplicate | None]:
        """Return for each raw unit vector, fp32 (n, d), what `refuse` would raise."""
        domain = self._keys.domains(PROVINCE)[-1]
        mapped = protect.apply(domain.transform, vectors)
        probes = np.asarray(mapped / np.linalg.norm(mapped, axis=1, keepdims=True), np.float32)
        limit = threshold(self._scores, self._galleries.count(list(GALLERY_PURPOSE)))
        found = self._galleries.search(list(GALLERY_PURPOSE), probes, domain, floor=limit)
        return [
            self._unruled(customer_id, [hit.customer_id] if hit is not None and hit.score >= limit else [])
            for customer_id, hit in zip(customer_ids, found.hits, strict=True)
        ]

    def between(
        self, customer_ids: Sequence[str], vectors: Vector, earlier_ids: Sequence[str], earlier: Vector
    ) -> list[PossibleDuplicate | None]:
        """Return for each raw unit vector, fp32 (n, d), whether it matches one of `earlier`, or one before it here.

        For those who come together, and find each other in no gallery yet.
        """
        ids = [*earlier_ids, *customer_ids]
        limit = threshold(self._scores, self._galleries.count(list(GALLERY_PURPOSE)) + len(ids))
        alike = np.tril(vectors @ np.concatenate([earlier, vectors]).T >= limit, len(earlier_ids) - 1)
        return [
            self._unruled(customer_id, [ids[at] for at in np.flatnonzero(row)])
            for customer_id, row in zip(customer_ids, alike, strict=True)
        ]

    def _unruled(self, customer_id: str, others: Sequence[str]) -> PossibleDuplicate | None:
        """Return what to refuse a customer with because of `others`; None when all are known to be other people."""
        others = [other for other in others if other != customer_id]
        if not others:
            return None
        with self._database.read() as session:
            alike = next((other for other in others if _ruled(session, customer_id, other) is None), None)
        if alike is None:
            return None
        log.info("possible_duplicate", customer_id=customer_id, other_id=alike)
        return PossibleDuplicate(alike)

    def rule_distinct(self, customer_id: str, new: NewDistinction, staff_id: str) -> None:
        """Record that two customers are two people; the first reason stays. Raises `NotFound`, `InvalidInput`."""
        if new.other_id == customer_id:
            raise InvalidInput("`other_id` is the customer himself")
        with self._database.write() as session:
            for known in (customer_id, new.other_id):
                if session.get(CustomerRow, known) is None:
                    raise NotFound(f"there is no customer {known}")
            if _ruled(session, customer_id, new.other_id) is None:
                session.add(
                    DistinctionRow(
                        customer_id=customer_id,
                        other_id=new.other_id,
                        reason=new.reason,
                        staff_id=staff_id,
                        at_ms=now_ms(),
                    )
                )


def _ruled(session: Session, customer_id: str, other_id: str) -> DistinctionRow | None:
    """Return the decision on two customers, whichever of them it was made for."""
    pair = (customer_id, other_id)
    return session.scalars(
        select(DistinctionRow).where(DistinctionRow.customer_id.in_(pair), DistinctionRow.other_id.in_(pair))
    ).first()


def routes(duplicates: Duplicates, gate: Gate) -> APIRouter:
    """Return the route of decisions."""
    router = APIRouter(prefix="/v1/customers/{customer_id}/distinctions", tags=["enrolment"])
    enroller = Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))

    @router.post("", status_code=204)
    def rule_distinct(customer_id: Id, body: NewDistinction, who: Annotated[StaffToken, enroller]) -> None:
        """Record that a customer and one who looks like him are two people."""
        duplicates.rule_distinct(customer_id, body, who.staff_id)

    return router
