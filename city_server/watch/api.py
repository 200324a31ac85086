"""The security page's API, /v1/watch: a sign-in of its own, alerts, acknowledgement. A tablet's token opens none of it.

Built for polling: `GET /v1/watch/alerts` answers at once when anything differs from `known`, else after `wait_s`. What
it lists may lie on a screen anybody can see, so it says nothing of whom; that takes opening the one alert.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy.orm import Session

from city_server.memory import Memory
from city_server.sessions import Sessions
from city_server.store import Store
from city_server.watch.alerts import Detail, WatchAlerts, rings
from yingbin.errors import NotAuthenticated
from yingbin.feed_wire import Staff
from yingbin.ids import now_ms
from yingbin.storage.city import WatchAlertRow
from yingbin.trust.staff import Role
from yingbin.trust.watch import WatchList

_OTHER_INSTANCES_S: Final = 2.0
"""How often to look for what another instance of this city has written."""
_NOTICES: Final = {
    WatchList.POLICE: ("安保提示：请查看", "Security: please look"),
    WatchList.OVERDUE: ("您有一条客户提示", "A note about a customer"),
}

_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


class Reader(BaseModel):
    """Who reads this page, and where."""

    display_name: str
    role: Role
    branch_zh: str
    branch_en: str


class AlertOut(BaseModel):
    """An alert as it may be seen by anybody who passes the screen. Times in UTC ms.

    `camera_role` is empty when the camera is no longer registered, `acknowledged_by` (a name) until somebody has it.
    """

    alert_id: str
    watch_list: WatchList
    rings: bool
    notice_zh: str
    notice_en: str
    raised_at_ms: int
    last_seen_at_ms: int
    camera_role: str
    acknowledged_at_ms: int | None
    acknowledged_by: str


class AlertList(BaseModel):
    """Everything this person is told; `version` is what to give as `known` next time."""

    version: str
    server_time_ms: int
    reader: Reader
    items: list[AlertOut]


class AlertDetail(AlertOut):
    """An alert, opened: who it is, by which written order, and where he was seen last."""

    subject: str
    document_number: str
    camera_id: str


class WatchApi:
    """Serves the page. `changed` is called on the loop after a look or an acknowledgement.

    `memory` returns what the city knows now: the names of staff and branches, the roles of cameras.
    """

    def __init__(self, sessions: Sessions, alerts: WatchAlerts, store: Store, memory: Callable[[], Memory]) -> None:
        self._sessions = sessions
        self._alerts = alerts
        self._store = store
        self._memory = memory
        self._moved = asyncio.Event()
        self._closed = False
        self.router = APIRouter(prefix="/v1/watch", tags=["watch lists"])
        self.router.add_api_route("/alerts", self.list_alerts, methods=["GET"])
        self.router.add_api_route("/alerts/{alert_id}", self.open_alert, methods=["GET"])
        self.router.add_api_route(
            "/alerts/{alert_id}/acknowledge", self.acknowledge_alert, methods=["POST"], status_code=204
        )

    def changed(self) -> None:
        """Wake everybody who waits for news."""
        self._moved.set()
        self._moved = asyncio.Event()

    def close(self) -> None:
        """Send everybody home: the server stops."""
        self._closed = True
        self.changed()

    async def list_alerts(
        self,
        bearer: _Bearer,
        known: Annotated[str, Query(max_length=64)] = "",
        wait_s: Annotated[float, Query(ge=0, le=30)] = 0,
    ) -> AlertList:
        """List this person's alerts, at once if they differ from `known`."""
        deadline = time.monotonic() + wait_s
        while True:
            moved, who = self._moved, self._who(bearer)
            items = await self._store.read(partial(self._items, who=who))
            version = _version(items)
            left_s = deadline - time.monotonic()
            if version != known or left_s <= 0 or self._closed:
                return AlertList(version=version, server_time_ms=now_ms(), reader=self._reader(who), items=items)
            try:
                await asyncio.wait_for(moved.wait(), min(left_s, _OTHER_INSTANCES_S))
            except TimeoutError:
                continue

    async def open_alert(self, alert_id: str, bearer: _Bearer) -> AlertDetail:
        """Say who it is."""
        who = self._who(bearer)
        return await self._store.write(lambda session: self._detail(*self._alerts.opened(session, alert_id, who)))

    async def acknowledge_alert(self, alert_id: str, bearer: _Bearer) -> None:
        """Take an alert: it rings no more."""
        who = self._who(bearer)
        await self._store.write(lambda session: self._alerts.acknowledge(session, alert_id, who, now_ms()))
        self.changed()

    def _items(self, session: Session, who: Staff) -> list[AlertOut]:
        return [self._out(row) for row in self._alerts.of(session, who, now_ms())]

    def _out(self, row: WatchAlertRow) -> AlertOut:
        watch_list, memory = WatchList(row.watch_list), self._memory()
        notice_zh, notice_en = _NOTICES[watch_list]
        camera = memory.cameras.get(row.camera_id)
        taker = memory.staff.get(row.acknowledged_by)
        return AlertOut(
            alert_id=row.alert_id,
            watch_list=watch_list,
            rings=rings(row),
            notice_zh=notice_zh,
            notice_en=notice_en,
            raised_at_ms=row.raised_at_ms,
            last_seen_at_ms=row.last_seen_at_ms,
            camera_role=camera.role if camera else "",
            acknowledged_at_ms=row.acknowledged_at_ms,
            acknowledged_by=taker.display_name if taker else row.acknowledged_by,
        )

    def _detail(self, row: WatchAlertRow, detail: Detail) -> AlertDetail:
        return AlertDetail(
            **self._out(row).model_dump(),
            subject=detail.subject,
            document_number=detail.document_number,
            camera_id=row.camera_id,
        )

    def _reader(self, who: Staff) -> Reader:
        branch = self._memory().branches.get(who.branch_id)
        return Reader(
            display_name=who.display_name,
            role=Role(who.role),
            branch_zh=branch.name_zh if branch else "",
            branch_en=branch.name_en if branch else "",
        )

    def _who(self, bearer: HTTPAuthorizationCredentials | None) -> Staff:
        if bearer is None:
            raise NotAuthenticated("sign in first: send the header `Authorization: Bearer <token>`")
        return self._sessions.read(bearer.credentials)[0]


def _version(items: Sequence[AlertOut]) -> str:
    return hashlib.sha256("".join(item.model_dump_json() for item in items).encode()).hexdigest()[:16]
