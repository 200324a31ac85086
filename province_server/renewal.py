"""Renewing keys while everything goes on (ISO/IEC 24745: renewability; DESIGN 5).

A city: it gets a second domain, fetches a snapshot in it beside what it serves, and changes over whole; once it has,
the old key goes. The province: galleries in a new domain are filled beside those that serve, every template gets a new
row under a new id and key, every customer's record a new seal; then the old key goes, and with it every older backup
becomes unreadable. Nothing here is remembered but in `Keys`: after a crash a renewal goes on where it stood.
"""

import threading
import time
from collections.abc import Callable, Sequence

from pydantic import BaseModel
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from province_server.feed import Notifier
from province_server.filling import BATCH
from province_server.gallery import Galleries
from province_server.insights.facts import Facts
from province_server.keys import PROVINCE, Keys, city_key
from province_server.portraits.store import PortraitStore
from province_server.template_store import new_subject_id
from province_server.vault import TemplateVault
from yingbin.errors import NotFound, YingbinError
from yingbin.feed_wire import FeedPage
from yingbin.galleries.protect import Domain
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import City, CustomerRow, TemplateLink
from yingbin.storage.templates import TemplateRow

log = get_logger()
_RETRY_S = 5.0


class Progress(BaseModel):
    """How far a renewal is: `done` of `total` templates, or of feed revisions for a city. Not `running`: all done."""

    running: bool
    done: int = 0
    total: int = 0


class CityRenewals:
    """Replaces R_city. `late_probes_s`: how long after its change-over a city's last probes may still arrive."""

    def __init__(self, database: Database, keys: Keys, notifier: Notifier, late_probes_s: float) -> None:
        self._database = database
        self._keys = keys
        self._notifier = notifier
        self._late_probes_s = late_probes_s
        self._lock = threading.Lock()
        self._position: dict[str, tuple[int, int]] = {}
        self._changed_over: dict[str, float] = {}

    def begin(self, city_id: str) -> None:
        """Start, or go on. Raises `NotFound`."""
        self._require(city_id)
        self._keys.begin(city_key(city_id))
        self._notifier.wake(city_id)
        log.info("city_renewal", city_id=city_id)

    def finish_now(self, city_id: str) -> None:
        """Destroy the old key at once; a city that still uses it stops matching until it has fetched a snapshot.

        For a city that is lost or gone for long. Raises `NotFound`.
        """
        self._require(city_id)
        self._finish(city_id)

    def progress(self, city_id: str) -> Progress:
        """Return how far it is. Raises `NotFound`."""
        self._require(city_id)
        done, total = self._position.get(city_id, (0, 0))
        return Progress(running=self._keys.renewing(city_key(city_id)), done=done, total=total)

    def note(self, city_id: str, after: int, page: FeedPage) -> None:
        """Take in what a city asked for: only one that serves the newest domain asks for what follows its head."""
        domains = self._keys.domains(city_key(city_id))
        if len(domains) == 1 or page.key_id != domains[-1].key_id:
            return
        self._position[city_id] = (page.up_to, page.head)
        if page.snapshot or after != page.head:
            return
        with self._lock:
            since_s = self._changed_over.setdefault(city_id, time.monotonic())
        if time.monotonic() - since_s >= self._late_probes_s:
            self._finish(city_id)

    def _finish(self, city_id: str) -> None:
        self._keys.finish(city_key(city_id))
        with self._lock:
            self._changed_over.pop(city_id, None)
            self._position.pop(city_id, None)
        log.info("city_renewed", city_id=city_id)

    def _require(self, city_id: str) -> None:
        with self._database.read() as session:
            if session.get(City, city_id) is None:
                raise NotFound(f"there is no city {city_id}")


class ProvinceRenewal:
    """Replaces the province's key, in a thread of its own. `keep_only` is told which domain's galleries serve now."""

    def __init__(
        self,
        identity: Database,
        templates: Database,
        keys: Keys,
        vault: TemplateVault,
        galleries: Galleries,
        portraits: PortraitStore,
        facts: Facts,
        keep_only: Callable[[Domain], None] = lambda _: None,
    ) -> None:
        self._identity = identity
        self._templates = templates
        self._keys = keys
        self._vault = vault
        self._galleries = galleries
        self._portraits = portraits
        self._facts = facts
        self._keep_only = keep_only
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._done = 0

    def begin(self) -> None:
        """Start, unless it runs."""
        with self._vault.lock:  # whoever seals and commits under it sees either one key or both
            self._keys.begin(PROVINCE)
        self.resume()

    def resume(self) -> None:
        """Go on with what a stop or a crash interrupted, if anything."""
        with self._lock:
            if self._keys.renewing(PROVINCE) and not (self._thread and self._thread.is_alive()):
                self._stopping.clear()
                self._thread = threading.Thread(target=self._work, name="renewal", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop after the batch at hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def progress(self) -> Progress:
        """Return how far it is."""
        if not self._keys.renewing(PROVINCE):
            return Progress(running=False)
        with self._identity.read() as session:
            linked = select(func.count()).select_from(TemplateLink).where(TemplateLink.state == "linked")
            total = session.scalars(linked).one()
        return Progress(running=True, done=min(self._done, total), total=total)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._change_domain()
                if self._reseal_templates() and self._reseal_records() and self._retire_key():
                    self._keep_only(self._galleries.domain)
                    log.info("province_renewed")
                    return
            except YingbinError as error:
                log.warning("renewal_waits", code=error.code, reason=error.message, error_id=error.error_id)
                self._stopping.wait(_RETRY_S)

    def _change_domain(self) -> None:
        """Fill galleries in the newest domain beside those that serve, then serve them."""
        newest = self._keys.domains(PROVINCE)[-1]
        if newest == self._galleries.domain:
            return
        self._galleries.begin(newest)
        self._vault.fill(newest)
        with self._vault.lock:
            self._galleries.change_over()

    def _reseal_templates(self) -> bool:
        after: str | None = ""
        self._done = 0
        while after is not None:
            if self._stopping.is_set():
                return False
            after = self._reseal_batch(after)
        return True

    def _reseal_batch(self, after: str) -> str | None:
        """Give the next templates new rows under the newest key; return the last one's id, None at the end."""
        newest = self._keys.domains(PROVINCE)[-1]
        with self._vault.lock:
            links = {link.subject_id: link for link in self._vault.store.linked_after(after)}
            if not links:
                return None
            of_old_key = (TemplateRow.subject_id.in_(links), TemplateRow.key_id != newest.key_id)
            with self._templates.read() as session:
                rows = session.scalars(select(TemplateRow).where(*of_old_key)).all()
            if rows:
                self._replace([(links[row.subject_id], row) for row in rows], newest)
        self._done += len(links)
        return max(link.template_id for link in links.values())

    def _replace(self, templates: list[tuple[TemplateLink, TemplateRow]], newest: Domain) -> None:
        links: list[TemplateLink] = []
        rows: dict[str, TemplateRow] = {}
        for link, row in templates:
            key_sealed, vector_sealed = self._keys.seal_vector(self._vault.store.opened(link, row, newest))
            subject_id = new_subject_id()
            links.append(
                TemplateLink(
                    subject_id=subject_id, template_id=link.template_id, customer_id=link.customer_id,
                    gallery=link.gallery, key_sealed=key_sealed, state="pending",
                )
            )  # fmt: skip
            rows[subject_id] = TemplateRow(
                subject_id=subject_id, pack_id=row.pack_id, key_id=newest.key_id, vector_sealed=vector_sealed
            )
        fresh = list(rows)
        with self._identity.write() as session:
            session.add_all(links)
        with self._templates.write() as session:
            session.add_all(rows[subject_id] for subject_id in sorted(rows))  # an order that tells nothing
        with self._identity.write() as session:
            for old in _links(session, [link.subject_id for link, _ in templates]):
                old.state, old.key_sealed = "erased", b""
            for new in _links(session, fresh):
                new.state = "linked"
        self._vault.store.purge("erased")

    def _reseal_records(self) -> bool:
        for some in (self._reseal_some_records, self._facts.reseal_some):
            after: str | None = ""
            while after is not None:
                if self._stopping.is_set():
                    return False
                with self._vault.lock, self._identity.write() as session:
                    after = some(session, after)
        return True

    def _reseal_some_records(self, session: Session, after: str) -> str | None:
        later = select(CustomerRow).where(CustomerRow.customer_id > after).order_by(CustomerRow.customer_id)
        rows = session.scalars(later.limit(BATCH)).all()
        for row in rows:
            record = self._keys.open_record(row.customer_id, row.record_sealed)
            row.record_sealed = self._keys.seal_record(row.customer_id, record)
        self._portraits.reseal(session, [row.customer_id for row in rows])
        return rows[-1].customer_id if rows else None

    def _retire_key(self) -> bool:
        """Destroy the serving key when nothing needs it any more; return whether it is gone."""
        newest = self._keys.domains(PROVINCE)[-1]
        with self._vault.lock:
            with self._templates.read() as session:
                left = session.scalars(select(TemplateRow.subject_id).where(TemplateRow.key_id != newest.key_id)).all()
            for start in range(0, len(left), BATCH):
                with self._identity.read() as session:
                    if any(link.state == "linked" for link in _links(session, left[start : start + BATCH])):
                        return False  # enrolled while the renewal began: once more
            with self._templates.write() as session:  # rows that no link opens, such as those of a restored backup
                session.execute(delete(TemplateRow).where(TemplateRow.key_id != newest.key_id))
            self._keys.finish(PROVINCE)
        return True


def _links(session: Session, subject_ids: Sequence[str]) -> list[TemplateLink]:
    return list(session.scalars(select(TemplateLink).where(TemplateLink.subject_id.in_(subject_ids))))
