"""After a release every card view is published again, in batches, each with how far it came in one transaction.

So a process that is killed in the middle leaves nothing out, and two processes share the work.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.audit import trail as audit
from province_server.catalogues.in_force import IN_FORCE
from province_server.catalogues.releases import CatalogueReleases
from province_server.feed import Notifier, publish_all
from yingbin.feed_wire import FeedKind
from yingbin.ids import now_ms
from yingbin.log import get_logger
from yingbin.storage.catalogues import CatalogueReleaseRow
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, CustomerRow, TemplateLink

BATCH: Final = 500
"""Customers a transaction."""
CATALOGUE_EVERY_S: Final = 2.0

log = get_logger()


class Republishing:
    """Puts due releases in force and brings their card views to the cities. `job` is a chore."""

    def __init__(self, database: Database, releases: CatalogueReleases, notifier: Notifier) -> None:
        self._database = database
        self._releases = releases
        self._notifier = notifier
        self._stopping = threading.Event()

    def job(self) -> None:
        """Do what is to be done now, until it is done or the process stops."""
        self._releases.enforce_due()
        while not self._stopping.is_set() and self.step():
            pass
        self._releases.look()

    def stop(self) -> None:
        """Stop after the batch at hand."""
        self._stopping.set()

    def step(self) -> bool:
        """Publish one batch again; return whether there may be more."""
        open_ = (CatalogueReleaseRow.state == IN_FORCE, CatalogueReleaseRow.republished_at_ms.is_(None))
        with self._database.read() as session:
            if session.scalars(select(CatalogueReleaseRow.release_id).where(*open_)).first() is None:
                return False
        with self._database.write() as session:
            release = session.scalars(select(CatalogueReleaseRow).where(*open_).with_for_update()).one_or_none()
            if release is None:
                return False
            enrolled = (TemplateLink.state == "linked", TemplateLink.customer_id > release.published_to)
            following = select(TemplateLink.customer_id).where(*enrolled).distinct()
            batch = session.scalars(following.order_by(TemplateLink.customer_id).limit(BATCH)).all()
            cities = _publish(session, batch)
            release.done += len(batch)
            if batch:
                release.published_to = batch[-1]
            if finished := len(batch) < BATCH:
                release.republished_at_ms, release.total = now_ms(), release.done
                with audit.acting("job:catalogue"):
                    audit.note(
                        session, "catalogue_republished", "catalogue", release.catalogue_id, {"customers": release.done}
                    )
                log.info("catalogue_republished", release=release.number, customers=release.done)
        for city_id in cities:
            self._notifier.wake(city_id)
        return not finished


def _publish(session: Session, customer_ids: Sequence[str]) -> list[str]:
    """Publish card views again; return the cities, in the one order in which everybody locks them."""
    at_home = (
        select(BranchRow.city_id, CustomerRow.customer_id)
        .join(CustomerRow, CustomerRow.home_branch_id == BranchRow.branch_id)
        .where(CustomerRow.customer_id.in_(customer_ids))
    )
    of_city: defaultdict[str, list[str]] = defaultdict(list)
    for city_id, customer_id in session.execute(at_home):
        of_city[city_id].append(customer_id)
    for city_id in sorted(of_city):
        publish_all(session, city_id, [(FeedKind.CARD_VIEW, customer_id) for customer_id in sorted(of_city[city_id])])
    return sorted(of_city)
