"""How the cameras are, for whoever looks after them: `GET /v1/cameras` for a branch, a gauge for the whole city."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from city_server.camera_states import STATES, CameraStates
from city_server.sessions import Sessions
from yingbin.errors import NotAllowed, NotAuthenticated
from yingbin.trust.staff import Role
from yingbin.wire import Camera

Cameras = Callable[[], Mapping[str, Camera]]
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


class CameraOut(BaseModel):
    """One camera: `state` as in `yingbin_city_camera_state`, why, and since when (UTC ms)."""

    camera_id: str
    box_id: str
    role: str
    mode: str
    state: str
    detail: str
    since_ms: int


class Operations:
    """`cameras` returns all of the city by id, as the feed has them now; a copy, since the feed goes on."""

    def __init__(self, states: CameraStates, cameras: Cameras, sessions: Sessions) -> None:
        self._states = states
        self._cameras = cameras
        self._sessions = sessions
        self.router = APIRouter(prefix="/v1", tags=["operations"])
        self.router.add_api_route("/cameras", self.of_branch, methods=["GET"])

    async def of_branch(self, bearer: _Bearer) -> list[CameraOut]:
        """List the cameras of the branch whose manager asks."""
        if bearer is None:
            raise NotAuthenticated("sign in first: send the header `Authorization: Bearer <token>`")
        staff, claims = self._sessions.read(bearer.credentials)
        if claims.role is not Role.BRANCH_MANAGER:
            raise NotAllowed(f"the role {claims.role} may not do this; it is for: {Role.BRANCH_MANAGER}")
        cameras = self._cameras()
        states = self._states.of(cameras)
        return [
            CameraOut(
                camera_id=camera_id,
                box_id=cameras[camera_id].box_id,
                role=cameras[camera_id].role,
                mode=cameras[camera_id].mode,
                state=health.state,
                detail=health.detail,
                since_ms=health.since_ms,
            )
            for camera_id, health in sorted(states.items())
            if cameras[camera_id].branch_id == staff.branch_id
        ]


class CameraCollector(Collector):
    """The states at each scrape."""

    def __init__(self, states: CameraStates, cameras: Cameras) -> None:
        self._states = states
        self._cameras = cameras

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return one family: for each camera, 1 at its state and 0 at all others."""
        gauge = GaugeMetricFamily("yingbin_city_camera_state", "1 where it holds.", labels=["camera", "state"])
        for camera_id, health in self._states.of(self._cameras()).items():
            for state in STATES:
                gauge.add_metric([camera_id, state], float(state == health.state))
        yield gauge
