from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yingbin.errors import BadConfiguration
from yingbin.offers.catalogue import BadCatalogue, Catalogue, load_catalogue, parse_catalogue
from yingbin.offers.cli import app

GOOD = files("yingbin.offers").joinpath("catalogue.toml").read_text("utf-8")
RULE = 'id = "car_loan_no_etc"'
R4 = 'category = "fund"\nsuitability = "risk_rating"\nrisk_level = 4'
WHEN = 'when = "car_loan_fen > 0 and not holds_etc_card"'


def line_of(text: str, fragment: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if fragment in line)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (WHEN, 'when = "car_loan_fen > 0 and not holds_etc_crd"', "unknown symbol: 'holds_etc_crd'"),
        (WHEN, "when = \"car_loan_fen > 'much'\"", "data type mismatch"),
        (WHEN, 'when = "car_loan_fen == true"', "data type mismatch"),
        (WHEN, 'when = "car_loan_fen and holds_etc_card"', "data type mismatch"),
        (WHEN, 'when = "car_loan_fen"', "must be true or false"),
        (WHEN, 'when = "car_loan_fen >"', "syntax error"),
        (WHEN, 'when = "$now > 1"', "rule 'car_loan_no_etc'"),
        (WHEN, 'when = "$any([car_loan_fen > 0])"', "only facts"),
        (WHEN, 'when = ""', "rule 'car_loan_no_etc'"),
        (WHEN, "", "Field required"),
        (
            'reason_zh = "有车贷,尚未办理ETC卡"',
            'reason_zh = "车贷{car_loan_fen}"',
            "unknown placeholder {car_loan_fen}",
        ),
        ('reason_zh = "有车贷,尚未办理ETC卡"', 'reason_zh = "车贷{maturing_days"', "bad placeholder"),
        ('reason_zh = "有车贷,尚未办理ETC卡"', 'reason_zh = "车贷30万元"', "amount of money"),
        ('reason_zh = "有车贷,尚未办理ETC卡"', 'reason_zh = "car loan"', "Chinese text is missing"),
        ('reason_en = "Has a car loan but no ETC card"', 'reason_en = ""', "English text is missing"),
        ('reason_en = "Has a car loan but no ETC card"', 'reason_en = "Drives to his job"', "occupation"),
        ('reason_en = "Has a car loan but no ETC card"', "", "reason_en: Field required"),
        ('id = "car_loan_no_etc"', 'id = "no_sms"', "duplicate id"),
        (
            'id = "car_loan_no_etc"\nproduct = "etc_credit_card"',
            'id = "car_loan_no_etc"\nproduct = "x"',
            "unknown product",
        ),
        ('code = "sms"', 'code = "e_bank"', "duplicate code"),
        (R4, R4.replace("4", "6"), "product 'fund_index': risk_level"),
        (R4, R4.replace("4", "0"), "risk_level must be 1..5 for an investment"),
        (R4, R4.replace("level", "levle"), "Extra inputs"),
        ('name_en = "SMS alerts"', "", "name_en: Field required"),
        ('"sms", "debit', '"wealth_r1", "debit', "not for everybody"),
        ('"sms", "debit', '"smss", "debit', "unknown product 'smss'"),
        ("propensity = 0.12", "propensity = 1.2", "rule 'loan_capacity': propensity"),
        ('source = "catalogue"', 'source = "rumour"', "unknown source 'rumour'"),
        ('eligible = "mortgage_fen == 0"', 'eligible = "morgage_fen == 0"', "'mortgage': eligible: unknown symbol"),
        ('eligible = "mortgage_fen == 0"', 'eligible = "mortgage_fen"', "must be true or false"),
        ('eligible = "mortgage_fen == 0"', 'eligible = "$now > 1"', "product 'mortgage': eligible"),
        ('excludes = ["wealth_r1"]', 'excludes = ["wealth_r7"]', "excludes unknown product 'wealth_r7'"),
        ('excludes = ["wealth_r1"]', 'excludes = ["fund_money"]', "excludes itself"),
        ("min_amount_fen = 20000000", "min_amount_fen = -1", "product 'large_certificate': min_amount_fen"),
        ("min_amount_fen = 20000000", 'min_amount_fen = "much"', "valid integer"),
        ("margin_fen = 160000", "margin_fen = -5", "product 'large_certificate': margin_fen"),
        (
            "margin_fen = 160000",
            "valid_from = 2026-05-01\nvalid_until = 2026-04-01",
            "valid_until must not be before valid_from",
        ),
        ("margin_fen = 160000", "valid_until = 2026-02-30", "not valid TOML"),
        ("max_refusals = 2", "max_refusals = 0", "contact_policy.max_refusals"),
        ("max_refusals = 2", "max_refusal = 2", "Extra inputs"),
        ("factor = 0.6", "factor = 3", "lever number 15: factor"),
        (
            'signal = "at_self_service"\ncategory = "insurance"',
            'signal = "x"\ncategory = "insurance"',
            "lever number 3",
        ),
        ('product = "mobile_bank"\nfactor = 1.3', 'product = "mobile_banks"\nfactor = 1.3', "unknown product"),
        ('product = "mobile_bank"\nfactor = 1.3', "factor = 1.3", "either a product or a category"),
        (
            'signal = "at_self_service"\ncategory = "insurance"',
            'signal = "at_self_service"\ncategory = "channel"',
            "a lever of this signal and target is there already",
        ),
    ],
)
def test_a_mistake_is_found_on_load_with_its_line(old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(BadCatalogue) as error:
        parse_catalogue(text, "bank.toml")
    assert said in error.value.message
    assert error.value.message.startswith(("bank.toml, line ", "bank.toml: not valid TOML"))


def test_the_line_is_that_of_the_mistake() -> None:
    text = GOOD.replace(WHEN, 'when = "zz > 1"')
    with pytest.raises(BadCatalogue, match=rf"line {line_of(text, 'zz > 1')}: rule 'car_loan_no_etc': when: unknown"):
        parse_catalogue(text, "bank.toml")
    text = GOOD.replace(WHEN + "\n", "")
    with pytest.raises(BadCatalogue, match=rf"line {line_of(text, RULE) - 1}: rule 'car_loan_no_etc': when: Field"):
        parse_catalogue(text, "bank.toml")


def test_unreadable_files_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot read"):
        load_catalogue(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("version = ", "utf-8")
    with pytest.raises(BadCatalogue, match="not valid TOML"):
        load_catalogue(broken)
    broken.write_text(GOOD, "utf-8")
    assert load_catalogue(broken).version == "2026.1"


def test_every_mistake_is_named_at_once_in_the_order_of_the_lines() -> None:
    text = GOOD.replace(WHEN, 'when = "zz > 1"').replace('source = "catalogue"', 'source = "rumour"')
    text = text.replace('excludes = ["wealth_r1"]', 'excludes = ["nothing"]')
    with pytest.raises(BadCatalogue) as error:
        parse_catalogue(text, "bank.toml")
    lines = error.value.message.splitlines()
    assert ["rumour" in lines[0], "'nothing'" in lines[1], "zz" in lines[2]] == [True] * 3
    assert len(lines) == 3
    numbers = [int(line.split("line ")[1].split(":")[0]) for line in lines]
    assert numbers == [line_of(text, fragment) for fragment in ("rumour", '"nothing"', "zz > 1")]
    both = GOOD.replace("propensity = 0.12", "propensity = 7").replace("max_refusals = 2", "max_refusals = 0")
    with pytest.raises(BadCatalogue) as error:
        parse_catalogue(both, "bank.toml")
    assert len(error.value.message.splitlines()) == 2


def test_the_catalogue_covers_chinese_retail_banking(catalogue: Catalogue) -> None:
    wanted = {
        "demand_deposit", "time_deposit", "large_certificate", "wealth_r1", "wealth_r2", "wealth_r3", "wealth_r4",
        "equity_r5", "fund_bond", "fund_index", "treasury_bond", "precious_metal", "annuity_insurance",
        "etc_credit_card", "platinum_card", "overseas_card", "mortgage", "consumer_loan", "business_loan", "study_loan",
        "fx_exchange", "remittance", "mobile_bank", "sms", "third_party_custody", "private_banking", "parking_loan",
    }  # fmt: skip
    assert wanted <= set(catalogue.products)
    assert all(one.margin_fen > 0 for one in catalogue.products.values())
    assert {rule.text.product for rule in catalogue.rules} | set(catalogue.general.products) == set(catalogue.products)


def test_the_digest_is_of_what_the_file_says_not_of_its_layout(catalogue: Catalogue) -> None:
    spaced = GOOD.replace("\n[[rule]]", "\n\n# a remark\n[[rule]]").replace("value = 0.45", "value   =   0.450")
    assert parse_catalogue(spaced, "x").name == catalogue.name
    assert parse_catalogue(GOOD.replace("value = 0.45", "value = 0.46"), "x").digest != catalogue.digest
    assert parse_catalogue(GOOD.replace('"2026.1"', '"2026.2"'), "x").name.startswith("2026.2+")


def test_the_difference_of_two_catalogues_is_readable(tmp_path: Path) -> None:
    new = GOOD.replace("propensity = 0.12", "propensity = 0.2").replace("factor = 0.6", "factor = 0.7")
    new = new.replace("fund_money", "fund_cash").replace("max_refusals = 2", "max_refusals = 3")
    files_ = [tmp_path / name for name in ("old.toml", "new.toml")]
    for path, text in zip(files_, (GOOD, new), strict=True):
        path.write_text(text, "utf-8")
    result = CliRunner().invoke(app, ["diff", *map(str, files_)])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "- product fund_money",
        "+ product fund_cash: 货币基金(R1), fund, 1",
        "~ rule loan_capacity: propensity: 0.12 -> 0.2",
        "~ rule idle_demand_money_fund: product: fund_money -> fund_cash",
        "~ lever short_of_time on insurance: factor: 0.6 -> 0.7",
        "~ contact_policy.max_refusals: 2 -> 3",
    ]
    assert CliRunner().invoke(app, ["diff", *map(str, (files_[0], files_[0]))]).stdout == ""
    assert CliRunner().invoke(app, ["check", str(files_[1])]).stdout.startswith("2026.1+")
    files_[1].write_text(GOOD.replace("factor = 0.6", "factor = 9"), "utf-8")
    assert isinstance(CliRunner().invoke(app, ["diff", *map(str, files_)]).exception, BadCatalogue)


def test_campaigns_are_checked_and_reach_the_product() -> None:
    campaign = """
[[campaign]]
id = "spring"
product = "sms"
branches = ["b-1"]
valid_from = 2026-03-01
valid_until = 2026-03-31
factor = 1.5
"""
    levers = parse_catalogue(GOOD + campaign, "x").levers["sms"]
    (spring,) = [lever for lever in levers if lever.signal == "campaign"]
    assert (spring.branches, spring.until_ms - spring.from_ms) == (("b-1",), 31 * 86_400_000)
    for old, new, said in (
        ('"sms"', '"smss"', "unknown product"),
        ("1.5", "0.5", "factor"),
        ("valid_until = 2026-03-31\n", "", "valid_until: Field required"),
    ):
        with pytest.raises(BadCatalogue, match=f"campaign 'spring'.*{said}"):
            parse_catalogue(GOOD + campaign.replace(old, new), "x")
    with pytest.raises(BadCatalogue, match="duplicate id"):
        parse_catalogue(GOOD + campaign + campaign, "x")
