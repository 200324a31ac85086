"""What a city may know of a customer before his identity is confirmed: built by the province, sent down the feed."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

import msgspec

from yingbin.feed_wire import CardView, ContactNote
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.decision.contact_policy import History
from yingbin.offers.rules import assess, avoid, general_list, risk_of

MARKETING = "marketing"
"""The consent purpose without which the profile is not used for suggestions (C1, C10)."""


def build_card_view(
    record: CustomerRecord,
    gallery: str,
    purposes: Collection[str],
    catalogue: Catalogue,
    today: date,
    history: History = History(),  # noqa: B008 - immutable
    learned: Mapping[str, float] | None = None,
) -> CardView:
    """Return the card view of an enrolled customer.

    `purposes`: the consents in force. Personalised only with `marketing` and without an opt-out of automated decisions;
    otherwise it carries the general list and nothing computed from the profile except the suitability class, and of
    the history only what he refused. `today` is the day in China. `learned` as in `rules.assess`. Whether the customer
    may be matched at all is the caller's check.
    """
    profile = record.profile
    personalised = is_personalised(record, purposes)
    tolerance, valid_until_ms = risk_of(profile)
    honorific_zh, honorific_en = record.honorific
    matures_on = profile.time_deposit_matures_on if profile.time_deposit_maturing_fen else None
    view = CardView(
        customer_id=record.customer_id,
        surname=record.surname,
        honorific_zh=honorific_zh,
        honorific_en=honorific_en,
        tier=record.tier,
        home_branch_id=record.home_branch_id,
        rm_staff_id=record.rm_staff_id,
        gallery=gallery,
        personalised=personalised,
        risk_tolerance=tolerance,
        risk_valid_until_ms=valid_until_ms,
        candidates=general_list(catalogue),
        avoid=(),
        catalogue=catalogue.name,
        contacts=tuple(_refusals(history)),
        policy=catalogue.policy,
    )
    if not personalised:
        return view
    return msgspec.structs.replace(
        view,
        candidates=assess(profile, catalogue, today, learned).candidates,
        avoid=avoid(profile, today),
        contacts=history.notes,
        contacted_at_ms=history.contacted_at_ms,
        matures_on=matures_on.isoformat() if matures_on else "",
        salary_day=profile.salary_day or 0,
        refused_last_visit=history.refused_last_visit,
    )


def is_personalised(record: CustomerRecord, purposes: Collection[str]) -> bool:
    """Return whether the profile may be used for suggestions (C1, C10)."""
    return MARKETING in purposes and not record.opted_out_of_automated_decisions


def _refusals(history: History) -> Iterator[ContactNote]:
    for note in history.notes:
        if note.refusals:
            yield msgspec.structs.replace(note, shown_at_ms=())
