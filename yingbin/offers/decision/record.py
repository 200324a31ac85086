"""A decision as a file: what it was made from, and what came out, so that anybody can compute it again.

The city records the visit: card view, context, instant. With `MadeFrom`, the province's half, it says of every product
of the catalogue why it was not offered, and the view itself is computed again. No name is in a record.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from yingbin.errors import InvalidInput
from yingbin.feed_wire import Avoid, Basis, CardView
from yingbin.offers.arbitrate import arbitrate
from yingbin.offers.card import MARKETING, build_card_view, is_personalised, used
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.decision.contact_policy import History
from yingbin.offers.decision.context import Context
from yingbin.offers.decision.reasons import Why, Withheld
from yingbin.offers.insights.effects import SoftFact
from yingbin.offers.profile import china_day
from yingbin.offers.rules import assess
from yingbin.pad_wire import Offer

FORMAT: Final = 1


class BadRecord(InvalidInput):
    """The record cannot be computed again; the message says what is missing or was changed."""

    code = "bad_decision_record"


class MadeFrom(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the province made the view from, on `today` in China. `customer` is a `CustomerRecord` without names."""

    customer: dict[str, Any]
    gallery: str
    purposes: tuple[str, ...]
    today: date
    history: History
    learned: dict[str, float]
    basis: Basis = Basis()
    soft: tuple[SoftFact, ...] = ()


class Inputs(msgspec.Struct, frozen=True):
    """Everything the decision looked at. `catalogue`: version and digest. `made_from` is absent in a city's record."""

    catalogue: str
    view: CardView
    context: Context
    at_ms: int
    made_from: MadeFrom | None = None


class Output(msgspec.Struct, frozen=True):
    """What came out: offers best first, what not to raise, and every product that was left out."""

    offers: tuple[Offer, ...]
    avoid: tuple[Avoid, ...]
    withheld: tuple[Withheld, ...]


class DecisionRecord(msgspec.Struct, frozen=True):
    """Inputs, their SHA-256, and the output."""

    format: int
    inputs: Inputs
    inputs_digest: str
    output: Output


def record_visit(view: CardView, context: Context, at_ms: int) -> DecisionRecord:
    """Record the decision of a visit, as the city made it."""
    inputs = Inputs(view.catalogue, _nameless(view), context, at_ms)
    decision = arbitrate(inputs.view, context, at_ms)
    return _record(inputs, Output(decision.offers, decision.avoid, decision.withheld))


def record_whole(
    customer: CustomerRecord,
    gallery: str,
    purposes: Collection[str],
    catalogue: Catalogue,
    context: Context,
    at_ms: int,
    history: History = History(),  # noqa: B008 - immutable
    learned: Mapping[str, float] | None = None,
    basis: Basis = Basis(),  # noqa: B008 - immutable
    soft: Sequence[SoftFact] = (),
) -> DecisionRecord:
    """Decide from the customer's record on, with a reason for every product of the catalogue."""
    today = china_day(at_ms)
    said = customer.model_copy(update={"full_name": "-", "rm_staff_id": ""}).model_dump(mode="json")
    said = {name: said[name] for name in CustomerRecord.model_fields}  # nothing a caller's subclass adds
    made = MadeFrom(said, gallery, tuple(sorted(purposes)), today, history, dict(learned or {}), basis, tuple(soft))
    inputs = Inputs(catalogue.name, _view_of(made, catalogue), context, at_ms, made)
    return _record(inputs, _output(inputs, catalogue))


def replay(record: DecisionRecord, catalogue: Catalogue | None = None) -> tuple[str, ...]:
    """Compute a record again; return what differs, nothing when it comes out the same.

    A whole record needs the very `catalogue` it was made by. Raises `BadRecord`.
    """
    inputs = record.inputs
    if record.format != FORMAT:
        raise BadRecord(f"this is a record of format {record.format}; format {FORMAT} is known here")
    if _digest(inputs) != record.inputs_digest:
        raise BadRecord("the inputs are not those the record was made from: it was changed, or is damaged")
    if inputs.made_from is None:
        decision = arbitrate(inputs.view, inputs.context, inputs.at_ms)
        return _differences(record.output, Output(decision.offers, decision.avoid, decision.withheld))
    if catalogue is None or catalogue.name != inputs.catalogue:
        have = catalogue.name if catalogue else "none"
        raise BadRecord(f"it was made by catalogue {inputs.catalogue}, not by {have}: give that file with --catalogue")
    if _view_of(inputs.made_from, catalogue) != inputs.view:
        return ("view",)
    return _differences(record.output, _output(inputs, catalogue))


def encoded(record: DecisionRecord) -> bytes:
    """Return the record as JSON, the same bytes for the same record."""
    return msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1)


def decoded(raw: bytes) -> DecisionRecord:
    """Read what `encoded` wrote. Raises `BadRecord`."""
    try:
        return msgspec.json.decode(raw, type=DecisionRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRecord(f"not a decision record: {error}") from error


def _record(inputs: Inputs, output: Output) -> DecisionRecord:
    return DecisionRecord(FORMAT, inputs, _digest(inputs), output)


def _digest(inputs: Inputs) -> str:
    return hashlib.sha256(msgspec.json.encode(inputs, order="deterministic")).hexdigest()


def _view_of(made: MadeFrom, catalogue: Catalogue) -> CardView:
    customer = CustomerRecord.model_validate(made.customer)
    view = build_card_view(
        customer, made.gallery, made.purposes, catalogue, made.today, made.history, made.learned, made.basis, made.soft
    )
    return _nameless(view)


def _output(inputs: Inputs, catalogue: Catalogue) -> Output:
    made = inputs.made_from
    decision = arbitrate(inputs.view, inputs.context, inputs.at_ms)
    before: tuple[Withheld, ...] = ()
    if made is not None and inputs.view.personalised:
        profile = CustomerRecord.model_validate(made.customer).profile
        before = assess(profile, catalogue, made.today, used(made.learned, made.basis), made.soft).withheld
    elif made is not None:
        why: Why = "opted_out" if MARKETING in made.purposes else "no_consent"
        if is_personalised(CustomerRecord.model_validate(made.customer), made.purposes):
            why = "held_out"
        general = set(catalogue.general.products)
        before = tuple(Withheld(code, why, "general list") for code in catalogue.products if code not in general)
    return Output(decision.offers, decision.avoid, (*decision.withheld, *before))


def _nameless(view: CardView) -> CardView:
    return msgspec.structs.replace(view, surname="", honorific_zh="", honorific_en="", rm_staff_id="")


def _differences(was: Output, now: Output) -> tuple[str, ...]:
    return tuple(name for name in Output.__struct_fields__ if getattr(was, name) != getattr(now, name))
