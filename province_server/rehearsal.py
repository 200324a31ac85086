"""Fills an empty province with synthetic people through the path of bulk enrolment, to size a machine beforehand.

Everything but the photos is as in earnest: consents, duplicates, seals, both stores, audit, feed, the server answering
meanwhile. A "photo" is a number, and its vector is drawn from it: directions spread evenly, as unlike each other as
vectors can be. One JSON line a step on stdout says how many are enrolled and how many seconds that took.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Final

import numpy as np
from sqlalchemy import insert, select

from province_server.app import Province
from province_server.audit import trail as audit
from province_server.bulk.service import BulkEnrolment
from province_server.cards import Customer
from province_server.enrolment import PhotoReader
from province_server.stores import Stores
from yingbin.errors import Conflict
from yingbin.faces.enrolment import Acquired, Examined, verdicts
from yingbin.faces.face import Face
from yingbin.faces.quality import Quality
from yingbin.faces.scores import ScoreModel
from yingbin.galleries.protect import normalise
from yingbin.ids import new_id, now_ms
from yingbin.offers.profile import Profile
from yingbin.storage.province import BranchRow, City, ConsentRow, CustomerRow
from yingbin.trust.consent import Gallery, Purpose

STEPS: Final = 200
ROWS_A_COMMIT: Final = 64
"""More than with photos, which would have to be held in memory."""
_AT_ONCE: Final = 2_000
_CONSENTS: Final = (Purpose.VIP_SERVICE, Purpose.CENTRAL_STORAGE)
_STAFF: Final = "rehearsal"
_FACE: Final = Face(np.zeros(4, np.float32), np.zeros((5, 2), np.float32), 1.0)
_QUALITY: Final = Quality(112, 0, 0, 1.0, 120, 50, 1.0)


@dataclass(frozen=True, slots=True)
class SyntheticReader:
    """A `PhotoReader` whose photos are numbers."""

    dimension: int
    pack_id: str = "synthetic"

    @property
    def scores(self) -> ScoreModel:
        """Cosines of strangers scatter by 1 / sqrt(d)."""
        return ScoreModel(0.0, self.dimension**-0.5)

    def read(self, content: bytes) -> Acquired:
        """Return the face of a number."""
        drawn = np.random.default_rng(int(content)).standard_normal(self.dimension, np.float32)
        return Acquired(_FACE, _QUALITY, normalise(drawn))

    def examine(self, _: bytes) -> tuple[int, int, Examined]:
        """Return an empty look."""
        return 1, 1, Examined([], None, verdicts([], None))


@dataclass(frozen=True, slots=True)
class InventedFaces:
    """A `PhotoReader` that looks at each photo as `looking` does, and takes the person in it for one of its own."""

    looking: PhotoReader

    @property
    def pack_id(self) -> str:
        """Another one than that of real galleries."""
        return f"{self.looking.pack_id}-invented"

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self.looking.dimension

    @property
    def scores(self) -> ScoreModel:
        """Cosines of strangers scatter by 1 / sqrt(d)."""
        return SyntheticReader(self.dimension).scores

    def read(self, content: bytes) -> Acquired:
        """Return what is in a photo, the vector drawn from its bytes. Raises `NotAnImage`, `EnrolmentRefused`."""
        number = int.from_bytes(sha256(content).digest()[:8], "big")
        drawn = SyntheticReader(self.dimension).read(str(number).encode())
        return replace(self.looking.read(content), vector=drawn.vector)

    def examine(self, content: bytes) -> tuple[int, int, Examined]:
        """Return width and height of a photo in pixels, and how it is. Raises `NotAnImage`."""
        return self.looking.examine(content)


def require_empty(stores: Stores) -> None:
    """Raise `Conflict` unless a province is empty."""
    with stores.identity.read() as session:
        if session.scalars(select(City.city_id).limit(1)).first() is not None:
            raise Conflict("a rehearsal fills an EMPTY province with people who do not exist: give it its own stores")


class Rehearsal:
    """Registers synthetic customers, then enrols them."""

    def __init__(self, province: Province, customers: int) -> None:
        """Raise `Conflict` unless the province is empty."""
        self._province = province
        self._customers = customers
        require_empty(province.stores)

    def run(self) -> None:
        """Do it all; call in a thread of its own. What it raises is said on stdout too, since the server goes on."""
        try:
            with audit.acting("job:rehearsal"):
                self._rehearse()
        except Exception as error:
            _say(failed=type(error).__name__)
            raise

    def _rehearse(self) -> None:
        branch_id = self._found()
        for start in range(0, self._customers, _AT_ONCE):
            self._register(branch_id, range(start, min(start + _AT_ONCE, self._customers)))
            _say(registered=min(start + _AT_ONCE, self._customers))
        jobs, bulk = self._province.bulk_jobs, self._province.bulk
        job_id = jobs.begin("rehearsal", self._customers, _STAFF, dry_run=False, resume=False)
        self._enrol(bulk, job_id)
        jobs.end(job_id, "done")
        _say(done=True, counts=jobs.get(job_id).counts)

    def _enrol(self, bulk: BulkEnrolment, job_id: str) -> None:
        began_s = time.perf_counter()
        step = max(1, self._customers // STEPS)
        said = 0

        def check() -> None:
            nonlocal said
            enrolled = self._province.galleries.count([Gallery.VIP])
            if enrolled >= said + step or said < enrolled == self._customers:
                said = enrolled
                _say(enrolled=enrolled, elapsed_s=round(time.perf_counter() - began_s, 4))

        bulk.work_off(job_id, _STAFF, self._rows(), _photo_of, check, at_once=ROWS_A_COMMIT, pausing=False)
        check()

    def _rows(self) -> Iterator[dict[str, str]]:
        for number in range(self._customers):
            yield {
                "customer_id": _id(number), "gallery": Gallery.VIP, "photo": str(number), "notice_version": "rehearsal",
            }  # fmt: skip

    def _found(self) -> str:
        city_id, branch_id = new_id(), new_id()
        with self._province.stores.identity.write() as session:
            session.add(City(city_id=city_id, name="rehearsal", public_key=bytes(32)))
            session.flush()
            session.add(BranchRow(branch_id=branch_id, city_id=city_id, name_zh="演练", name_en="Rehearsal"))
        return branch_id

    def _register(self, branch_id: str, numbers: range) -> None:
        at_ms, keys = now_ms(), self._province.keys
        people, consents = [], []
        for number in numbers:
            customer_id = _id(number)
            record = _record(customer_id, branch_id).model_dump_json().encode()
            people.append(
                {
                    "customer_id": customer_id, "home_branch_id": branch_id, "created_at_ms": at_ms,
                    "record_sealed": keys.seal_record(customer_id, record),
                }
            )  # fmt: skip
            consents += [
                {
                    "consent_id": new_id(), "customer_id": customer_id, "purpose": purpose, "by_guardian": False,
                    "notice_version": "rehearsal", "evidence": "nobody: a synthetic person", "granted_by": _STAFF,
                    "granted_at_ms": at_ms, "withdrawn_at_ms": None,
                }
                for purpose in _CONSENTS
            ]  # fmt: skip
        with self._province.stores.identity.write() as session:
            session.execute(insert(CustomerRow), people)
            session.execute(insert(ConsentRow), consents)


def _record(customer_id: str, branch_id: str) -> Customer:
    return Customer(
        customer_id=customer_id, full_name="演练", birth_date=date(1980, 1, 1), tier="vip_gold",
        home_branch_id=branch_id, profile=Profile(as_of=date(2026, 1, 1)),
    )  # fmt: skip


def _id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"


def _photo_of(name: str) -> bytes:
    return name.encode()


def _say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
