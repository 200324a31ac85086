"""Templates across the two stores, so that a crash at any point leaves nothing that can match without its consent.

Adding: a `pending` link with the key, the sealed row, then the link becomes `linked` together with the feed entries.
Removing: the link becomes `erased` and loses its key together with the feed entries; the row, unreadable from then on,
and the link follow. Renewing (`renewal.py`) adds and removes in one: a `pending` link to a new row under a new id and
key, which becomes `linked` as the old one becomes `erased`. What a crash left between is finished at the next start.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from province_server.admission import Wanted, refusals
from province_server.cards import Customer, city_of, consents_in_force, needed_for, require_guardian
from province_server.feed import Notifier, publish, publish_all
from province_server.filling import fill
from province_server.gallery import Galleries
from province_server.keys import Keys
from province_server.template_store import NewTemplate, Prepared, TemplateStore
from yingbin.errors import Conflict, NotFound, Unavailable, YingbinError
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import Domain, Vector
from yingbin.log import get_logger
from yingbin.storage.database import Database
from yingbin.storage.province import BranchRow, City, CustomerRow, TemplateLink
from yingbin.trust.consent import Gallery, require
from yingbin.trust.seal import SealBroken

log = get_logger()


class TemplateVault:
    """Says which templates count, and keeps the galleries so; with `store`, the only writer of templates."""

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
        self._keys = keys
        self._galleries = galleries
        self._notifier = notifier
        self._pack_id = pack_id
        self.store = TemplateStore(identity, templates, keys, pack_id)
        self.lock = threading.Lock()
        """Held around a commit and the change of the galleries that belongs to it."""

    def load(self) -> None:
        """Finish what a crash interrupted, then bring the galleries to what the stores say."""
        self.store.purge("pending", "erased")
        self.fill(self._galleries.domain)

    def fill(self, domain: Domain) -> None:
        """Bring the galleries to what the stores say, reading templates in `domain`."""
        fill(self._identity, self._galleries, lambda template_ids: self._make_searchable(template_ids, domain))

    def _make_searchable(self, template_ids: Sequence[str], domain: Domain) -> None:
        """Add templates to the galleries, reading them in `domain`."""
        with self.lock:
            with self._identity.read() as session:
                of_ids = (TemplateLink.template_id.in_(template_ids), TemplateLink.state == "linked")
                batch = session.scalars(select(TemplateLink).where(*of_ids)).all()
            vectors = self.store.vectors([link.template_id for link in batch], domain)
            for gallery in Gallery:
                links = [link for link in batch if link.gallery == gallery and link.template_id in vectors]
                if links:
                    found = np.stack([vectors[link.template_id] for link in links])
                    ids = [(link.template_id, link.customer_id) for link in links]
                    self._galleries.add_many(gallery, ids, found, domain)
            for link in (link for link in batch if link.template_id not in vectors):
                log.warning("template_not_searchable", template_id=link.template_id, pack_id=self._pack_id)

    def check_may_add(self, session: Session, customer_id: str, gallery: Gallery) -> None:
        """Raise unless this customer may get a template in `gallery`.

        `NotFound`, `GuardianMissing` (C6), `ConsentMissing`, `Conflict`, or `Unavailable` while his seal is renewed.
        """
        session.get(CustomerRow, customer_id, with_for_update=True)
        (refusal,) = refusals(session, [Wanted(customer_id, gallery)])
        if refusal is not None:
            raise refusal
        self.check_guardian(session, customer_id)

    def check_guardian(self, session: Session, customer_id: str) -> None:
        """Raise `GuardianMissing` for a registered customer under 14 without a guardian (C6).

        `Unavailable` while the province's key is renewed and the caller does not hold `lock`.
        """
        row = session.get_one(CustomerRow, customer_id)
        try:
            opened = self._keys.open_record(customer_id, row.record_sealed)
        except SealBroken as error:
            raise Unavailable("the province's key is being renewed; try again") from error
        require_guardian(Customer.model_validate_json(opened))

    def add(self, customer_id: str, gallery: Gallery, vector: Vector) -> str:
        """Enrol a raw unit vector, fp32 (d,); return the template's id. Raises as `check_may_add`."""
        with self._identity.read() as session:
            self.check_may_add(session, customer_id, gallery)
        (prepared,) = self.store.prepare([NewTemplate(customer_id, gallery, vector)])
        try:
            with self.lock:
                with self._identity.write() as session:
                    self.check_may_add(session, customer_id, gallery)
                    (refusal,) = self.store.changed_since(session, [prepared])
                    if refusal is not None:
                        raise refusal
                    cities = self.link(session, [prepared])
                self.serve([prepared])
        except YingbinError:
            self.store.discard([prepared])
            raise
        for city_id in cities:
            self._notifier.wake(city_id)
        return prepared.template_id

    def link(self, session: Session, prepared: Sequence[Prepared]) -> list[str]:
        """Make prepared templates count, in the caller's transaction; return the cities to wake.

        The caller holds `lock`, has asked `admission.refusals` and `changed_since`, and calls `serve` after the commit.
        """
        subjects = [one.subject_id for one in prepared]
        session.execute(update(TemplateLink).where(TemplateLink.subject_id.in_(subjects)).values(state="linked"))
        at_home = select(CustomerRow.customer_id, BranchRow.city_id).join_from(
            CustomerRow, BranchRow, CustomerRow.home_branch_id == BranchRow.branch_id
        )
        customers = {one.customer_id for one in prepared}
        found = session.execute(at_home.where(CustomerRow.customer_id.in_(customers)))
        city_of_customer = dict(found.all())
        cities = sorted(set(city_of_customer.values()))  # everywhere in one order: nobody waits in a circle
        for city_id in cities:
            here = [one for one in prepared if city_of_customer[one.customer_id] == city_id]
            cards = [
                (FeedKind.CARD_VIEW, customer_id) for customer_id in dict.fromkeys(one.customer_id for one in here)
            ]
            publish_all(session, city_id, [*cards, *((FeedKind.TEMPLATE, one.template_id) for one in here)])
        return cities

    def serve(self, linked: Sequence[Prepared]) -> None:
        """Make linked templates searchable; the caller holds `lock` since before the commit."""
        for gallery in Gallery:
            some = [one for one in linked if one.gallery is gallery]
            if some:
                ids = [(one.template_id, one.customer_id) for one in some]
                self._galleries.add_many(gallery, ids, np.stack([one.vector for one in some]), some[0].domain)

    def move(self, customer_id: str, gallery: Gallery) -> None:
        """Put all templates of a customer into another gallery; safe to repeat.

        What is being enrolled for him meanwhile is refused, since it was for the old one. Raises `NotFound`,
        `ConsentMissing`, or `Conflict` for somebody without a template.
        """
        with self.lock:
            with self._identity.write() as session:
                if session.get(CustomerRow, customer_id, with_for_update=True) is None:
                    raise NotFound(f"there is no customer {customer_id}")
                require(consents_in_force(session, customer_id), *sorted(needed_for(gallery)))
                of_customer = select(TemplateLink).where(TemplateLink.customer_id == customer_id)
                links = session.scalars(of_customer.where(TemplateLink.state == "linked")).all()
                if not links:
                    raise Conflict("this customer has no template yet: enrol a photo for the gallery")
                for begun in session.scalars(of_customer.where(TemplateLink.state == "pending")):
                    begun.state, begun.key_sealed = "erased", b""
                city_id = self.publish_card(session, customer_id)
                for link in links:
                    link.gallery = gallery
                    publish(session, city_id, FeedKind.TEMPLATE, link.template_id)
                ids = [link.template_id for link in links]
            domain = self._galleries.domain
            vectors = self.store.vectors(ids, domain)
            self._galleries.remove_customer(customer_id)
            owned = [(template_id, customer_id) for template_id in vectors]
            if owned:
                self._galleries.add_many(gallery, owned, np.stack(list(vectors.values())), domain)
        self._notifier.wake(city_id)

    def publish_card(self, session: Session, customer_id: str) -> str:
        """Send a customer's card view to the city of his home branch again; return that city."""
        city_id = city_of(session, session.get_one(CustomerRow, customer_id).home_branch_id)
        publish(session, city_id, FeedKind.CARD_VIEW, customer_id)
        return city_id

    def publish_everywhere(self, session: Session, customer_id: str) -> list[str]:
        """Send a customer's card view to his own city again, and to every other for a visit that is open there.

        Every one, since what was handed out is not on record; the others are told nothing unless they met him lately.
        """
        home = city_of(session, session.get_one(CustomerRow, customer_id).home_branch_id)
        return self.publish_views(session, {customer_id: home}, lambda *_: True)

    def publish_views(
        self, session: Session, homes: Mapping[str, str], elsewhere: Callable[[str, str], bool]
    ) -> list[str]:
        """Send card views to the city of each customer's home branch (`homes`: customer to city); return who is told.

        And to every other city for which `elsewhere(city_id, customer_id)` holds, for a visit that is open there.
        """
        told = []
        for city_id in session.scalars(select(City.city_id).order_by(City.city_id)).all() if homes else ():
            own = [(FeedKind.CARD_VIEW, one) for one, home in homes.items() if home == city_id]
            guests = [one for one, home in homes.items() if home != city_id and elsewhere(city_id, one)]
            if own or guests:
                publish_all(session, city_id, [*own, *((FeedKind.GUEST_VIEW, one) for one in guests)])
                told.append(city_id)
        return told

    def publish_others(self, session: Session, customer_ids: Collection[str]) -> set[str]:
        """Do so for those among some customers who are enrolled: something that concerns them too has changed."""
        enrolled = select(TemplateLink.customer_id).where(
            TemplateLink.customer_id.in_(customer_ids), TemplateLink.state == "linked"
        )
        found = sorted(session.scalars(enrolled.distinct())) if customer_ids else []
        return {city_id for customer_id in found for city_id in self.publish_everywhere(session, customer_id)}

    def recall(self, session: Session, customer_id: str) -> list[str]:
        """Tell every city to drop what it knows of a customer, in the caller's transaction; return them.

        Every one, since he may have been recognised as a guest in any.
        """
        cities = list(session.scalars(select(City.city_id).order_by(City.city_id)))
        for city_id in cities:
            publish(session, city_id, FeedKind.CARD_VIEW, customer_id)
        return cities

    def erase(self, session: Session, customer_id: str) -> int:
        """Destroy the keys of all templates of a customer and tell his city, in the caller's transaction.

        Return how many there were. The caller holds `lock`, and calls `forget` after the commit.
        """
        links = session.scalars(
            select(TemplateLink).where(TemplateLink.customer_id == customer_id, TemplateLink.state != "erased")
        ).all()
        if not links:
            return 0
        city_id = self.publish_card(session, customer_id)
        for link in links:
            link.state, link.key_sealed = "erased", b""
            publish(session, city_id, FeedKind.TEMPLATE, link.template_id)
        return len(links)

    def forget(self, customer_id: str) -> None:
        """After the commit of `erase`: out of the galleries, then out of the template store.

        What fails here matches nobody any more, since there is no card without a linked template.
        """
        try:
            self._galleries.remove_customer(customer_id)
            self.store.purge("erased")
        except Unavailable as error:
            log.warning("erased_templates_left", error_id=error.error_id, code=error.code)

    def vectors(self, template_ids: list[str], domain: Domain) -> dict[str, Vector]:
        """Return the searchable templates among `template_ids`, unit fp32 (d,), in `domain`."""
        with self.lock:  # renewal moves a template from row to row
            return self.store.vectors(template_ids, domain)
