"""Cards: made from a card view and the arbitration, changed by what managers do. Pure but for the brain's own rules."""

from typing import Final

import msgspec

from yingbin.errors import Conflict
from yingbin.feed_wire import Avoid, CardView
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.brain import BRAIN
from yingbin.offers.profile import china_day
from yingbin.pad_wire import Card, Offer, Sighting
from yingbin.wire import CameraRole

_OVER: Final = frozenset({"wrong_person", "closed", "withdrawn"})


class StoredCard(msgspec.Struct, frozen=True):
    """What is sealed in the database: the card without its photo, the view it was made from, and the last decision."""

    card: Card
    view: CardView
    context: Context = Context()
    decided_at_ms: int = 0


def new_card(
    ids: tuple[str, str], view: CardView, visit: Context, tier: str, seen: Sighting, now_ms: int, *, home: bool, rm: str
) -> StoredCard:
    """Return the card of a new visit. `ids`: card, visit. `tier`: city or province. `home`: a customer of this city.

    `visit`: branch, business, queue and minutes as they are known now.
    """
    card = Card(
        card_id=ids[0],
        visit_id=ids[1],
        customer_id=view.customer_id,
        branch_id=visit.branch_id,
        recognised_by="city" if tier == "city" else "province",
        surname=view.surname,
        honorific_zh=view.honorific_zh,
        honorific_en=view.honorific_en,
        tier=view.tier,
        from_other_city=not home,
        personalised=_said_personal(view),
        first=seen,
        last=seen,
        alerted_at_ms=now_ms,
        offers=(),
        avoid=(),
        assigned_to=rm,
        state="open",
        home_branch_zh="" if home else view.home_branch_zh,
        home_branch_en="" if home else view.home_branch_en,
    )
    return _decided(StoredCard(card, view, visit), now_ms)


def _said_personal(view: CardView) -> bool:
    """Return what the card says: its note goes with an opt-out alone, so a tablet cannot tell who is in a holdout."""
    return view.personalised or bool(view.basis.policy)


def suggest(view: CardView, context: Context, now_ms: int) -> tuple[tuple[Offer, ...], tuple[Avoid, ...]]:
    """Return offers and what to avoid. If the brain fails, the card goes out with neither (DESIGN 9)."""
    try:
        decision = arbitrate(view, context, now_ms)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with an offer, face and name must still arrive
        BRAIN.failed("arbitrate", error, customer_id=view.customer_id)
        return (), ()
    return decision.offers, decision.avoid


def seen_again(stored: StoredCard, seen: Sighting, visit: Context, now_ms: int) -> StoredCard:
    """Return the card after a further sighting; until somebody takes it, its offers follow where the customer is."""
    moved = stored.card.state == "open" and seen.camera_role != stored.context.camera_role
    after = _with(stored, last=seen)
    return _decided(msgspec.structs.replace(after, context=visit), now_ms) if moved else after


def ticketed(stored: StoredCard, visit: Context, now_ms: int) -> StoredCard:
    """Return the card after the customer took a ticket; until somebody takes it, its offers follow what he came for."""
    if stored.card.state != "open":
        return stored
    after = _decided(msgspec.structs.replace(stored, context=visit), now_ms)
    return stored if (after.card, after.context) == (stored.card, stored.context) else after


def another_day(stored: StoredCard, now_ms: int) -> StoredCard:
    """Return the card with today's offers, if it was decided on another day in China and the visit goes on."""
    if stored.card.state in _OVER or china_day(stored.decided_at_ms) == china_day(now_ms):
        return stored
    return _decided(stored, now_ms)


def reviewed(stored: StoredCard, view: CardView, now_ms: int) -> StoredCard:
    """Return the card after the province has sent the customer's view anew; one of a visit that is over stays.

    Contacts stay those he came with, since the visit's own do not count against it.
    """
    old = stored.view
    view = msgspec.structs.replace(
        view, contacts=old.contacts, contacted_at_ms=old.contacted_at_ms, refused_last_visit=old.refused_last_visit,
        home_branch_zh=old.home_branch_zh, home_branch_en=old.home_branch_en,
    )  # fmt: skip
    if stored.card.state in _OVER or view == old:
        return stored
    card = msgspec.structs.replace(
        stored.card, surname=view.surname, honorific_zh=view.honorific_zh, honorific_en=view.honorific_en,
        tier=view.tier, personalised=_said_personal(view),
    )  # fmt: skip
    return _decided(msgspec.structs.replace(stored, card=card, view=view), now_ms)


def without_offers(view: CardView) -> CardView:
    """Return a view from which nothing is offered: what it rests on was taken back, and nothing else is known."""
    return msgspec.structs.replace(view, personalised=False, candidates=(), avoid=())


def acknowledged(stored: StoredCard, staff_id: str) -> StoredCard:
    """Note who has taken the card. Raises `Conflict` when the visit is over."""
    _require_open(stored.card)
    if stored.card.state != "open":
        return stored
    return _with(stored, state="acknowledged", assigned_to=staff_id)


def confirmed(stored: StoredCard, staff_id: str) -> StoredCard:
    """Note that the customer was recognised in person. Raises `Conflict` when the visit is over."""
    _require_open(stored.card)
    if stored.card.state == "greeted":
        return stored
    return _with(stored, state="confirmed", assigned_to=staff_id)


def reported(stored: StoredCard, kind: str, product: str, staff_id: str, now_ms: int) -> StoredCard:
    """Return the card after an outcome; one that arrives when the visit is over still counts."""
    card = stored.card
    if kind == "wrong_person":
        return _with(stored, state="wrong_person", offers=(), avoid=())
    if card.state == "wrong_person":
        return stored
    if kind == "greeted":
        return _with(stored, state="greeted", assigned_to=staff_id)
    if kind == "accepted":
        return stored
    refused = (*card.refused_products, *({product} - {"", *card.refused_products}))
    return _decided(_with(stored, refused_products=refused), now_ms)


def closed(stored: StoredCard) -> StoredCard:
    """Note that the visit ended; a card that was dealt with keeps saying how."""
    return stored if stored.card.state in {"greeted", "wrong_person"} else _with(stored, state="closed")


def withdrawn(stored: StoredCard) -> StoredCard:
    """Return the card of a visit without anything of the customer, who may not be known any more (C5)."""
    nowhere = Sighting("", "", stored.card.last.camera_role, 0, 0)
    card = msgspec.structs.replace(
        stored.card, state="withdrawn", customer_id="", surname="", honorific_zh="", honorific_en="", tier="",
        home_branch_zh="", home_branch_en="", from_other_city=False, personalised=False, offers=(), avoid=(),
        refused_products=(), first=nowhere, last=nowhere,
    )  # fmt: skip
    view = CardView("", "", "", "", "", "", "", "", personalised=False, risk_tolerance=0, risk_valid_until_ms=0,
                    candidates=(), avoid=())  # fmt: skip
    return StoredCard(card, view)


def _decided(stored: StoredCard, now_ms: int) -> StoredCard:
    """Return the card with the offers of this moment."""
    card = stored.card
    context = msgspec.structs.replace(
        stored.context, camera_role=CameraRole(card.last.camera_role),
        refused_products=frozenset(card.refused_products), branch_id=card.branch_id,
    )  # fmt: skip
    offers, avoid = suggest(stored.view, context, now_ms)
    return StoredCard(msgspec.structs.replace(card, offers=offers, avoid=avoid), stored.view, context, now_ms)


def _require_open(card: Card) -> None:
    if card.state in _OVER:
        raise Conflict("this visit is over; the card can no longer be taken")


def _with(stored: StoredCard, **changes: object) -> StoredCard:
    return msgspec.structs.replace(stored, card=msgspec.structs.replace(stored.card, **changes))
