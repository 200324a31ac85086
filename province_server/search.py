"""Cross-city search: what a city does not find is looked up in all galleries of the province. No probe is kept (C2)."""

import threading

import msgspec
from sqlalchemy.orm import Session

from province_server.audit.trail import note
from province_server.cards import Cards
from province_server.evidence import Evidence
from province_server.gallery import Galleries
from province_server.keys import Keys, city_key
from province_server.limits import RateLimit
from province_server.materialise import camera_of
from yingbin.errors import Conflict, InvalidInput, NotAllowed
from yingbin.faces.scores import ScoreModel
from yingbin.galleries import protect
from yingbin.galleries.decide import MAX_LOOKS, Hit, judge, threshold
from yingbin.ids import now_ms
from yingbin.search_wire import MAX_PROBES, Probe, SearchHit, SearchReply, SearchRequest
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, CameraRow
from yingbin.trust.consent import AT_A_CAMERA, Gallery, Purpose, galleries_for
from yingbin.wire import Outcome


class NotAssessed(NotAllowed):
    """The camera's impact assessment is absent, expired, another one, or covers no gallery (C3)."""

    code = "not_assessed"


class PackMismatch(Conflict):
    """The probe was made by another model pack than the galleries."""

    code = "pack_mismatch"


class RecentMatches:
    """Which city was told of which customer, and until when; in memory, so a restart forgets: fail closed."""

    def __init__(self, keep_h: float) -> None:
        self._keep_ms = round(keep_h * 3_600_000)
        self._until: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def remember(self, city_id: str, customer_id: str) -> None:
        """Note a match in a city now."""
        now = now_ms()
        with self._lock:
            self._until = {pair: until for pair, until in self._until.items() if until > now}
            self._until[city_id, customer_id] = now + self._keep_ms

    def has(self, city_id: str, customer_id: str) -> bool:
        """Return whether a customer was matched in a city not too long ago."""
        return self._until.get((city_id, customer_id), 0) > now_ms()


class Search:
    """Answers a city's misses."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        galleries: Galleries,
        cards: Cards,
        matches: RecentMatches,
        evidence: Evidence,
        limit: RateLimit,
        pack_id: str,
        scores: ScoreModel,
        dimension: int,
    ) -> None:
        self._database = database
        self._keys = keys
        self._galleries = galleries
        self._cards = cards
        self._matches = matches
        self._evidence = evidence
        self._limit = limit
        self._pack_id = pack_id
        self._scores = scores
        self._dimension = dimension

    def search(self, city_id: str, request: SearchRequest) -> SearchReply:
        """Return one hit a probe, in order.

        Raises `PackMismatch`, `NotAssessed`, `InvalidInput`, `TooManyRequests` or `UnknownKey`; then none is answered.
        """
        if request.pack_id != self._pack_id:
            raise PackMismatch(f"probes of pack {request.pack_id}; the galleries here are of {self._pack_id}")
        if len(request.probes) > MAX_PROBES:
            raise InvalidInput(f"{len(request.probes)} probes in a request; at most {MAX_PROBES}")
        if any(not 0 <= probe.look < MAX_LOOKS for probe in request.probes):
            raise InvalidInput(f"`look` must be 0..{MAX_LOOKS - 1}")
        self._limit.spend(city_id, len(request.probes))
        reply = self._answered(city_id, request)
        self._record(request, reply)
        return reply

    def _answered(self, city_id: str, request: SearchRequest) -> SearchReply:
        with self._database.read() as session:
            allowed = [self._covered(session, city_id, probe) for probe in request.probes]
            vectors = [protect.decode_probe(probe.vector, self._dimension) for probe in request.probes]
            return SearchReply(
                tuple(
                    self._one(session, city_id, probe, galleries, vector)
                    for probe, galleries, vector in zip(request.probes, allowed, vectors, strict=True)
                )
            )

    def _record(self, request: SearchRequest, reply: SearchReply) -> None:
        """Have it in the audit trail of whom the city is about to be told; of a miss nothing is left (C2)."""
        told = [(probe, hit.card_view) for probe, hit in zip(request.probes, reply.hits, strict=True) if hit.card_view]
        if not told:
            return
        with self._database.write() as session:
            for probe, card in told:
                about = {"camera": probe.camera_id, "purpose": probe.purpose}
                note(session, "matched", "customer", card.customer_id, about)

    def _covered(self, session: Session, city_id: str, probe: Probe) -> list[Gallery]:
        row = session.get(CameraRow, probe.camera_id)
        branch = session.get(BranchRow, row.branch_id) if row else None
        if row is None or branch is None or branch.city_id != city_id:
            raise NotAssessed(f"camera {probe.camera_id} is not one of this city")
        camera = camera_of(session, row)
        assessment = camera.assessment
        if assessment is None or assessment.assessment_id != probe.assessment_id:
            raise NotAssessed(f"camera {probe.camera_id} does not have the impact assessment {probe.assessment_id}")
        if camera.local_recognition:
            raise NotAssessed(f"camera {probe.camera_id} recognises on its box; no vector of it may be here")
        if probe.purpose not in AT_A_CAMERA:
            raise NotAssessed(f"no camera may recognise anybody for the purpose {probe.purpose!r}")
        galleries = galleries_for(camera, Purpose(probe.purpose), now_ms())
        if not galleries:
            raise NotAssessed(
                f"impact assessment {assessment.assessment_id} has expired or does not cover this camera, or its role "
                f"does not serve {probe.purpose}"
            )
        return list(galleries)

    def _one(
        self, session: Session, city_id: str, probe: Probe, galleries: list[Gallery], vector: protect.Vector
    ) -> SearchHit:
        domain = self._keys.domain(city_key(city_id), probe.key_id)
        found = self._galleries.search(galleries, vector[None, :], domain)
        hit: Hit | None = found.hits[0]
        outcome = judge(hit, threshold(self._scores, found.templates), probe.look)
        if outcome is not Outcome.MATCHED or hit is None:
            return SearchHit(outcome, None)
        card = self._cards.card_view(session, hit.customer_id)
        if card is None or probe.purpose not in card.purposes:  # withdrawn a moment ago, or never granted (C1)
            return SearchHit(Outcome.NOT_ENROLLED, None)
        if probe.purpose == Purpose.VIP_SERVICE:  # a tap for a ticket gives nobody a reason to see the portrait
            self._matches.remember(city_id, hit.customer_id)
            self._evidence.note(city_id, hit, found.templates)
        home = session.get_one(BranchRow, card.home_branch_id)
        named = msgspec.structs.replace(card, home_branch_zh=home.name_zh, home_branch_en=home.name_en)
        return SearchHit(Outcome.MATCHED, named)
