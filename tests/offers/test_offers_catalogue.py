from importlib.resources import files
from pathlib import Path

import pytest

from yingbin.errors import BadConfiguration
from yingbin.offers.catalogue import BadCatalogue, load_catalogue, parse_catalogue

GOOD = files("yingbin.offers").joinpath("catalogue.toml").read_text("utf-8")
RULE = 'id = "car_loan_no_etc"'
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
        ("risk_level = 4", "risk_level = 6", "product 'fund_index': risk_level"),
        ("risk_level = 4", "risk_level = 0", "risk_level must be 1..5 for an investment"),
        ("risk_level = 4", "risk_levle = 4", "Extra inputs"),
        ('name_en = "SMS alerts"', "", "name_en: Field required"),
        ('"sms", "debit', '"wealth_r1", "debit', "not for everybody"),
        ('"sms", "debit', '"smss", "debit', "unknown product 'smss'"),
        ("propensity = 0.12", "propensity = 1.2", "rule 'loan_capacity': propensity"),
        ('source = "catalogue"', 'source = "rumour"', "unknown source 'rumour'"),
    ],
)
def test_a_mistake_is_found_on_load_with_its_line(old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(BadCatalogue) as error:
        parse_catalogue(text, "bank.toml")
    assert said in error.value.message
    assert error.value.message.startswith("bank.toml, line ")


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
