"""The money lines of the portrait, shown on a tablet only after the customer's identity is confirmed."""

from yingbin.offers.profile import MATURING_WITHIN_DAYS, RESERVE_MONTHS, Profile
from yingbin.offers.rules import MAX_DEBT_SERVICE_RATIO
from yingbin.pad_wire import Money

_DEPOSITS = "存款系统 / deposit ledger"
_INVESTMENTS = "财富系统 / wealth system"
_LOANS = "信贷系统 / loan system"
_ASSETS = "活期+定期+理财+基金+国债+保险 / sum of the items below"
_INVESTABLE = (
    f"活期+{MATURING_WITHIN_DAYS} 天内到期定期−{RESERVE_MONTHS} 个月还款"
    f" / demand + time due within {MATURING_WITHIN_DAYS} days − {RESERVE_MONTHS} instalments"
)
_DEBTS = "各项贷款余额 / sum of the loans"
_ROOM = f"月收入×{MAX_DEBT_SERVICE_RATIO:.0%}−月还款 / {MAX_DEBT_SERVICE_RATIO:.0%} of income − instalments"

_LINES: tuple[tuple[str, str, str, str], ...] = (
    ("financial_assets_fen", "金融资产合计", "Financial assets, total", _ASSETS),
    ("purchasing_power_fen", "可投资金额", "Investable amount", _INVESTABLE),
    ("demand_deposit_fen", "活期存款", "Demand deposits", _DEPOSITS),
    ("time_deposit_fen", "定期存款", "Time deposits", _DEPOSITS),
    ("wealth_product_fen", "理财产品", "Wealth products", _INVESTMENTS),
    ("fund_fen", "基金", "Funds", _INVESTMENTS),
    ("treasury_bond_fen", "国债", "Treasury bonds", _INVESTMENTS),
    ("insurance_fen", "保险现金价值", "Insurance, cash value", _INVESTMENTS),
    ("property_fen", "房产估值", "Property, appraised", _LOANS),
    ("vehicle_fen", "车辆估值", "Vehicles, appraised", _LOANS),
    ("liabilities_fen", "负债合计", "Liabilities, total", _DEBTS),
    ("mortgage_fen", "住房贷款", "Mortgage", _LOANS),
    ("car_loan_fen", "汽车贷款", "Car loan", _LOANS),
    ("parking_loan_fen", "车位贷款", "Parking-space loan", _LOANS),
    ("business_loan_fen", "经营贷款", "Business loan", _LOANS),
)
_ALWAYS = {"financial_assets_fen", "purchasing_power_fen", "liabilities_fen"}


def portrait_lines(profile: Profile) -> tuple[Money, ...]:
    """Return totals first, then every non-zero item, then repayment capacity; each with source or formula, and date."""
    as_of = profile.as_of.isoformat()
    lines = [
        Money(zh, en, amount_fen, source, as_of)
        for name, zh, en, source in _LINES
        if (amount_fen := int(getattr(profile, name))) or name in _ALWAYS
    ]
    ratio = profile.debt_service_ratio
    zh, en = "收入未核实", "income not documented"
    if ratio is not None:
        zh, en = f"占收入 {ratio:.0%}", f"{ratio:.0%} of income"
        income_fen = profile.documented_monthly_income_fen or 0
        room_fen = max(0, round(income_fen * MAX_DEBT_SERVICE_RATIO) - profile.monthly_repayment_fen)
        lines += [
            Money("月收入(有证明)", "Monthly income, documented", income_fen, _LOANS, as_of),
            Money("还款余力(每月)", "Room for instalments, monthly", room_fen, _ROOM, as_of),
        ]
    lines.append(Money(f"月还款({zh})", f"Monthly instalments ({en})", profile.monthly_repayment_fen, _LOANS, as_of))
    return tuple(lines)
