"""Teller assist (1:1): does the face at the counter look like the customer who was named? Advice, never a decision.

The identity document prevails, whatever is answered here, and who did not consent is served in the same queue by the
same documents (C4). No photo is kept and no score is told (C8).
"""

from enum import StrEnum
from typing import Annotated, Protocol

import numpy as np
from fastapi import APIRouter, Depends, Form, UploadFile
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select

from province_server.audit import trail as audit
from province_server.auth import Gate
from province_server.cards import Cards, consents_in_force
from province_server.enrolment import MAX_PHOTO_BYTES, PhotoReader
from province_server.keys import PROVINCE, Keys
from province_server.limits import RateLimit
from province_server.records import existing
from province_server.vault import TemplateVault
from yingbin.errors import InvalidInput
from yingbin.faces.enrolment import EnrolmentRefused, NotAnImage
from yingbin.galleries import protect
from yingbin.galleries.decide import Hit, judge, threshold
from yingbin.offers.queueing import queue_class
from yingbin.queue_wire import QueueClass
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow, TemplateLink
from yingbin.trust.consent import Purpose
from yingbin.trust.staff import Role
from yingbin.wire import Outcome

CONSENT = frozenset({Purpose.TELLER_ASSIST, Purpose.CENTRAL_STORAGE})


class Liveness(StrEnum):
    """Whether a person was before the camera, by ISO/IEC 30107-3 presentation attack detection."""

    LIVE = "live"
    ATTACK = "attack"
    NOT_CHECKED = "not_checked"


class LivenessCheck(Protocol):
    """Where a bank plugs its own detector in; called before anything is compared."""

    def check(self, photo: bytes) -> Liveness:
        """Return what it finds in an encoded photo."""


class NotChecked:
    """The default: no detector comes with this product, and the answer says so."""

    def check(self, photo: bytes) -> Liveness:
        """Return that nothing was checked."""
        del photo
        return Liveness.NOT_CHECKED


class Answer(StrEnum):
    """What the comparison says."""

    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    CANNOT_SAY = "cannot_say"


class AssistReason(StrEnum):
    """Why it cannot say."""

    NONE = ""
    NOT_CONSENTED = "not_consented"
    NOT_ENROLLED = "not_enrolled"
    PHOTO_UNUSABLE = "photo_unusable"
    LIVENESS = "liveness"
    NOT_SURE = "not_sure"


class Advice(BaseModel):
    """Advice to the teller. `queue` is the customer's by his tier, whatever the answer."""

    answer: Answer
    reason: AssistReason
    liveness: Liveness
    queue: QueueClass
    document_prevails: bool = Field(default=True, description="check the identity document in any case")
    advice_zh: str = "仅供参考,以身份证件核验结果为准"
    advice_en: str = "Advice only; the identity document decides."


_ANSWERS = {
    Outcome.MATCHED: (Answer.CONSISTENT, AssistReason.NONE),
    Outcome.NOT_ENROLLED: (Answer.INCONSISTENT, AssistReason.NONE),
    Outcome.BETTER_SHOT: (Answer.CANNOT_SAY, AssistReason.NOT_SURE),
}


class Assist:
    """Compares one photo with one customer's templates. `limit` is per customer: nobody may try faces on him."""

    def __init__(
        self,
        database: Database,
        cards: Cards,
        keys: Keys,
        vault: TemplateVault,
        reader: PhotoReader,
        liveness: LivenessCheck,
        limit: RateLimit,
    ) -> None:
        self._database = database
        self._cards = cards
        self._keys = keys
        self._vault = vault
        self._reader = reader
        self._liveness = liveness
        self._limit = limit

    def verify(self, customer_id: str, photo: bytes) -> Advice:
        """Return advice. Raises `InvalidInput`, `TooManyRequests`."""
        self._limit.spend(customer_id)
        with self._database.read() as session:
            existing(session, CustomerRow, customer_id, "customer")
            queue = queue_class(self._cards.customer(session, customer_id).tier)
            consented = consents_in_force(session, customer_id) >= CONSENT
            linked = (TemplateLink.customer_id == customer_id, TemplateLink.state == "linked")
            template_ids = list(session.scalars(select(TemplateLink.template_id).where(*linked)))
        liveness = Liveness.NOT_CHECKED
        if not consented:  # then the photo is not looked at
            answer, reason = Answer.CANNOT_SAY, AssistReason.NOT_CONSENTED
        elif not template_ids:
            answer, reason = Answer.CANNOT_SAY, AssistReason.NOT_ENROLLED
        elif (liveness := self._liveness.check(photo)) is Liveness.ATTACK:
            answer, reason = Answer.CANNOT_SAY, AssistReason.LIVENESS
        else:
            answer, reason = self._compare(customer_id, template_ids, photo)
        with self._database.write() as session:
            audit.note(session, "assist_answered", "customer", customer_id, {"answer": answer, "liveness": liveness})
        return Advice(answer=answer, reason=reason, liveness=liveness, queue=queue)

    def _compare(self, customer_id: str, template_ids: list[str], photo: bytes) -> tuple[Answer, AssistReason]:
        try:
            acquired = self._reader.read(photo)
        except (EnrolmentRefused, NotAnImage):
            return Answer.CANNOT_SAY, AssistReason.PHOTO_UNUSABLE
        domain = self._keys.domains(PROVINCE)[0]
        templates = self._vault.vectors(template_ids, domain)
        if not templates:  # withdrawn meanwhile
            return Answer.CANNOT_SAY, AssistReason.NOT_ENROLLED
        probe = protect.normalise(protect.apply(domain.transform, acquired.vector))
        score = float(np.max(np.stack(list(templates.values())) @ probe))
        return _ANSWERS[judge(Hit(customer_id, score, -1.0), threshold(self._reader.scores, len(templates)), 0)]


def routes(assist: Assist, gate: Gate) -> APIRouter:
    """Return the route of teller assist."""
    router = APIRouter(prefix="/v1/assist", tags=["teller assist"])
    at_the_counter = [Depends(gate.requires(Role.ENROLLER, Role.GALLERY_ADMIN))]

    @router.post("/verify", dependencies=at_the_counter)
    def verify_face(
        photo: UploadFile,
        customer_id: Annotated[str, StringConstraints(min_length=1, max_length=64), Form()],
    ) -> Advice:
        """Compare the face at the counter with the customer who was named; advice for the teller."""
        content = photo.file.read(MAX_PHOTO_BYTES + 1)
        if len(content) > MAX_PHOTO_BYTES:
            raise InvalidInput(f"the photo is larger than {MAX_PHOTO_BYTES // 2**20} MiB: make it smaller")
        return assist.verify(customer_id, content)

    return router
