"""Tells the security desk of police alerts by HTTP, signed, until it answers or somebody acknowledges.

The signature is Ed25519 (RFC 8032) by the city's own key, whose public half the province registered, over
`yingbin-watch-v1`, the timestamp and the body, each on a line of its own. The body names no person.
"""

import asyncio
import base64
from functools import partial
from typing import Final

import httpx
import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server.store import Store
from city_server.watch.alerts import WatchAlerts
from yingbin.errors import YingbinError
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.city import WatchAlertRow
from yingbin.trust.devices import DeviceKey

log = get_logger()
_POLL_S: Final = 0.5
_TIMEOUT_S: Final = 5.0
_LONGEST_PAUSE_MS: Final = 60_000
_AT_ONCE: Final = 20


class Webhook:
    """Delivers what is due, and enforces how long alerts are kept. Without a `url` it only does the latter."""

    def __init__(self, url: str | None, city_id: str, key: DeviceKey, store: Store, alerts: WatchAlerts) -> None:
        self._url = url
        self._city_id = city_id
        self._key = key
        self._store = store
        self._alerts = alerts

    async def run(self) -> None:
        """Work for ever."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            while True:
                try:
                    if self._url:
                        await self._deliver(http, self._url)
                    await self._store.write(lambda session: self._alerts.forget(session, now_ms()))
                except YingbinError as error:
                    log.warning("watch_chore_failed", code=error.code, reason=error.message, error_id=error.error_id)
                await asyncio.sleep(_POLL_S if self._url else 60 * _POLL_S)

    async def _deliver(self, http: httpx.AsyncClient, url: str) -> None:
        due = await self._store.read(lambda session: _due(session, now_ms()))
        for alert_id, body in due:
            told = await self._told(http, url, self._body(body))
            await self._store.write(partial(_settle, alert_id=alert_id, told=told))

    async def _told(self, http: httpx.AsyncClient, url: str, body: bytes) -> bool:
        timestamp = str(now_ms())
        try:
            reply = await http.post(url, content=body, headers=signed(self._key, timestamp, body))
        except httpx.HTTPError as error:
            log.warning("watch_webhook_failed", reason=type(error).__name__)
            return False
        if not reply.is_success:
            log.warning("watch_webhook_refused", status=reply.status_code)
        return reply.is_success

    def _body(self, alert: dict[str, object]) -> bytes:
        return msgspec.json.encode({"city_id": self._city_id, **alert})


def signed(key: DeviceKey, timestamp: str, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery."""
    signature = base64.b64encode(key.sign(signed_text(timestamp, body))).decode()
    return {
        "Content-Type": "application/json",
        "Yingbin-Timestamp": timestamp,
        "Yingbin-Signature": f"ed25519={signature}",
    }


def signed_text(timestamp: str, body: bytes) -> bytes:
    """Return what is signed."""
    return b"\n".join((b"yingbin-watch-v1", timestamp.encode(), body))


def _due(session: Session, at_ms: int) -> list[tuple[str, dict[str, object]]]:
    rows = session.scalars(select(WatchAlertRow).where(WatchAlertRow.webhook_due_at_ms <= at_ms).limit(_AT_ONCE))
    return [
        (
            row.alert_id,
            {
                "alert_id": row.alert_id,
                "watch_list": row.watch_list,
                "branch_id": row.branch_id,
                "camera_id": row.camera_id,
                "raised_at_ms": row.raised_at_ms,
            },
        )
        for row in rows
    ]


def _settle(session: Session, *, alert_id: str, told: bool) -> None:
    row = session.get(WatchAlertRow, alert_id, with_for_update=True)
    if row is None or row.webhook_due_at_ms is None:  # acknowledged meanwhile
        return
    row.webhook_attempts += 1
    pause_ms = min(1000 * 2 ** min(row.webhook_attempts - 1, 10), _LONGEST_PAUSE_MS)
    row.webhook_due_at_ms = None if told else now_ms() + pause_ms
