"""Shows the portrait of a customer to a city that has reason to, once his identity is confirmed there."""

from collections.abc import Callable
from datetime import date

import msgspec
from sqlalchemy.orm import Session

from province_server.cards import Cards, city_of, consents_in_force
from province_server.evidence import Evidence
from province_server.portraits import audience
from province_server.portraits.store import Kept, PortraitStore, Showing
from province_server.search import RecentMatches
from yingbin.errors import NotAllowed
from yingbin.http import request_id
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.portrait import portrait_lines
from yingbin.offers.portrait.page import Portrait
from yingbin.offers.portrait.tablet import Names, permitted_tags, tablet_page
from yingbin.offers.profile import china_today
from yingbin.portrait_wire import InsightNote, PortraitPage
from yingbin.storage.database import Database
from yingbin.storage.province import StaffRow
from yingbin.trust.audit.ledger import note
from yingbin.trust.audit.record import DONE, REFUSED, Entry

Notes = Callable[[Session, str, date], tuple[InsightNote, ...]]
"""Returns what may be said of a customer's soft facts on a day: with his consent, without an opt-out (C10, C14)."""


class PortraitService:
    """Money lines and portraits. `names`: product -> its names; `notes`: the insights."""

    def __init__(
        self,
        database: Database,
        cards: Cards,
        matches: RecentMatches,
        evidence: Evidence,
        store: PortraitStore,
        names: Names,
        notes: Notes,
    ) -> None:
        self._database = database
        self._cards = cards
        self._matches = matches
        self._evidence = evidence
        self._store = store
        self._names = names
        self._notes = notes

    def page(self, city_id: str, customer_id: str, staff_id: str, visit: str) -> PortraitPage:
        """Return the portrait of an enrolled customer of this city, or of one matched there lately, for its staff.

        `visit`: the id of its card; the changes are those since another one. Raises `NotAllowed` for anybody else,
        whether or not he exists. Either way the audit trail has who asked.
        """
        try:
            with self._database.read() as session:
                role = self._role(session, city_id, staff_id)
                record = self._known(session, city_id, customer_id)
                today = china_today()
                notes = self._notes(session, customer_id, today)
        except NotAllowed:
            with self._database.write() as session:
                self._record(session, city_id, customer_id, staff_id, "", REFUSED)
            raise
        with self._database.write() as session:
            page = self._shown(session, customer_id, record, visit or today.isoformat(), today)
            self._record(session, city_id, customer_id, staff_id, role, DONE)
        self._evidence.was_right(city_id, customer_id)
        return audience.shown(role, msgspec.structs.replace(page, insights=notes))

    def may_see(self, session: Session, city_id: str, customer_id: str, staff_id: str) -> str:
        """Return the role of a member of staff to whom the portrait may be shown. Raises `NotAllowed`."""
        role = self._role(session, city_id, staff_id)
        self._known(session, city_id, customer_id)
        return role

    def _role(self, session: Session, city_id: str, staff_id: str) -> str:
        staff = session.get(StaffRow, staff_id)
        branches = {staff.branch_id, staff.duty_branch_id} - {None} if staff and staff.active else set()
        if staff is None or city_id not in {city_of(session, str(branch)) for branch in branches}:
            raise NotAllowed("whoever asks is not of this city's staff")
        audience.require(staff.role)
        return staff.role

    def _known(self, session: Session, city_id: str, customer_id: str) -> CustomerRecord:
        card = self._cards.card_view(session, customer_id)
        at_home = card is not None and city_of(session, card.home_branch_id) == city_id
        if card is None or not (at_home or self._matches.has(city_id, customer_id)):
            raise NotAllowed("this city was not told of such a customer")
        return self._cards.customer(session, customer_id)

    def _shown(
        self, session: Session, customer_id: str, record: CustomerRecord, visit: str, today: date
    ) -> PortraitPage:
        """Return the page as of now, and remember for his next visit what he was shown with at this one."""
        kept = self._store.get(session, customer_id)
        granted = consents_in_force(session, customer_id)
        opted_out = record.opted_out_of_automated_decisions
        portrait, tags = (kept or Kept(Portrait())).portrait, self._store.tags
        shown = permitted_tags(portrait.tags, granted, today, tags)
        if kept is not None and shown and not opted_out:
            self._store.remember(session, customer_id, kept, Showing(visit, today, shown))
        return tablet_page(
            portrait_lines(record.profile),
            portrait,
            granted,
            today,
            tags,
            self._names,
            opted_out=opted_out,
            before=kept.before(visit, today) if kept else None,
        )

    @staticmethod
    def _record(session: Session, city_id: str, customer_id: str, staff_id: str, role: str, outcome: str) -> None:
        note(
            session,
            Entry(
                f"staff:{staff_id}", role, "portrait_shown", "customer", customer_id, {"city": city_id}, outcome,
                request_id.current.get(),
            ),
        )  # fmt: skip
