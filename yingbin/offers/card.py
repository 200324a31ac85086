"""What a city may know of a customer before his identity is confirmed: built by the province, sent down the feed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from yingbin.feed_wire import Basis, CardView, ContactNote
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import HONORIFICS, CustomerRecord, Gender, surname_of
from yingbin.offers.decision.contact_policy import History
from yingbin.offers.insights.effects import SoftFact
from yingbin.offers.rules import assess, avoid, general_list, risk_of

MARKETING = "marketing"
"""The consent purpose without which the profile is not used for suggestions (C1, C10)."""

ARBITRATE: Final = "arbitrate"
"""The policy: rules, with what was learned from the log."""
RULES: Final = "rules"
"""The policy of the rules alone."""
GENERAL: Final = "general"
"""The policy of the list for everybody."""
POLICIES: Final = (ARBITRATE, RULES, GENERAL)


def build_card_view(
    record: CustomerRecord,
    gallery: str,
    purposes: Collection[str],
    catalogue: Catalogue,
    today: date,
    history: History = History(),  # noqa: B008 - immutable
    learned: Mapping[str, float] | None = None,
    basis: Basis = Basis(),  # noqa: B008 - immutable
    soft: Sequence[SoftFact] = (),
) -> CardView:
    """Return the card view of an enrolled customer.

    `purposes`: the consents in force. Personalised only with `marketing` and without an opt-out of automated decisions;
    otherwise it carries the general list and nothing computed from the profile except the suitability class, and of
    the history only what he refused. `today` is the day in China. `learned` and `soft` as in `rules.assess`. Whether
    the customer may be matched at all is the caller's check. `basis`: which policy is to make it for whoever may be
    addressed personally; `GENERAL` gives him the very list that somebody who opted out gets.
    """
    profile = record.profile
    addressed = is_personalised(record, purposes)
    personalised = addressed and basis.policy != GENERAL
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
        basis=basis if addressed else Basis(),
    )
    if not personalised:
        return view
    return msgspec.structs.replace(
        view,
        candidates=assess(profile, catalogue, today, used(learned, basis), soft).candidates,
        avoid=avoid(profile, today, soft),
        contacts=history.notes,
        contacted_at_ms=history.contacted_at_ms,
        matures_on=matures_on.isoformat() if matures_on else "",
        salary_day=profile.salary_day or 0,
        refused_last_visit=history.refused_last_visit,
    )


def plain_card_view(
    customer_id: str,
    said: Mapping[str, object],
    home_branch_id: str,
    gallery: str,
    purposes: Collection[str],
    catalogue: Catalogue | None,
) -> CardView:
    """Return who it is and nothing of his money, from a record of which nothing else may be right.

    `said`: the record as stored. The list for everybody goes with it, from which nothing that needs an assessment comes
    through, since none is known here. A tablet cannot tell it from a holdout: its note goes with an opt-out alone.
    """
    addressed = MARKETING in purposes and not said.get("opted_out_of_automated_decisions")
    honorific_zh, honorific_en = HONORIFICS.get(str(said.get("gender")), HONORIFICS[Gender.UNKNOWN])
    full_name = said.get("full_name")
    return CardView(
        customer_id=customer_id,
        surname=surname_of(full_name) if isinstance(full_name, str) and full_name.strip() else "",
        honorific_zh=honorific_zh,
        honorific_en=honorific_en,
        tier=str(said.get("tier", "")),
        home_branch_id=home_branch_id,
        rm_staff_id=str(said.get("rm_staff_id", "")),
        gallery=gallery,
        personalised=False,
        risk_tolerance=0,
        risk_valid_until_ms=0,
        candidates=general_list(catalogue) if catalogue else (),
        avoid=(),
        catalogue=catalogue.name if catalogue else "",
        basis=Basis(policy=GENERAL) if addressed else Basis(),
    )


def used(learned: Mapping[str, float] | None, basis: Basis) -> Mapping[str, float]:
    """Return what was learned, where the policy in force looks at it."""
    return {} if basis.policy == RULES else learned or {}


def is_personalised(record: CustomerRecord, purposes: Collection[str]) -> bool:
    """Return whether the profile may be used for suggestions (C1, C10)."""
    return MARKETING in purposes and not record.opted_out_of_automated_decisions


def _refusals(history: History) -> Iterator[ContactNote]:
    for note in history.notes:
        if note.refusals:
            yield msgspec.structs.replace(note, shown_at_ms=())
