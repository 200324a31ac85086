"""How soon alerts of watch lists were acknowledged, on its way to the province: times alone, of nobody."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from yingbin.report_wire import WatchAnswered
from yingbin.storage.city import WatchAlertRow


def unreported(session: Session, at_most: int) -> list[WatchAnswered]:
    """Return alerts that were acknowledged since the province was told."""
    untold = (WatchAlertRow.acknowledged_at_ms.is_not(None), WatchAlertRow.reported.is_(False))
    rows = session.scalars(select(WatchAlertRow).where(*untold).order_by(WatchAlertRow.alert_id).limit(at_most))
    return [
        WatchAnswered(row.alert_id, row.branch_id, row.watch_list, row.raised_at_ms, row.acknowledged_at_ms or 0)
        for row in rows
    ]


def mark_reported(session: Session, told: Sequence[WatchAnswered]) -> None:
    """Note what the province has."""
    ids = [one.alert_id for one in told]
    session.execute(update(WatchAlertRow).where(WatchAlertRow.alert_id.in_(ids)).values(reported=True))
