"""An invented customer's portrait, long enough to fill the page: through the product's own definitions."""

from datetime import date, timedelta

import msgspec
from showcase import MONEY

from yingbin.offers.catalogue import load_catalogue
from yingbin.offers.portrait.definitions import Kind, packaged_tags
from yingbin.offers.portrait.page import EventRow, HoldingRow, Portrait, TagRow
from yingbin.offers.portrait.tablet import tablet_page
from yingbin.portrait_wire import InsightEvidence, InsightNote, Money, PortraitPage
from yingbin.trust.consent import Purpose

AS_OF = date(2026, 6, 30)
END = AS_OF + timedelta(days=30)
SOURCE = "存款系统 / deposit ledger"
TAGS = packaged_tags()
_USUAL = {
    Kind.FLAG: "true", Kind.COUNT: "3", Kind.DAYS: "12", Kind.SHARE: "0.62", Kind.CHANGE: "-0.14",
    Kind.FEN: "128600000", Kind.LEVEL: "3", Kind.DATE: "2026-09-15",
}  # fmt: skip
_BEFORE = {"assets_fen": "96000000", "asset_trend": "stable", "deposit_share": "0.48", "no_mobile_bank": None}
NOTES = (
    InsightNote(
        "f-abroad", "可了解客户是否有境外用卡或跨境汇款的需要",
        "You may ask whether a card for use abroad or a cross-border remittance would help",
        stated=False, expires_on="2026-11-30",
        evidence=(
            InsightEvidence("交易流水", "transactions", 6, "2026-06-21"),
            InsightEvidence("卡片使用", "card use", 4, "2026-06-12"),
        ),
    ),
    InsightNote(
        "f-short", "客户看重资金的灵活性", "The customer values being able to get at the money",
        stated=True, expires_on="2026-12-31",
        evidence=(InsightEvidence("购买记录", "purchases", 5, "2026-05-30"),),
    ),
)  # fmt: skip


def _rows(values: dict[str, str | None]) -> tuple[TagRow, ...]:
    rows = []
    for tag in TAGS.tag:
        value = values.get(tag.id, _USUAL.get(tag.type) or tag.choices[-1][0])
        if value is not None:
            rows.append(TagRow(tag.id, value, AS_OF, END))
    return tuple(rows)


def _held(product: str, kind: str, yuan: int, matures_on: date | None = None) -> HoldingRow:
    return HoldingRow(product, kind, yuan * 100, matures_on, AS_OF, END)


def full_page() -> PortraitPage:
    """Return a page with everything on it."""
    names = {code: (product.name_zh, product.name_en) for code, product in load_catalogue().products.items()}
    portrait = Portrait(
        _rows({}),
        (
            _held("demand_deposit", "demand", 486_200), _held("time_deposit", "time", 1_200_000, date(2026, 9, 15)),
            _held("wealth_r2", "wealth", 350_000, date(2026, 8, 1)), _held("fund_index", "fund", 180_000),
            _held("treasury_bond", "bond", 100_000, date(2028, 3, 1)), _held("annuity_insurance", "insurance", 60_000),
            _held("precious_metal", "metal", 20_000), _held("car_loan", "loan", 87_300, date(2029, 5, 1)),
            _held("credit_card", "credit_card", 6_200), _held("fx_account", "fx", 0),
        ),
        tuple(
            EventRow(AS_OF - timedelta(days=days), event, detail, AS_OF, END)
            for days, event, detail in (
                (9, "fell_due", "wealth_r1"), (9, "bought", "wealth_r2"), (40, "assessed", "C3"),
                (75, "opened", "time_deposit"), (130, "refused", "annuity_insurance"),
                (220, "closed", "notice_deposit"),
            )
        ),
    )  # fmt: skip
    lines = (
        *MONEY,
        Money("可投资金额", "Investable amount", 40_000_000, SOURCE, "2026-06-30"),
        Money("还款余力(每月)", "Room for instalments, monthly", 1_250_000, SOURCE, "2026-06-30"),
    )
    page = tablet_page(
        lines, portrait, frozenset(Purpose), AS_OF, TAGS, names, before=(date(2026, 4, 18), _rows(_BEFORE))
    )
    return msgspec.structs.replace(page, insights=NOTES)
