"""The money lines of the portrait, shown on a tablet only after the customer's identity is confirmed."""

from yingbin.offers.profile import Profile
from yingbin.pad_wire import Money

_DEPOSITS = "存款系统 / deposit ledger"
_INVESTMENTS = "财富系统 / wealth system"
_LOANS = "信贷系统 / loan system"
_COMPUTED = "按公式计算 / computed"

_LINES: tuple[tuple[str, str, str, str], ...] = (
    ("financial_assets_fen", "金融资产合计", "Financial assets, total", _COMPUTED),
    ("purchasing_power_fen", "可投资金额", "Investable amount", _COMPUTED),
    ("demand_deposit_fen", "活期存款", "Demand deposits", _DEPOSITS),
    ("time_deposit_fen", "定期存款", "Time deposits", _DEPOSITS),
    ("wealth_product_fen", "理财产品", "Wealth products", _INVESTMENTS),
    ("fund_fen", "基金", "Funds", _INVESTMENTS),
    ("treasury_bond_fen", "国债", "Treasury bonds", _INVESTMENTS),
    ("insurance_fen", "保险现金价值", "Insurance, cash value", _INVESTMENTS),
    ("property_fen", "房产估值", "Property, appraised", _LOANS),
    ("vehicle_fen", "车辆估值", "Vehicles, appraised", _LOANS),
    ("liabilities_fen", "负债合计", "Liabilities, total", _COMPUTED),
    ("mortgage_fen", "住房贷款", "Mortgage", _LOANS),
    ("car_loan_fen", "汽车贷款", "Car loan", _LOANS),
    ("parking_loan_fen", "车位贷款", "Parking-space loan", _LOANS),
    ("business_loan_fen", "经营贷款", "Business loan", _LOANS),
)
_ALWAYS = {"financial_assets_fen", "purchasing_power_fen", "liabilities_fen"}


def portrait_lines(profile: Profile) -> tuple[Money, ...]:
    """Return totals first, then every non-zero item, then repayment capacity; each with its source and date."""
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
        lines.append(
            Money(
                "月收入(有证明)",
                "Monthly income, documented",
                profile.documented_monthly_income_fen or 0,
                _LOANS,
                as_of,
            )
        )
    lines.append(Money(f"月还款({zh})", f"Monthly instalments ({en})", profile.monthly_repayment_fen, _LOANS, as_of))
    return tuple(lines)
