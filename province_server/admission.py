"""Who may get a template: a registered customer, with the consents his gallery needs, in one gallery, not too many."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from province_server.cards import needed_for
from yingbin.errors import Conflict, NotFound, YingbinError
from yingbin.storage.province import ConsentRow, CustomerRow, TemplateLink
from yingbin.trust.consent import ConsentMissing, Gallery, Purpose, require

MAX_TEMPLATES: Final = 10
"""A customer; more do not help, and the most any one has sets how deep every search goes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """That a customer is to get a template; `granted`: consents that come with it, beside those in force.

    `entering`: he himself is registered with it.
    """

    customer_id: str
    gallery: Gallery
    granted: frozenset[Purpose] = frozenset()
    entering: bool = False


def refusals(session: Session, wanted: Sequence[Wanted]) -> list[YingbinError | None]:
    """Return for each `NotFound`, `ConsentMissing` or `Conflict`, None for who may; three questions for all of them."""
    ids = [one.customer_id for one in wanted]
    known = set(session.scalars(select(CustomerRow.customer_id).where(CustomerRow.customer_id.in_(ids))))
    purposes: dict[str, set[Purpose]] = defaultdict(set)
    in_force = (ConsentRow.customer_id.in_(ids), ConsentRow.withdrawn_at_ms.is_(None))
    for customer_id, purpose in session.execute(select(ConsentRow.customer_id, ConsentRow.purpose).where(*in_force)):
        purposes[customer_id].add(Purpose(purpose))
    galleries: dict[str, list[str]] = defaultdict(list)
    linked = (TemplateLink.customer_id.in_(ids), TemplateLink.state == "linked")
    for customer_id, gallery in session.execute(select(TemplateLink.customer_id, TemplateLink.gallery).where(*linked)):
        galleries[customer_id].append(gallery)
    return [
        _refusal(one, one.customer_id in known, purposes[one.customer_id], galleries[one.customer_id]) for one in wanted
    ]


def _refusal(
    wanted: Wanted, known: bool, purposes: Collection[Purpose], galleries: Sequence[str]
) -> YingbinError | None:
    if not (known or wanted.entering):
        return NotFound(f"there is no customer {wanted.customer_id}")
    try:
        require({*purposes, *wanted.granted}, *sorted(needed_for(wanted.gallery)))
    except ConsentMissing as missing:
        return missing
    if galleries and galleries[0] != wanted.gallery:
        return Conflict(f"this customer is enrolled in the gallery {galleries[0]}; withdraw that first")
    if len(galleries) >= MAX_TEMPLATES:
        return Conflict(f"this customer has {MAX_TEMPLATES} templates already; more would not help")
    return None
