"""How soon alerts of watch lists were acknowledged, by branch and list: for who manages the list, and the auditor."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from province_server.auth import Gate
from province_server.records import AN_ID
from yingbin import wire
from yingbin.errors import InvalidInput, NotAllowed
from yingbin.offers.profile import CHINA_TIME
from yingbin.report_wire import WatchAnswered
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow
from yingbin.storage.statistics import WatchResponseRow
from yingbin.trust.staff import Role
from yingbin.trust.watch import MANAGED_BY, WatchList

MAX_ANSWERS: Final = 1000
_ID_CHARS: Final = 64


class WatchResponse(BaseModel):
    """How soon the alerts of a list were acknowledged at a branch: count, median and 90th percentile, s."""

    branch_id: str = Field(examples=[AN_ID])
    watch_list: WatchList = Field(examples=["police"])
    acknowledged: int = Field(examples=[17])
    median_s: float = Field(examples=[21.5])
    p90_s: float = Field(examples=[64.0])


class WatchResponses:
    """Keeps and sums up times."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, city_id: str, answered: Sequence[WatchAnswered]) -> None:
        """Keep what a city tells; what is here already stays. Raises `InvalidInput`, `NotAllowed`."""
        if len(answered) > MAX_ANSWERS:
            raise InvalidInput(f"{len(answered)} alerts in a request; at most {MAX_ANSWERS}")
        with self._database.write() as session:
            for one in answered:
                branch = session.get(BranchRow, one.branch_id)
                if branch is None or branch.city_id != city_id:
                    raise NotAllowed(f"branch {one.branch_id} is not one of this city")
                took_ms = one.acknowledged_at_ms - one.raised_at_ms
                if one.watch_list not in set(WatchList) or took_ms < 0 or not 0 < len(one.alert_id) <= _ID_CHARS:
                    raise InvalidInput("an alert's answer cannot be used: see report_wire.WatchAnswered")
                session.merge(
                    WatchResponseRow(
                        alert_id=one.alert_id, branch_id=one.branch_id, watch_list=one.watch_list,
                        raised_at_ms=one.raised_at_ms, took_ms=took_ms,
                    )
                )  # fmt: skip

    def between(self, first: date, last: date, branch_id: str | None, role: Role) -> list[WatchResponse]:
        """Return what this role may know (C13) of the days from `first` to `last`, of a branch or of all."""
        lists = [one for one in WatchList if role in {MANAGED_BY[one], Role.AUDITOR}]
        rows = select(WatchResponseRow).where(
            WatchResponseRow.watch_list.in_(lists),
            WatchResponseRow.raised_at_ms >= _begins_ms(first),
            WatchResponseRow.raised_at_ms < _begins_ms(last + timedelta(days=1)),
        )
        if branch_id is not None:
            rows = rows.where(WatchResponseRow.branch_id == branch_id)
        took_s: dict[tuple[str, str], list[float]] = defaultdict(list)
        with self._database.read() as session:
            for row in session.scalars(rows):
                took_s[row.branch_id, row.watch_list].append(row.took_ms / 1000)
        return [
            WatchResponse(
                branch_id=branch,
                watch_list=WatchList(watch_list),
                acknowledged=len(times),
                median_s=round(float(np.percentile(times, 50)), 1),
                p90_s=round(float(np.percentile(times, 90)), 1),
            )
            for (branch, watch_list), times in sorted(took_s.items())
        ]


def _begins_ms(day: date) -> int:
    return round(datetime.combine(day, time(), CHINA_TIME).timestamp() * 1000)


def routes(responses: WatchResponses, gate: Gate) -> APIRouter:
    """Return the route on which cities tell."""
    router = APIRouter(prefix="/v1/city", tags=["city"])
    city = Depends(gate.city())

    @router.post("/watch-responses", status_code=204, response_class=Response)
    async def city_watch_responses(city_id: Annotated[str, city], request: Request) -> Response:
        """Keep a list of `report_wire.WatchAnswered`; what is here already is ignored."""
        answered = wire.decode(await request.body(), list[WatchAnswered])
        await run_in_threadpool(responses.store, city_id, answered)
        return Response(status_code=204)

    return router
