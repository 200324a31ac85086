"""Local recognition (issue 3, point 6): the box decides who it is, and only hits leave it. Registered at the province.

It stands between the cameras and the outbox. A look of a camera registered so is decided here, by the same rule and
look schedule as at the city; a hit goes on as `LocalHit`, and of anybody else nothing does: no vector, no event.
Without a gallery in force nothing is recognised and such a camera computes nothing: falling back to sending vectors
would break the promise exactly when nobody watches.
"""

import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.gallery_store import GalleryStore
from edge.pipeline import Look
from yingbin.errors import YingbinError
from yingbin.faces.scores import ScoreModel
from yingbin.galleries import decide
from yingbin.galleries.protect import decode_probe
from yingbin.local_wire import GalleryAsk, GalleryPage, LocalHit
from yingbin.log import get_logger
from yingbin.look_wire import LookFacts
from yingbin.trust.consent import Purpose, galleries_for
from yingbin.wire import Camera, FaceEvent, Outcome

if TYPE_CHECKING:
    from edge.local_gallery import LocalGallery

WAIT_S: Final = 30.0
"""So long a look waits for the city to say that no withdrawal waits; then it is let go."""
_WAITING: Final = 64
_ASK_AGAIN_S: Final = 10.0
"""Between two questions, when a gallery turned out damaged or was forgotten."""
_MATCHED_KEPT: Final = 4096
"""Tracks; a further look at one of them is of the same customer."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of a look: `hit` goes on in its place; without one nothing does, and the camera hears `outcome`."""

    look: Look
    outcome: Outcome | None
    hit: LocalHit | None = None


class LocalRecognition:
    """A state machine in the box's event loop: monotonic seconds are passed in, `clock_ms` is the city's clock."""

    def __init__(self, store: GalleryStore, scores: ScoreModel, dimension: int, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._scores = scores
        self._dimension = dimension
        self._clock_ms = clock_ms
        self._cameras: dict[str, Camera] = {}
        self._gallery: LocalGallery | None = None
        self._ask_at_s: float | None = None
        self._asked_s = float("-inf")
        self._waiting: deque[tuple[Look, float]] = deque()
        self._matched: OrderedDict[int, str] = OrderedDict()

    @property
    def cameras(self) -> frozenset[str]:
        """The cameras whose looks are decided here."""
        return frozenset(self._cameras)

    @property
    def held(self) -> int:
        """How many customers' templates are on this box."""
        return 0 if self._gallery is None else len(self._gallery)

    def connected(self) -> None:
        """Search nothing until the city has said that no change waits."""
        if self._gallery is not None:
            self._gallery.connected()
        self._ask_at_s = float("-inf")

    def disconnected(self) -> None:
        """Go on under the lease."""
        if self._gallery is not None:
            self._gallery.disconnected()

    def permit(self, cameras: Iterable[Camera]) -> None:
        """Take what the city says about this box's cameras; without a local one no template stays."""
        had = bool(self._cameras)
        self._cameras = {camera.camera_id: camera for camera in cameras if camera.local_recognition}
        if not self._cameras:
            self.close()
        elif self._gallery is None:
            from edge.local_gallery import LocalGallery  # the index is memory that other boxes need not spend

            self._gallery = LocalGallery(self._store, self._dimension)
            with self._dropping():
                self._gallery.restore(self._clock_ms())
            self._gallery.connected()
        if self._cameras and not had:
            self._ask_at_s = float("-inf")

    def ask(self, now_s: float) -> GalleryAsk | None:
        """Return the question to the city that is due."""
        if self._gallery is None or self._ask_at_s is None or now_s < self._ask_at_s:
            return None
        self._ask_at_s = None
        self._asked_s = now_s
        return GalleryAsk(self._gallery.digest)

    def lacks(self, camera: Camera | None) -> str:
        """Return why a camera must not compute although it is assessed; empty when it may."""
        if camera is None or not camera.local_recognition or self._in_force():
            return ""
        return "local recognition without a branch gallery in force; check the line to the city, and the city's own"

    def rule(self, look: Look, now_s: float) -> list[Ruling]:
        """Decide a look of one of `cameras`, or let it wait while changes to the gallery are on their way."""
        if self._gallery is None or not self._in_force() or not isinstance(look.event, FaceEvent):
            return [Ruling(look, None)]
        if self._gallery.gate.is_open(self._clock_ms()):
            return [self._decide(look, look.event, self._gallery)]
        self._waiting.append((look, now_s))
        return [Ruling(self._waiting.popleft()[0], None)] if len(self._waiting) > _WAITING else []

    def take(self, page: GalleryPage, now_s: float) -> list[Ruling]:
        """Apply what the city sends; return what that decides."""
        if self._gallery is None:
            return []
        with self._dropping():
            self._gallery.take(page)
        return self.tick(now_s)

    def tick(self, now_s: float) -> list[Ruling]:
        """Forget what may be held no longer; decide or let go what waits."""
        gallery, at_ms = self._gallery, self._clock_ms()
        if gallery is None:
            return self._let_go()
        covered = any(galleries_for(camera, Purpose.VIP_SERVICE, at_ms) for camera in self._cameras.values())
        if len(gallery) and not (covered and self._in_force()):
            log.warning("gallery_forgotten", reason="lease" if covered else "assessment")
            gallery.forget()
            self._ask_at_s = self._asked_s + _ASK_AGAIN_S
        if not self._in_force():
            return self._let_go()
        rulings = []
        while self._waiting:
            look, since_s = self._waiting[0]
            if gallery.gate.is_open(at_ms):
                rulings += self.rule(look, now_s)
            elif now_s - since_s >= WAIT_S:
                rulings.append(Ruling(look, None))
            else:
                break
            self._waiting.popleft()
        return rulings

    def close(self) -> None:
        """Forget the gallery: this box stops, or recognises nobody itself any more."""
        if self._gallery is not None:
            self._gallery.forget()
            self._gallery = None
        else:
            self._store.remove()

    @contextlib.contextmanager
    def _dropping(self) -> Iterator[None]:
        """Ask anew, though not in a hurry, for a gallery that turned out damaged."""
        try:
            yield
        except YingbinError as error:
            log.warning("gallery_dropped", code=error.code, reason=error.message, error_id=error.error_id)
            self._ask_at_s = self._asked_s + _ASK_AGAIN_S

    def _in_force(self) -> bool:
        return self._gallery is not None and self._clock_ms() < self._gallery.gate.lease_until_ms

    def _let_go(self) -> list[Ruling]:
        rulings = [Ruling(look, None) for look, _ in self._waiting]
        self._waiting.clear()
        return rulings

    def _decide(self, look: Look, event: FaceEvent, gallery: "LocalGallery") -> Ruling:
        camera = self._cameras.get(event.camera_id)
        galleries = galleries_for(camera, Purpose.VIP_SERVICE, self._clock_ms()) if camera else ()
        if not galleries:
            return Ruling(look, None)
        customer_id = self._matched.get(event.track, "")
        if gallery.holds(customer_id, galleries):  # recognised before: not searched again, as at the city
            return Ruling(look, Outcome.MATCHED, _hit(event, customer_id))
        if event.seq >= decide.MAX_LOOKS:
            return Ruling(look, Outcome.NOT_ENROLLED)
        hit, templates = gallery.search(decode_probe(event.vector, self._dimension), galleries)
        outcome = decide.judge(hit, decide.threshold(self._scores, templates), event.seq)
        if hit is None or outcome is not Outcome.MATCHED:
            return Ruling(look, outcome)
        self._matched[event.track] = hit.customer_id
        if len(self._matched) > _MATCHED_KEPT:
            self._matched.popitem(last=False)
        return Ruling(look, outcome, _hit(event, hit.customer_id))


def _hit(event: FaceEvent, customer_id: str) -> LocalHit:
    facts = {name: getattr(event, name) for name in LookFacts.__struct_fields__}
    return LocalHit(**facts, customer_id=customer_id)
