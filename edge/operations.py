"""The box's own HTTP endpoint, loopback only and off by default: health, metrics and the installer's page."""

import base64
import contextlib
import hmac
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import msgspec
import numpy as np
from fastapi import APIRouter, Cookie, Depends, FastAPI, Response
from prometheus_client import REGISTRY
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from edge.figures import BoxFigures
from edge.local_http import serving
from edge.metrics import BoxCollector
from edge.mounting import Mounting
from edge.pipeline import Pipeline
from edge.pixels import Image, Raster
from yingbin import assets
from yingbin.errors import NotAllowed, NotAuthenticated, NotFound, Unavailable
from yingbin.faces.face import Face
from yingbin.http.app import create_app
from yingbin.http.serve import bind
from yingbin.log import get_logger
from yingbin.wire import CameraState

_TROUBLE: Final = frozenset(CameraState) - {CameraState.RUNNING, CameraState.ENDED, CameraState.NOT_ASSESSED}
_LOOKED_AT_S: Final = 5.0
"""So long after the page last asked, pictures are still kept for it; then none is."""
_SHOWN_PX: Final = 960
_TRIES: Final = 5
_COOKIE: Final = "installer"

log = get_logger()


class Sight:
    """The last picture of one camera, kept only while somebody looks at the page; on the camera's thread and ours."""

    def __init__(self, pipeline: Pipeline, near: Callable[[], list[bool]]) -> None:
        self._near = near
        self._mounting = Mounting()
        self._asked_s = float("-inf")
        self._last: tuple[Image, list[dict[str, Any]]] | None = None
        pipeline.onlooker = self._saw

    def show(self) -> dict[str, Any]:
        """Return the page's view: JPEG, boxes in its px, face heights in px of the camera's own picture, checks."""
        self._asked_s = time.monotonic()
        last, checks = self._last, [msgspec.to_builtins(check) for check in self._mounting.checks(self._near())]
        if last is None:
            return {"jpeg": "", "width": 0, "height": 0, "faces": [], "checks": checks}
        image, faces = last
        height, width = image.shape[:2]
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])
        coded = base64.b64encode(jpeg.tobytes()).decode()
        return {"jpeg": coded, "width": width, "height": height, "faces": faces, "checks": checks}

    def _saw(self, raster: Raster, faces: list[Face]) -> None:
        if time.monotonic() - self._asked_s > _LOOKED_AT_S:
            self._last = None
            return
        ratio = min(1.0, _SHOWN_PX / raster.width)
        image = raster.scaled(round(raster.width * ratio), round(raster.height * ratio))
        shown = [Face(face.box * np.float32(ratio), face.landmarks * np.float32(ratio), face.score) for face in faces]
        self._mounting.saw(image, shown)
        boxes = [[round(float(side)) for side in face.box] for face in shown]
        heights = [round(face.size_px) for face in faces]
        self._last = image, [{"box": box, "px": px} for box, px in zip(boxes, heights, strict=True)]


class Doorkeeper:
    """One code, good for one browser: it is printed at the start of the box, so who sees it stands at the box."""

    def __init__(self) -> None:
        self.code = f"{secrets.randbelow(10**8):08d}"
        self._session = ""
        self._tries = 0

    def admit(self, code: str) -> str:
        """Return the session secret for the right code. Raises `NotAllowed`: wrong, used, or tried too often."""
        self._tries += 1
        if self._tries > _TRIES or self._session:
            raise NotAllowed("this code is used up; restart the box for a new one")
        if not hmac.compare_digest(code.encode(), self.code.encode()):
            raise NotAllowed("wrong code; it was printed when the box started")
        self._session = secrets.token_urlsafe(24)
        return self._session

    def check(self, session: str) -> None:
        """Raise `NotAuthenticated` unless `session` was handed out."""
        if not self._session or not hmac.compare_digest(session.encode(), self._session.encode()):
            raise NotAuthenticated("type the code that the box printed when it started")


class _Code(BaseModel):
    code: str


class Operations:
    """The endpoint of one box. `sights` by camera id; None leaves the installer's page out."""

    def __init__(self, port: int, figures: Callable[[], BoxFigures], sights: dict[str, Sight] | None) -> None:
        self._figures = figures
        self._sights = sights
        self.door = Doorkeeper()
        self.app = create_app("Yingbin camera box", _lifespan, self._check)
        self.app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        if sights is not None:
            self.app.include_router(self._installer())
            self.app.mount("/assets", StaticFiles(directory=assets.folder()))
            page = Path(__file__).parent / "installer_page"
            self.app.mount("/installer", StaticFiles(directory=page, html=True))
        self._listener = bind("127.0.0.1", port)
        self.port: int = self._listener.getsockname()[1]

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer while the context lasts; print the installer page's address and code, where there is one."""
        collector = BoxCollector(self._figures)
        REGISTRY.register(collector)
        log.info("operations_ready", port=self.port)
        if self._sights is not None:
            page = {"installer_page": f"http://127.0.0.1:{self.port}/installer/", "one_time_code": self.door.code}
            sys.stdout.write(json.dumps(page) + "\n")
            sys.stdout.flush()
        try:
            async with serving(self.app, self._listener):
                yield
        finally:
            REGISTRY.unregister(collector)

    def _check(self) -> None:
        box = self._figures()
        troubles = [f"{one.camera_id}: {one.detail or one.state}" for one in box.cameras if one.state in _TROUBLE]
        if not box.connected:
            troubles.insert(0, "the line to the city is down")
        if troubles:
            raise Unavailable("; ".join(troubles))

    def _installer(self) -> APIRouter:
        def inside(installer: Annotated[str, Cookie()] = "") -> None:
            self.door.check(installer)

        opened = APIRouter(prefix="/v1/installer", tags=["installer"])

        @opened.post("/session", status_code=204)
        def session(body: _Code) -> Response:
            """Trade the printed code for a session; works once."""
            response = Response(status_code=204)
            secret = self.door.admit(body.code.replace(" ", ""))
            response.set_cookie(_COOKIE, secret, path="/v1/installer", httponly=True, samesite="strict")
            return response

        @opened.get("/cameras", dependencies=[Depends(inside)])
        def cameras() -> list[dict[str, Any]]:
            """List the cameras with their state."""
            return [
                {"camera_id": one.camera_id, "state": one.state or "", "detail": one.detail}
                for one in self._figures().cameras
            ]

        @opened.get("/cameras/{camera_id}", dependencies=[Depends(inside)])
        def camera(camera_id: str) -> dict[str, Any]:
            """Return what one camera sees now."""
            sight = (self._sights or {}).get(camera_id)
            if sight is None:
                raise NotFound(f"no camera {camera_id} on this box")
            return sight.show()

        return opened


@contextlib.asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
