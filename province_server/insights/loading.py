"""Takes a night's conclusions into the registry, customer by customer: the consents in force now decide (C1, C14).

What a night no longer finds is left alone: it ends on its last day. What it found to be a look-alike ends at once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import date

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.feed import Notifier, publish_all
from province_server.insights.facts import RANKING, Facts, fact_of, permitted, purposes_of, put
from province_server.insights.night_file import Conclusion
from province_server.vault import TemplateVault
from yingbin.feed_wire import FeedKind
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.life_cycle import Evidence, State, observe
from yingbin.storage.database import Database
from yingbin.storage.insights import FactRow
from yingbin.storage.province import BranchRow, CustomerRow, TemplateLink
from yingbin.trust.consent import Purpose

Purposes = dict[str, frozenset[Purpose]]
Note = Callable[[Session, Counter[str]], None]
"""Records progress in the transaction that made it."""


class Loader:
    """Writes some customers at a time, each whole."""

    def __init__(self, database: Database, facts: Facts, vault: TemplateVault, notifier: Notifier) -> None:
        self._database = database
        self._facts = facts
        self._vault = vault
        self._notifier = notifier

    def load(self, customers: Sequence[Sequence[Conclusion]], today: date, note: Note) -> None:
        """Take in all conclusions about some customers in one transaction; `note` what became of them."""
        counts: Counter[str] = Counter()
        with self._vault.lock, self._database.write() as session:
            asked = [rows[0].customer_id for rows in customers]
            known = set(session.scalars(select(CustomerRow.customer_id).where(CustomerRow.customer_id.in_(asked))))
            others = {row.content.other_id for rows in customers for row in rows} - {""}
            purposes = purposes_of(session, known | others)
            present = session.scalars(select(FactRow).where(FactRow.customer_id.in_(known)))
            facts = {row.key_ref: row for row in present}
            changed = set()
            for rows in customers:
                counts["customers"] += 1
                if rows[0].customer_id not in known:
                    counts["unknown_customers"] += 1
                    continue
                for row in rows:
                    if self._one(session, row, facts, purposes, today, counts):
                        changed.add(row.customer_id)
            cities = self._publish(session, changed, counts)
            note(session, counts)
        for city_id in cities:
            self._notifier.wake(city_id)

    def _one(
        self,
        session: Session,
        found: Conclusion,
        facts: dict[str, FactRow],
        purposes: Purposes,
        today: date,
        counts: Counter[str],
    ) -> bool:
        """Take in a conclusion; return whether a card may look different for it."""
        content = found.content
        insight = load_library()[content.insight]
        each = [purposes[one] for one in (found.customer_id, content.other_id) if one]
        evidence = permitted(insight, content.evidence, each)
        content = msgspec.structs.replace(
            content,
            evidence=evidence or (),
            last_seen=max((item.last_seen for item in evidence or ()), default=content.last_seen),
        )
        row = facts.get(self._facts.key_ref(found.customer_id, content.insight, content.other_id, content.subject))
        weighed = Evidence(content.families, found.contradicted, evidence is not None, content.last_seen)
        fact = observe(insight, fact_of(row) if row else None, weighed, today)
        counts["no_consent" if evidence is None else "look_alike" if found.contradicted else fact.state.value] += 1
        if row is None:
            if fact.state is State.CORROBORATED:  # a hypothesis is good for nothing, so it is not kept
                session.add(self._facts.new_row(found.customer_id, content, fact))
                return True
            return False
        before, ranked = (row.state, row.expires_on, row.silent_until, self._facts.open(row)), row.state in RANKING
        put(row, fact)
        after = (row.state, row.expires_on, row.silent_until, content if fact.state is not State.EXPIRED else None)
        if after == before:
            return False
        if after[3] not in (None, before[3]):
            self._facts.seal(row, content)
        return ranked or row.state in RANKING

    def _publish(self, session: Session, customer_ids: Collection[str], counts: Counter[str]) -> list[str]:
        """Send the card views of those among them who are enrolled again; return the cities to wake."""
        enrolled = select(TemplateLink.customer_id).where(TemplateLink.state == "linked")
        at_home = session.execute(
            select(CustomerRow.customer_id, BranchRow.city_id)
            .join_from(CustomerRow, BranchRow, CustomerRow.home_branch_id == BranchRow.branch_id)
            .where(CustomerRow.customer_id.in_(customer_ids), CustomerRow.customer_id.in_(enrolled))
            .order_by(CustomerRow.customer_id)
        ).all()
        cities = sorted({city_id for _, city_id in at_home})  # everywhere in one order: nobody waits in a circle
        for city_id in cities:
            cards = [(FeedKind.CARD_VIEW, customer_id) for customer_id, home in at_home if home == city_id]
            publish_all(session, city_id, cards)
        counts["cards"] += len(at_home)
        return cities
