"""Who is asked again, and when: across visits, products, categories and channels."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offers_builders import TODAY, idle_rich, record

from yingbin.feed_wire import CardView, ContactPolicy
from yingbin.offers.arbitrate import ASKED_OFTEN, Context, arbitrate
from yingbin.offers.card import build_card_view
from yingbin.offers.catalogue import Catalogue, load_catalogue
from yingbin.offers.decision.contact_policy import DAY_MS, Event, History, history
from yingbin.wire import decode, encode

AT_MS = 1_772_416_800_000  # noon in China, TODAY
CATALOGUE = load_catalogue()
CATEGORIES = {code: str(product.category) for code, product in CATALOGUE.products.items()}
MARKETING = frozenset({"marketing"})


def view_after(*events: Event, purposes: frozenset[str] = MARKETING) -> CardView:
    who = record(profile=idle_rich(risk_assessment={"level": "risk_c5", "valid_until": "2026-12-31"}).model_dump())
    return build_card_view(who, "vip", purposes, CATALOGUE, TODAY, history(events, CATEGORIES))


def why(view: CardView, product: str, at_ms: int = AT_MS) -> str:
    decision = arbitrate(view, Context(), at_ms)
    return next((one.why for one in decision.withheld if one.product == product), "offered or ranked")


def refused(product: str, days_ago: float, occasion: str = "card") -> Event:
    return Event("not_interested", product, occasion, AT_MS - int(days_ago * DAY_MS))


def test_a_refusal_rests_the_product_a_month_and_its_category_a_week_in_every_city() -> None:
    assert why(view_after(), "wealth_r2") == "offered or ranked"
    recent = view_after(refused("wealth_r2", 3))
    assert why(recent, "wealth_r2") == "refused_before"
    assert why(recent, "wealth_r1") == "category_refused"
    assert why(recent, "fund_bond") == "offered or ranked"
    later = view_after(refused("wealth_r2", 8))
    assert why(later, "wealth_r2") == "refused_before"
    assert why(later, "wealth_r1") != "category_refused"
    assert why(view_after(refused("wealth_r2", 31)), "wealth_r2") == "offered or ranked"


def test_after_two_refusals_a_product_rests_half_a_year() -> None:
    twice = view_after(refused("wealth_r2", 60, "one"), refused("wealth_r2", 40, "two"))
    assert why(twice, "wealth_r2") == "refused_often"
    assert why(twice, "wealth_r2", AT_MS + 141 * DAY_MS) != "refused_often"


def test_a_product_shown_often_without_success_pauses() -> None:
    shown = [Event("shown", "wealth_r2", f"card-{n}", AT_MS - n * DAY_MS) for n in range(4)]
    assert why(view_after(*shown), "wealth_r2") == "shown_often"
    assert why(view_after(*shown[:3]), "wealth_r2") == "offered or ranked"


def test_all_channels_together_tire_a_customer_and_the_card_says_so() -> None:
    many = [Event("shown", "", f"message-{n}", AT_MS - 2 * n * DAY_MS) for n in range(8)]
    decision = arbitrate(view_after(*many), Context(), AT_MS)
    assert decision.offers == ()
    assert decision.avoid[0] == ASKED_OFTEN
    assert {one.why for one in decision.withheld} == {"asked_often"}
    assert arbitrate(view_after(*many), Context(), AT_MS + 17 * DAY_MS).offers
    assert arbitrate(view_after(*many[:7]), Context(), AT_MS).offers


def test_a_card_that_was_somebody_elses_counts_for_nothing() -> None:
    mistaken = [refused("wealth_r2", 1, "card-1"), Event("wrong_person", "", "card-1", AT_MS)]
    assert history(mistaken, CATEGORIES) == History()


def test_one_visit_is_one_contact_however_many_products_were_shown() -> None:
    told = [Event("shown", code, "card-1", AT_MS) for code in ("sms", "e_bank", "time_deposit")]
    assert len(history(told, CATEGORIES).contacted_at_ms) == 1


def test_the_last_visit_is_the_newest_occasion() -> None:
    assert history([refused("sms", 9, "old"), refused("sms", 1, "new")], CATEGORIES).refused_last_visit
    friendly = Event("greeted", "", "newest", AT_MS)
    assert not history([refused("sms", 9, "old"), friendly], CATEGORIES).refused_last_visit


def test_C10_without_personalisation_only_refusals_are_known() -> None:
    view = view_after(Event("shown", "sms", "a", AT_MS), refused("time_deposit", 1), purposes=frozenset())
    assert [(note.product, note.shown_at_ms) for note in view.contacts] == [("time_deposit", ())]
    assert (view.contacted_at_ms, view.matures_on, view.salary_day) == ((), "", 0)
    assert why(view, "time_deposit") == "refused_before"


def test_the_policy_is_the_catalogues_own(catalogue: Catalogue) -> None:
    once = view_after(refused("wealth_r2", 40))
    assert once.policy == catalogue.policy == ContactPolicy()
    assert why(once, "wealth_r2") == "offered or ranked"
    strict = msgspec.structs.replace(once, policy=ContactPolicy(refusal_product_days=90))
    assert why(strict, "wealth_r2") == "refused_before"


def test_a_city_that_knows_nothing_of_contacts_reads_the_view_and_the_other_way_round() -> None:
    class OldView(msgspec.Struct):
        customer_id: str
        surname: str

    view = view_after(refused("sms", 1))
    assert decode(encode(view), CardView) == view
    assert decode(encode(view), OldView).surname == "李"
    bare = view_after()
    sparse = msgspec.structs.replace(bare, policy=ContactPolicy(), catalogue="", candidates=(), avoid=())
    raw = msgspec.msgpack.decode(encode(sparse))
    assert {"contacts", "catalogue", "refused_last_visit"}.isdisjoint(raw)
    assert decode(msgspec.msgpack.encode(raw), CardView) == sparse


events = st.lists(
    st.builds(
        Event,
        st.sampled_from(("shown", "not_interested", "greeted", "wrong_person", "unheard_of")),
        st.sampled_from(("", "withdrawn_product", *sorted(CATALOGUE.products))),
        st.sampled_from(("a", "b", "c", "d")),
        st.integers(AT_MS - 400 * DAY_MS, AT_MS + DAY_MS),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(events)
def test_whatever_happened_what_was_refused_lately_is_not_offered(told: list[Event]) -> None:
    view = view_after(*told)
    wrong = {one.occasion for one in told if one.kind == "wrong_person"}
    lately = {
        one.product
        for one in told
        if one.kind == "not_interested" and one.occasion not in wrong and one.at_ms > AT_MS - 30 * DAY_MS
    }
    decision = arbitrate(view, Context(), AT_MS)
    assert not lately & {offer.product for offer in decision.offers}
    assert len(decision.offers) + len(decision.withheld) == len(view.candidates)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_reports_does_not_matter(order: int) -> None:
    told = [refused("sms", 3, "a"), Event("shown", "sms", "b", AT_MS - DAY_MS), Event("greeted", "", "b", AT_MS)]
    assert history(told[::order], CATEGORIES) == history(told, CATEGORIES)
