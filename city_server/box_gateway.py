"""WebSocket `/v1/box`: prove the key, be told the cameras, send events, get answers; revocation ends it at once."""

import asyncio
import contextlib
import os
import time
from typing import Final

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from city_server.box_refusals import CLOSE_CODES, CLOSE_TRY_LATER, BoxRevoked, RateLimited, Replaced, WrongPack
from city_server.branch_gallery import BranchGallery
from city_server.bucket import Bucket
from city_server.bundles import Bundles
from city_server.camera_states import CameraStates
from city_server.intake import Intake, Source, refusal, track_key
from city_server.photos import BadPhoto, Photos
from city_server.queues import Queues
from city_server.replica import Replica
from city_server.settings import CitySettings
from city_server.store import Store
from city_server.ticketing import Ticketing
from city_server.trail import Trail
from yingbin import feed_wire, wire
from yingbin.errors import NotAllowed, NotAuthenticated, Unavailable, YingbinError
from yingbin.ids import now_ms
from yingbin.local_wire import GalleryAsk
from yingbin.log import get_logger
from yingbin.queue_wire import QueueReport
from yingbin.trust.devices import challenge_text, verify_signature

log = get_logger()
_PROOF_TIMEOUT_S: Final = 10.0
_BATCH: Final = 16
_WAITING: Final = 128
_BAD_MESSAGES: Final = 5


class BoxGateway:
    """All connected boxes: at most one connection each, the newest."""

    def __init__(
        self,
        settings: CitySettings,
        pack_id: str,
        replica: Replica,
        intake: Intake,
        ticketing: Ticketing,
        photos: Photos,
        store: Store,
        states: CameraStates,
        trail: Trail,
        bundles: Bundles,
        queues: Queues,
    ) -> None:
        self.settings = settings
        self.pack_id = pack_id
        self.replica = replica
        self.intake = intake
        self.ticketing = ticketing
        self.photos = photos
        self.store = store
        self.states = states
        self.trail = trail
        self.bundles = bundles
        self.queues = queues
        self.router = APIRouter()
        self.router.add_api_websocket_route("/v1/box", self._serve)
        self._sessions: dict[str, _BoxSession] = {}

    def refresh(self) -> None:
        """Tell every connected box what the feed changed for it."""
        for session in self._sessions.values():
            session.refresh()

    async def _serve(self, socket: WebSocket) -> None:
        await socket.accept()
        session = _BoxSession(self, socket)
        try:
            source = await session.prove()
            older = self._sessions.get(source.box_id)
            if older is not None:
                older.end(Replaced("a newer connection of this box took over"))
            self._sessions[source.box_id] = session
            try:
                await session.run(source)
            finally:
                if self._sessions.get(source.box_id) is session:
                    del self._sessions[source.box_id]
                    self.states.lost(source.box_id, now_ms())
                    self.bundles.lost(source.box_id)
        except WebSocketDisconnect:
            pass
        except YingbinError as error:
            if session.claimed and isinstance(error, NotAllowed | NotAuthenticated) and not isinstance(error, Replaced):
                with contextlib.suppress(Unavailable):  # it is turned away all the same
                    await self.trail.box_refused(session.claimed, error.code)
            await session.refuse_and_close(error)


class _BoxSession:
    """One connection: a reader that admits, a worker that answers in order, two watchers of the feed."""

    def __init__(self, gateway: BoxGateway, socket: WebSocket) -> None:
        self.claimed = ""
        """The registered box that this says it is."""
        self._gateway = gateway
        self._socket = socket
        self._sending = asyncio.Lock()
        self._events: asyncio.Queue[wire.FaceLook] = asyncio.Queue(_WAITING)
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tickets: set[asyncio.Task[None]] = set()
        self._feed_moved = asyncio.Event()
        self._gallery_due = asyncio.Event()
        self._gallery_ask: GalleryAsk | None = None

    def refresh(self) -> None:
        """Look again at what the feed says about this box."""
        self._feed_moved.set()
        self._gallery_due.set()

    def end(self, error: YingbinError) -> None:
        """Make `run` raise `error`."""
        if not self._ended.done():
            self._ended.set_exception(error)

    async def prove(self) -> Source:
        """Challenge the box. Raises `NotAuthenticated`, `BoxRevoked`, `WrongPack` or `BadMessage`."""
        nonce, city_id = os.urandom(32), self._gateway.settings.city_id
        await self._send(wire.Challenge(nonce, city_id, now_ms()))
        try:
            with anyio.fail_after(_PROOF_TIMEOUT_S):
                proof = wire.decode_from_box(await self._receive())
        except TimeoutError:
            raise NotAuthenticated("the box did not prove its key in time") from None
        if not isinstance(proof, wire.Proof):
            raise NotAuthenticated("the first message must prove the box's key")
        box = await self._registered(proof.box_id)
        self.claimed = box.box_id
        text = challenge_text(nonce, city_id, proof.box_id, proof.boot_id, proof.pack_id, proof.key_id)
        verify_signature(box.public_key, proof.signature, text)
        if box.revoked:
            raise BoxRevoked("this box was revoked at the province")
        if proof.pack_id != self._gateway.pack_id:
            raise WrongPack(f"the box uses model pack {proof.pack_id}, the galleries hold {self._gateway.pack_id}")
        self._gateway.bundles.connected(box.box_id, proof.key_id)
        log.info("box_connected", box_id=box.box_id, boot_id=proof.boot_id, key_id=proof.key_id)
        return Source(box.box_id, box.branch_id, proof.boot_id, proof.key_id)

    async def _registered(self, box_id: str) -> feed_wire.Box:
        """Return the box as the feed has it; only a city that is up to date may say that there is no such box."""
        replica = self._gateway.replica
        if box_id not in replica.memory.boxes and not await replica.searchable(self._gateway.settings.catch_up_wait_s):
            raise Unavailable("this city has not caught up with the province and does not know the box yet; try again")
        box = replica.memory.boxes.get(box_id)
        if box is None:
            raise NotAuthenticated("this city does not know the box; register it at the province")
        return box

    async def run(self, source: Source) -> None:
        """Serve until the box goes away or must go. Raises the reason."""
        tasks = [
            asyncio.create_task(self._watch(source)),
            asyncio.create_task(self._keep_gallery(source)),
            asyncio.create_task(self._read(source)),
            asyncio.create_task(self._answer(source)),
        ]
        try:
            await asyncio.wait([*tasks, self._ended], return_when=asyncio.FIRST_COMPLETED)
            for done in (self._ended, *tasks):
                if done.done():
                    done.result()
        finally:
            tasks.extend(self._tickets)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            log.info("box_disconnected", box_id=source.box_id)

    async def refuse_and_close(self, error: YingbinError) -> None:
        """Say why, and close with the code of that reason."""
        code = CLOSE_CODES.get(type(error), CLOSE_TRY_LATER)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be gone already
            await self._send(refusal(error))
            await self._socket.close(code)

    async def _watch(self, source: Source) -> None:
        """Send `Welcome` first and whenever the cameras change; raise when the box was revoked."""
        told: tuple[wire.Camera, ...] | None = None
        while True:
            self._feed_moved.clear()
            memory = self._gateway.replica.memory
            box = memory.boxes.get(source.box_id)
            if box is None or box.revoked or box.branch_id != source.branch_id:
                raise BoxRevoked("this box was revoked at the province")
            memory.to_city(source.box_id, source.key_id)
            cameras = memory.cameras_of(source.box_id)
            if cameras != told:
                await self._send(wire.Welcome(cameras, now_ms()))
                told = cameras
            await self._feed_moved.wait()

    async def _keep_gallery(self, source: Source) -> None:
        """Keep the branch gallery of a box that recognises locally up to date."""
        gallery = BranchGallery(self._gateway.replica, source.box_id, source.branch_id, source.key_id)
        while True:
            self._gallery_due.clear()
            ask, self._gallery_ask = self._gallery_ask, None
            cameras = self._gateway.replica.memory.cameras_of(source.box_id)
            for page in await gallery.due(cameras, ask):
                await self._send(page)
            await self._gallery_due.wait()

    async def _read(self, source: Source) -> None:
        settings = self._gateway.settings
        bucket = Bucket(settings.box_events_per_s, settings.box_events_burst, time.monotonic())
        malformed = 0
        while True:
            raw = await self._receive()
            try:
                message = wire.decode_from_box(raw)
            except wire.BadMessage as error:
                malformed += 1
                if malformed >= _BAD_MESSAGES:
                    raise
                await self._send(refusal(error))
                continue
            if isinstance(message, wire.FaceLook):
                if bucket.take(time.monotonic()):
                    await self._events.put(message)
                else:
                    await self._send(refusal(RateLimited("this box sends too many events"), message))
            elif isinstance(message, wire.TicketAsk):
                self._answer_ticket(source, message, in_limits=bucket.take(time.monotonic()))
            elif isinstance(message, GalleryAsk | QueueReport) and bucket.take(time.monotonic()):
                self._heed(source, message)
            elif isinstance(message, wire.ClockAsk):
                await self._send(wire.ClockTell(message.number, now_ms()))
            elif isinstance(message, wire.ScenePhoto):
                await self._photo(source, message)
            elif isinstance(message, wire.CameraStatus):
                self._note(source, message)

    async def _answer(self, source: Source) -> None:
        carried: wire.FaceLook | None = None
        while True:
            batch = [carried or await self._events.get()]
            carried = None
            while len(batch) < _BATCH and not self._events.empty():
                further = self._events.get_nowait()
                if any((event.boot_id, event.track) == (further.boot_id, further.track) for event in batch):
                    carried = further
                    break
                batch.append(further)
            for answer in await self._gateway.intake.answer(source, batch):
                await self._send(answer)

    def _answer_ticket(self, source: Source, ask: wire.TicketAsk, *, in_limits: bool) -> None:
        """Answer in a task of its own: the province may be slow, and the customer's alternative is always there."""

        async def answer() -> None:
            desk = self._gateway.ticketing
            await self._send(await desk.answer(source, ask) if in_limits else desk.use_a_card(ask))

        task = asyncio.create_task(answer())
        self._tickets.add(task)
        task.add_done_callback(self._tickets.discard)

    def _heed(self, source: Source, message: GalleryAsk | QueueReport) -> None:
        if isinstance(message, QueueReport):
            self._gateway.queues.report(source.branch_id, message, now_ms())
        else:
            self._gallery_ask = message
            self._gallery_due.set()

    def _note(self, source: Source, status: wire.CameraStatus) -> None:
        """Keep how a camera is. A box tells all again whenever it connects; the log gets each change once."""
        cameras = self._gateway.replica.memory.cameras_of(source.box_id)
        if self._gateway.states.told(source.box_id, cameras, status, now_ms()):
            about = {"box_id": source.box_id, "camera_id": status.camera_id, "state": status.state}
            log.info("camera_status", **about, detail=status.detail[:200])

    async def _photo(self, source: Source, photo: wire.ScenePhoto) -> None:
        key = track_key(source, photo.track, photo.boot_id)
        try:
            await self._gateway.store.write(lambda session: self._gateway.photos.take(session, key, photo.jpeg))
        except (NotAllowed, BadPhoto, Unavailable) as error:
            # A card without a photo is valid; the line to the box is worth more than the picture.
            log.warning("photo_refused", box_id=source.box_id, code=error.code, error_id=error.error_id)

    async def _receive(self) -> bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return message.get("bytes") or b""

    async def _send(self, message: wire.CityMessage) -> None:
        async with self._sending:
            await self._socket.send_bytes(wire.encode(message))
