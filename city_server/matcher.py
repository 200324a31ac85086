"""Who is it? The city's galleries first, then the province; a probe lives only as long as the search (C2)."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from anyio import to_thread

from city_server.alerts import Match
from city_server.embedding import Embedder
from city_server.evidence import Scored
from city_server.memory import Memory
from city_server.province import ProvinceSearch
from city_server.watch.lists import NOTHING, Looked
from yingbin.errors import NotAllowed
from yingbin.faces.pack import ModelPack
from yingbin.faces.scores import ScoreModel
from yingbin.feed_wire import CardView
from yingbin.galleries import decide, prior
from yingbin.galleries.protect import Vector, apply, decode_probe, encode_probe, normalise
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.search_wire import Probe
from yingbin.trust.consent import Purpose
from yingbin.wire import Camera, FaceEvent, FacePicture, Outcome, TicketAsk

log = get_logger()
_STRANGERS_KEPT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one look; `match` is there exactly when `outcome` is `matched`.

    `watched`: the entries of watch lists it is; nobody but `watch.alerts` is told.
    """

    outcome: Outcome
    match: Match | None = None
    watched: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def _limits(model: ScoreModel, templates: int, at_home: int) -> prior.Limits:
    return prior.limits(model, templates, at_home)


class Matcher:
    """Searches one look. The look number is the event's `seq`: a track has `MAX_LOOKS` looks, whoever counts."""

    def __init__(self, province: ProvinceSearch, embedder: Embedder, pack: ModelPack) -> None:
        self._province = province
        self._embedder = embedder
        self._model = pack.scores
        self._dimension = pack.dimension
        self._pack_id = pack.pack_id
        self._strangers: OrderedDict[str, None] = OrderedDict()

    async def match(
        self,
        event: FaceEvent | FacePicture,
        track_key: str,
        camera: Camera,
        box_key_id: str,
        galleries: tuple[str, ...],
        memory: Memory,
        watch_lists: tuple[str, ...] = (),
    ) -> Verdict:
        """Decide one look at a track. Raises `BadVector`, `BadPhoto` or `NotAllowed`."""
        stranger = track_key in self._strangers
        if event.seq >= decide.MAX_LOOKS or (stranger and not watch_lists):
            return Verdict(Outcome.NOT_ENROLLED)
        vector = await self._vector(event, camera.box_id, box_key_id, memory)
        looked = await to_thread.run_sync(self._watched, vector, event.seq, watch_lists, camera.branch_id, memory)
        if stranger:
            verdict = Verdict(Outcome.NOT_ENROLLED)
        else:
            verdict = await self._identify(event, track_key, camera, vector, galleries, memory)
        if looked.undecided and verdict.outcome is Outcome.NOT_ENROLLED:
            return Verdict(Outcome.BETTER_SHOT, watched=looked.entry_ids)
        return replace(verdict, watched=looked.entry_ids)

    def _watched(
        self, probe: Vector, look: int, watch_lists: tuple[str, ...], branch_id: str, memory: Memory
    ) -> Looked:
        """Compare a look with the watch lists; whatever goes wrong there, customers are served (C13)."""
        if not watch_lists:
            return NOTHING
        try:
            return memory.watch.look(probe, look, watch_lists, branch_id, self._model, now_ms())
        except Exception:
            log.exception("watch_search_failed", branch_id=branch_id)
            return NOTHING

    async def _identify(
        self,
        event: FaceEvent | FacePicture,
        track_key: str,
        camera: Camera,
        vector: Vector,
        galleries: tuple[str, ...],
        memory: Memory,
    ) -> Verdict:
        verdict = await to_thread.run_sync(self._in_city, vector, event.seq, camera.branch_id, galleries, memory)
        if verdict.outcome is not Outcome.MATCHED:
            raw = encode_probe(vector)
            asked = Probe(camera.camera_id, event.assessment_id, event.seq, event.shots, raw, memory.key_id)
            verdict = _combine(verdict, await self._in_province(asked, galleries))
        if verdict.outcome is Outcome.NOT_ENROLLED:
            self._strangers[track_key] = None
            if len(self._strangers) > _STRANGERS_KEPT:
                self._strangers.popitem(last=False)
        return verdict

    async def identify(
        self, ask: TicketAsk, camera: Camera, box_key_id: str, galleries: tuple[str, ...], memory: Memory
    ) -> CardView | None:
        """Return who tapped, if he consented to ticketing: to everybody else he is a stranger. Nothing is remembered.

        Raises `BadVector` or `NotAllowed`.
        """
        vector = normalise(apply(memory.to_city(camera.box_id, box_key_id), decode_probe(ask.vector, self._dimension)))
        verdict = await to_thread.run_sync(self._in_city, vector, 0, camera.branch_id, galleries, memory)
        if verdict.match is None:
            raw = encode_probe(vector)
            probe = Probe(camera.camera_id, ask.assessment_id, 0, ask.shots, raw, memory.key_id, Purpose.TICKETING)
            verdict = await self._in_province(probe, galleries) or verdict
        view = verdict.match.view if verdict.match else None
        return view if view is not None and Purpose.TICKETING in view.purposes else None

    async def _vector(self, event: FaceEvent | FacePicture, box_id: str, key_id: str, memory: Memory) -> Vector:
        """Return the look's unit probe in the city's domain, fp32 (d,)."""
        if not isinstance(event, FacePicture):
            return normalise(apply(memory.to_city(box_id, key_id), decode_probe(event.vector, self._dimension)))
        raw_to_city = memory.raw_to_city(box_id)
        if raw_to_city is None:
            raise NotAllowed("the province has not cleared this box for pictures; check the camera's impact assessment")
        return await self._embedder.probe(event, raw_to_city)

    def _in_city(self, probe: Vector, look: int, branch_id: str, galleries: tuple[str, ...], memory: Memory) -> Verdict:
        hit, templates = memory.search(probe, galleries)
        limits = _limits(self._model, templates, memory.count_at_home(branch_id, galleries))
        view = memory.card_views.get(hit.customer_id) if hit else None
        at_home = view is not None and view.home_branch_id == branch_id
        outcome = decide.judge(hit, limits.home if at_home else limits.others, look)
        if outcome is Outcome.MATCHED and view is None:  # withdrawn while we searched
            outcome = Outcome.NOT_ENROLLED
        if hit is None or view is None or outcome is not Outcome.MATCHED:
            return Verdict(outcome)
        return Verdict(outcome, Match(view, "city", Scored(self._pack_id, hit.score, hit.runner_up, templates)))

    async def _in_province(self, probe: Probe, galleries: tuple[str, ...]) -> Verdict | None:
        hit = await self._province.search(probe)
        if hit is None:
            return None
        if hit.outcome is not Outcome.MATCHED:
            return Verdict(hit.outcome)
        # The province checks the camera itself; a hit outside this camera's galleries is dropped here again.
        if hit.card_view is None or hit.card_view.gallery not in galleries:
            return Verdict(Outcome.NOT_ENROLLED)
        return Verdict(Outcome.MATCHED, Match(hit.card_view, "province"))


def _combine(city: Verdict, province: Verdict | None) -> Verdict:
    """Return the joint answer of two misses, or the province's hit. Without the province the city's word stands."""
    if province is None:
        return city
    if province.outcome is Outcome.MATCHED:
        return province
    both = (city.outcome, province.outcome)
    return Verdict(Outcome.BETTER_SHOT if Outcome.BETTER_SHOT in both else Outcome.NOT_ENROLLED)
