"""The source tables, which a bank maps its warehouse onto. They are data: reader and checks follow them.

Conventions: ids are pseudonymous strings; amounts are integers in CNY fen, foreign ones at the rate of their booking;
`*_at_ms` are UTC milliseconds; days are days in China. Deposits and investments have a balance the customer owns,
`credit_card` and `loan` accounts one he owes: never negative either way. Transactions are seen from the customer: what
he receives is positive. So owned balance = opening + sum of transactions, owed balance = opening - sum.
"""

from dataclasses import dataclass
from typing import Final, Literal

from yingbin.offers.profile import MAX_AMOUNT_FEN
from yingbin.trust.consent import Purpose

ColumnType = Literal["VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "DATE", "BOOLEAN"]
Family = Literal[
    "account", "transaction", "application", "browsing", "card_presence", "contact", "self_declared", "record"
]
"""Where evidence comes from (C14). `record` is what the bank notes about its own doings: evidence of nothing."""

MARKETING: Final = Purpose.MARKETING
WHEREABOUTS: Final = Purpose.WHEREABOUTS

DEBTS: Final = ("credit_card", "loan")
"""Kinds of account whose balance is owed."""

SENSITIVE_TOPICS: Final = ("health", "legal", "religion")
"""Search topics, and everything below them (`health/...`), that are dropped on reading (C15): nobody may use them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `least`, `most` and `choices` bound its values; `refers_to` names the table that holds the id."""

    name: str
    type: ColumnType
    zh: str
    en: str
    unit: str = ""
    nullable: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    refers_to: str = ""
    purpose: Purpose | None = None
    family: Family | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `purpose` is the consent under which it may be used (None: a duty of law), `key` is unique."""

    name: str
    zh: str
    en: str
    source: str
    purpose: Purpose | None
    family: Family
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    optional: bool = False

    def column(self, name: str) -> Column:
        """Return a column; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")

    def purpose_of(self, column: Column) -> Purpose | None:
        """Return the consent a column needs: its own, or the table's."""
        return column.purpose or self.purpose

    def family_of(self, column: Column) -> Family:
        """Return the evidence family of a column: its own, or the table's."""
        return column.family or self.family


def _customer(name: str = "customer_id", zh: str = "客户号", en: str = "customer") -> Column:
    return Column(name, "VARCHAR", zh, en, refers_to="customers")


def _text(name: str, zh: str, en: str, *, nullable: bool = False, choices: tuple[str, ...] = ()) -> Column:
    return Column(name, "VARCHAR", zh, en, nullable=nullable, choices=choices)


def _at(name: str = "at_ms", zh: str = "时刻", en: str = "when", *, nullable: bool = False) -> Column:
    return Column(name, "BIGINT", zh, en, "UTC ms", nullable, least=0, most=4_102_444_800_000)


def _day(name: str, zh: str, en: str, *, nullable: bool = False) -> Column:
    return Column(name, "DATE", zh, en, "day in China", nullable)


def _fen(name: str, zh: str, en: str, *, nullable: bool = False, signed: bool = False) -> Column:
    least = -MAX_AMOUNT_FEN if signed else 0
    return Column(name, "BIGINT", zh, en, "CNY fen", nullable, least, MAX_AMOUNT_FEN)


def _risk(name: str, zh: str, en: str, *, nullable: bool = True) -> Column:
    return Column(name, "INTEGER", zh, en, "1..5", nullable, 1, 5)


def _term(name: str = "term_days") -> Column:
    return Column(name, "INTEGER", "期限", "absent when there is none", "days", nullable=True, least=1, most=36_500)


def _place(name: str, zh: str, en: str, *, nullable: bool = False) -> Column:
    return Column(name, "VARCHAR", zh, en, nullable=nullable, purpose=WHEREABOUTS, family="card_presence")


PRODUCT: Final = _text("product_code", "产品代码", "product, as in the catalogue")

TABLES: Final[tuple[Table, ...]] = (
    Table("snapshot", "数据截止日", "one row: what these files state", "warehouse", None, "record", (
        _day("as_of", "截止日", "last day covered; everything is computed as of its end"),
        _text("producer", "来源", "who made the files; `synthetic` for generated ones"),
    )),
    Table("customers", "客户", "one row a customer", "core banking (ECIF)", MARKETING, "account", (
        _text("customer_id", "客户号", "pseudonymous id"),
        _day("birth_date", "出生日期", "from the identity document"),
        _text("gender", "性别", "from the identity document, never from a face", choices=("male", "female", "unknown")),
        _text("region_code", "证件地区码", "first 6 digits of the identity document: where it was first issued"),
        _text("home_branch_id", "归属网点", "branch that keeps the relation"),
        _text("home_province", "归属省", "province of the home branch, e.g. `GD`"),
        _day("opened_on", "开户日", "first account here"),
        _text("tier", "客户等级", "tier as the bank assigned it",
              choices=("vip_diamond", "vip_platinum", "vip_gold", "potential", "ordinary")),
        _fen("documented_monthly_income_fen", "月收入证明", "monthly income proven by documents", nullable=True),
        _text("employer_id", "单位", "employer of the payroll contract", nullable=True),
    ), key=("customer_id",)),
    Table("risk_assessments", "风险测评", "risk questionnaires (C11)", "wealth system", None, "self_declared", (
        _customer(),
        _day("assessed_on", "测评日", "day of the questionnaire"),
        _risk("level", "风险承受能力", "C1 cautious .. C5", nullable=False),
        _day("valid_until", "有效期至", "last day on which it counts"),
    )),
    Table("accounts", "账户", "one row an account or contract", "core banking", MARKETING, "account", (
        _text("account_id", "账号", "pseudonymous id"),
        _customer(),
        _text("kind", "种类", "kind of account", choices=(
            "demand", "time", "wealth", "fund", "bond", "insurance", "metal", *DEBTS, "custody", "fx")),
        PRODUCT,
        _text("currency", "币种", "ISO 4217"),
        _day("opened_on", "开立日", "opened"),
        _day("closed_on", "销户日", "closed; absent while open", nullable=True),
        _fen("principal_fen", "本金/额度", "principal of deposit or loan, limit of a card, 0 for demand"),
        _term(),
        _day("matures_on", "到期日", "due; absent when there is no term", nullable=True),
        _risk("risk_level", "产品风险等级", "R1..R5; absent for deposits, credit, insurance"),
        _fen("monthly_repayment_fen", "月供", "instalment of a loan, else 0"),
    ), key=("account_id",)),
    Table("services", "签约服务", "services signed", "contract system", MARKETING, "account", (
        _customer(),
        _text("service", "服务", "what was signed", choices=(
            "e_bank", "mobile_bank", "sms", "etc", "custody", "auto_pay", "payroll")),
        _day("since", "签约日", "signed on"),
    )),
    Table("balances", "余额", "end-of-day balance, one row a day on which it changed; carry it forward. The first row "
          "of an account is its opening balance", "core banking", MARKETING, "account", (
        Column("account_id", "VARCHAR", "账号", "account", refers_to="accounts"),
        _day("day", "日期", "day"),
        _fen("balance_fen", "余额", "owned, or owed for credit_card and loan"),
    ), key=("account_id", "day")),
    Table("transactions", "交易", "booked transactions", "core banking", MARKETING, "transaction", (
        _text("txn_id", "流水号", "unique id"),
        _customer(),
        Column("account_id", "VARCHAR", "账号", "account", refers_to="accounts"),
        _at(),
        _fen("amount_fen", "金额", "received +, paid -", signed=True),
        _text("kind", "类型", "kind of transaction", choices=(
            "salary", "transfer", "card", "cash", "fx", "fee", "interest", "repayment", "utility", "refund")),
        _text("channel", "渠道", "where it was made", choices=("counter", "atm", "mobile", "pos", "online", "system")),
        _text("counterparty_id", "对手", "customer id, or pseudonym of whoever is outside; his own id between his own "
              "accounts", nullable=True),
        _text("counterparty_kind", "对手类型", "who that is", nullable=True,
              choices=("customer", "outside", "merchant", "employer")),
        _text("merchant_category", "商户类别", "MCC (ISO 18245)", nullable=True),
        _place("province", "省", "of the terminal; for `online` the merchant's seat, which says nothing of the "
               "customer", nullable=True),
        _place("country", "国家", "of the terminal, ISO 3166-1"),
        _text("currency", "币种", "ISO 4217, as charged"),
        _text("memo_code", "附言代码", "purpose the payer chose; often absent, sometimes wrong", nullable=True),
    ), key=("txn_id",)),
    Table("purchases", "产品购买", "products bought here", "wealth system", MARKETING, "transaction", (
        _customer(), _at(), PRODUCT,
        _text("category", "类别", "category of the product, as in the catalogue"),
        _risk("risk_level", "产品风险等级", "R1..R5; absent for deposits and insurance"),
        _term(), _fen("amount_fen", "金额", "amount bought"),
    )),
    Table("form_events", "表单", "forms filled in the app", "mobile bank", MARKETING, "application", (
        _customer(), _at(),
        _text("form", "表单", "which form", choices=("wealth", "credit", "account", "insurance")),
        Column("fields", "INTEGER", "字段数", "fields he had to fill himself", least=0, most=1_000),
        Column("seconds", "DOUBLE", "用时", "from first to last input", "s", least=0, most=86_400),
        Column("completed", "BOOLEAN", "是否提交", "sent off"),
    ), optional=True),
    Table("ad_events", "广告浏览", "product pages and advertisements seen", "mobile bank", MARKETING, "browsing", (
        _customer(), _text("session_id", "会话", "session of the app"), _at(), PRODUCT,
        Column("dwell_s", "DOUBLE", "停留", "time on screen", "s", least=0, most=86_400),
        Column("focused", "BOOLEAN", "前台", "app in the foreground and screen on throughout"),
    ), optional=True),
    Table("search_events", "搜索", "topics searched in the bank's app", "mobile bank", MARKETING, "browsing", (
        _customer(), _at(), _text("topic", "主题", "product code or theme; sensitive ones are dropped on reading"),
    ), optional=True),
    Table("trips", "出行", "where a card or the app was used, at province level", "card system", WHEREABOUTS,
          "card_presence", (
        _customer(), _at(),
        _text("province", "省", "province; `--` abroad"), _text("country", "国家", "ISO 3166-1"),
        _text("source", "来源", "what was used there", choices=("card", "atm", "app")),
    ), optional=True),
    Table("contacts", "联系", "calls and messages inside the bank's app between two customers", "mobile bank",
          MARKETING, "contact", (
        _customer(), _customer("other_customer_id", "对方客户号", "the other one"), _at(),
        _text("kind", "方式", "how", choices=("call", "message")),
    ), optional=True),
    Table("consents", "同意", "consents, one row a purpose", "consent register", None, "record", (
        _customer(),
        _text("purpose", "目的", "what he consented to", choices=tuple(purpose.value for purpose in Purpose)),
        _at("granted_at_ms", "授予时刻", "granted"),
        _at("withdrawn_at_ms", "撤回时刻", "withdrawn; absent while in force", nullable=True),
    )),
    Table("campaigns", "营销活动", "campaigns", "marketing system", None, "record", (
        _text("campaign_id", "活动号", "id"), PRODUCT, _text("channel", "渠道", "where it ran"),
        _day("starts_on", "开始", "first day"), _day("ends_on", "结束", "last day"),
    ), key=("campaign_id",), optional=True),
    Table("decisions", "推荐决策", "what was chosen to be offered, one row a product", "this product", MARKETING,
          "record", (
        _text("decision_id", "决策号", "one visit"), _customer(), _at(),
        _text("branch_id", "网点", "where"), _text("policy", "策略", "who chose"), PRODUCT,
        Column("rank", "INTEGER", "名次", "place in the list", least=1, most=50),
        Column("probability", "DOUBLE", "展示概率", "of this product here, given the ranks above", least=0, most=1),
        Column("holdout", "BOOLEAN", "对照组", "customer of the random holdout: the same list for everybody"),
    ), key=("decision_id", "rank"), optional=True),
    Table("outcomes", "推荐结果", "what came of it", "this product", MARKETING, "record", (
        _text("decision_id", "决策号", "visit"), _customer(), PRODUCT, _at(),
        _text("kind", "结果", "what came of it", choices=("shown", "accepted", "refused", "sold", "ignored")),
        _text("reason", "原因", "why he refused", nullable=True),
        _fen("margin_fen", "毛利", "margin of the sale, else 0", signed=True),
    ), optional=True),
)  # fmt: skip
"""Every source table."""

BY_NAME: Final = {table.name: table for table in TABLES}
