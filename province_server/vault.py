"""Templates across the two stores, so that a crash at any point leaves nothing that can match without its consent.

Adding: a `pending` link with the key, the sealed row, then the link becomes `linked` together with the feed entries.
Removing: the link becomes `erased` and loses its key together with the feed entries; the row, unreadable from then on,
and the link follow. Renewing (`renewal.py`) adds and removes in one: a `pending` link to a new row under a new id and
key, which becomes `linked` as the old one becomes `erased`. What a crash left between is finished at the next start.
"""

import secrets
import threading

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from province_server.cards import city_of, consents_in_force, gallery_of, needed_for
from province_server.feed import Notifier, publish
from province_server.gallery import Galleries
from province_server.keys import PROVINCE, Keys
from yingbin.errors import BadConfiguration, Conflict, NotFound, Unavailable
from yingbin.feed_wire import FeedKind
from yingbin.galleries import protect
from yingbin.galleries.protect import Domain, Vector
from yingbin.ids import new_id
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import CustomerRow, TemplateLink
from yingbin.storage.templates import TemplateRow
from yingbin.trust.consent import Gallery, require

MAX_TEMPLATES = 10
"""A customer; more do not help, and the most any one has sets how deep every search goes."""
BATCH = 500

log = get_logger()


class TemplateVault:
    """The only writer of template rows, links and galleries."""

    def __init__(
        self,
        identity: Database,
        templates: Database,
        keys: Keys,
        galleries: Galleries,
        notifier: Notifier,
        pack_id: str,
    ) -> None:
        self._identity = identity
        self._templates = templates
        self._keys = keys
        self._galleries = galleries
        self._notifier = notifier
        self._pack_id = pack_id
        self.lock = threading.Lock()
        """Held around a commit and the change of the galleries that belongs to it."""

    def load(self) -> None:
        """Finish what a crash interrupted, then fill the galleries from the stores.

        Raises `BadConfiguration` when every template was made with another model pack.
        """
        self.purge("pending", "erased")
        self._require_pack()
        self.fill(self._galleries.domain)

    def fill(self, domain: Domain) -> None:
        """Add every template to the galleries, a batch at a time, reading them in `domain`."""
        after = ""
        while True:
            with self.lock:
                batch = self.linked_after(after)
                if not batch:
                    return
                vectors = self._vectors([link.template_id for link in batch], domain)
                for gallery in Gallery:
                    links = [link for link in batch if link.gallery == gallery and link.template_id in vectors]
                    if links:
                        found = np.stack([vectors[link.template_id] for link in links])
                        ids = [(link.template_id, link.customer_id) for link in links]
                        self._galleries.add_many(gallery, ids, found, domain)
                for link in (link for link in batch if link.template_id not in vectors):
                    log.warning("template_not_searchable", template_id=link.template_id, pack_id=self._pack_id)
            after = batch[-1].template_id

    def _require_pack(self) -> None:
        with self._templates.read() as session:
            packs = set(session.scalars(select(TemplateRow.pack_id).distinct()))
        if packs and self._pack_id not in packs:
            raise BadConfiguration(
                f"all templates were made with model pack {', '.join(sorted(packs))}, but models_pack is "
                f"{self._pack_id}: set models_pack back; changing packs needs new stores and enrolling again"
            )

    def check_may_add(self, session: Session, customer_id: str, gallery: Gallery) -> None:
        """Raise `NotFound`, `ConsentMissing` or `Conflict` unless this customer may get a template in `gallery`."""
        if session.get(CustomerRow, customer_id, with_for_update=True) is None:
            raise NotFound(f"there is no customer {customer_id}")
        require(consents_in_force(session, customer_id), *sorted(needed_for(gallery)))
        present = gallery_of(session, customer_id)
        if present not in {None, gallery}:
            raise Conflict(f"this customer is enrolled in the gallery {present}; withdraw that first")
        links = (TemplateLink.customer_id == customer_id, TemplateLink.state == "linked")
        if len(session.scalars(select(TemplateLink.template_id).where(*links)).all()) >= MAX_TEMPLATES:
            raise Conflict(f"this customer has {MAX_TEMPLATES} templates already; more would not help")

    def add(self, customer_id: str, gallery: Gallery, vector: Vector) -> str:
        """Enrol a raw unit vector, fp32 (d,); return the template's id. Raises as `check_may_add`."""
        domain = self._keys.domains(PROVINCE)[-1]
        protected = protect.normalise(protect.apply(domain.transform, vector))
        key_sealed, vector_sealed = self._keys.seal_vector(protected)
        template_id, subject_id = new_id(), new_subject_id()
        with self._identity.write() as session:
            self.check_may_add(session, customer_id, gallery)
            session.add(
                TemplateLink(
                    template_id=template_id, customer_id=customer_id, subject_id=subject_id, gallery=gallery,
                    key_sealed=key_sealed, state="pending",
                )
            )  # fmt: skip
        with self._templates.write() as session:
            session.add(
                TemplateRow(
                    subject_id=subject_id, pack_id=self._pack_id, key_id=domain.key_id, vector_sealed=vector_sealed
                )
            )
        with self.lock:
            if domain not in self._keys.domains(PROVINCE):
                raise Unavailable("the province's key was renewed while the photo was being enrolled; send it again")
            with self._identity.write() as session:
                self.check_may_add(session, customer_id, gallery)
                link = session.get(TemplateLink, subject_id)
                if link is None or link.state != "pending":
                    raise Conflict("consent was withdrawn while the photo was being enrolled")
                link.state = "linked"
                session.flush()
                city_id = self.publish_card(session, customer_id)
                publish(session, city_id, FeedKind.TEMPLATE, template_id)
            self._galleries.add(gallery, template_id, customer_id, protected, domain)
        self._notifier.wake(city_id)
        return template_id

    def publish_card(self, session: Session, customer_id: str) -> str:
        """Send a customer's card view to the city of his home branch again; return that city."""
        city_id = city_of(session, session.get_one(CustomerRow, customer_id).home_branch_id)
        publish(session, city_id, FeedKind.CARD_VIEW, customer_id)
        return city_id

    def erase(self, session: Session, customer_id: str) -> None:
        """Destroy the keys of all templates of a customer and tell his city, in the caller's transaction.

        The caller holds `lock`, and calls `forget` after the commit.
        """
        links = session.scalars(
            select(TemplateLink).where(TemplateLink.customer_id == customer_id, TemplateLink.state != "erased")
        ).all()
        if not links:
            return
        city_id = self.publish_card(session, customer_id)
        for link in links:
            link.state, link.key_sealed = "erased", b""
            publish(session, city_id, FeedKind.TEMPLATE, link.template_id)

    def forget(self, customer_id: str) -> None:
        """After the commit of `erase`: out of the galleries, then out of the template store.

        What fails here matches nobody any more, since there is no card without a linked template.
        """
        try:
            self._galleries.remove_customer(customer_id)
            self.purge("erased")
        except Unavailable as error:
            log.warning("erased_templates_left", error_id=error.error_id, code=error.code)

    def vectors(self, template_ids: list[str], domain: Domain) -> dict[str, Vector]:
        """Return the searchable templates among `template_ids`, unit fp32 (d,), in `domain`."""
        with self.lock:  # renewal moves a template from row to row
            return self._vectors(template_ids, domain)

    def _vectors(self, template_ids: list[str], domain: Domain) -> dict[str, Vector]:
        with self._identity.read() as session:
            links = session.scalars(
                select(TemplateLink).where(TemplateLink.template_id.in_(template_ids), TemplateLink.state == "linked")
            ).all()
        by_subject = {link.subject_id: link for link in links}
        with self._templates.read() as session:
            rows = session.scalars(
                select(TemplateRow).where(TemplateRow.subject_id.in_(by_subject), TemplateRow.pack_id == self._pack_id)
            ).all()
        return {
            by_subject[row.subject_id].template_id: self.opened(by_subject[row.subject_id], row, domain) for row in rows
        }

    def opened(self, link: TemplateLink, row: TemplateRow, domain: Domain) -> Vector:
        """Return the template of a row, unit fp32 (d,), in `domain`. Raises `SealBroken`, `UnknownKey`."""
        vector = self._keys.open_vector(row.key_id, link.key_sealed, row.vector_sealed)
        mapped: Vector = self._keys.mapped(vector[None, :], self._keys.domain(PROVINCE, row.key_id), domain)[0]
        return mapped

    def linked_after(self, template_id: str) -> list[TemplateLink]:
        """Return the next links to searchable templates, by template id."""
        with self._identity.read() as session:
            return list(
                session.scalars(
                    select(TemplateLink)
                    .where(TemplateLink.state == "linked", TemplateLink.template_id > template_id)
                    .order_by(TemplateLink.template_id)
                    .limit(BATCH)
                )
            )

    def purge(self, *states: str) -> None:
        """Delete the rows behind links in `states`, then the links."""
        while True:
            with self._identity.read() as session:
                doomed = session.scalars(
                    select(TemplateLink.subject_id).where(TemplateLink.state.in_(states)).limit(BATCH)
                ).all()
            if not doomed:
                return
            with self._templates.write() as session:
                session.execute(delete(TemplateRow).where(TemplateRow.subject_id.in_(doomed)))
            with self._identity.write() as session:
                session.execute(delete(TemplateLink).where(TemplateLink.subject_id.in_(doomed)))


def new_subject_id() -> str:
    """Return a random id: one with a time in it would say when somebody enrolled."""
    return secrets.token_hex(16)
