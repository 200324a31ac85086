"""What a city may know of a customer before his identity is confirmed: built by the province, sent down the feed."""

from collections.abc import Collection
from datetime import date

from yingbin.feed_wire import CardView
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.rules import avoid, candidates, general_list, risk_of

MARKETING = "marketing"
"""The consent purpose without which the profile is not used for suggestions (C1, C10)."""


def build_card_view(
    record: CustomerRecord, gallery: str, purposes: Collection[str], catalogue: Catalogue, today: date
) -> CardView:
    """Return the card view of an enrolled customer.

    `purposes`: the consents in force. Personalised only with `marketing` and without an opt-out of automated decisions;
    otherwise it carries the general list and nothing computed from the profile except the suitability class. `today` is
    the day in China. Whether the customer may be matched at all is the caller's check.
    """
    personalised = MARKETING in purposes and not record.opted_out_of_automated_decisions
    tolerance, valid_until_ms = risk_of(record.profile)
    honorific_zh, honorific_en = record.honorific
    return CardView(
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
        candidates=candidates(record.profile, catalogue, today) if personalised else general_list(catalogue),
        avoid=avoid(record.profile, today) if personalised else (),
    )
