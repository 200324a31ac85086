"""An entry is changed in the text of the catalogue; nothing else of it is, and mistakes say where they are."""

import difflib
import tomllib
from datetime import date
from typing import Any

import pytest

from yingbin.errors import InvalidInput, NotFound
from yingbin.offers.catalogue import BadCatalogue, parse_catalogue, read_catalogue
from yingbin.offers.catalogue_diff import catalogue_changes, notices
from yingbin.offers.catalogue_edit import Table, entries, with_entry, without_entry
from yingbin.offers.faults import Fault

GOOD, _ = read_catalogue()
TODAY = date(2026, 3, 1)


def product(which: str, **changes: Any) -> dict[str, Any]:
    return {**next(one for one in entries(GOOD, "product") if one["code"] == which), **changes}


def faults(text: str) -> tuple[Fault, ...]:
    with pytest.raises(BadCatalogue) as error:
        parse_catalogue(text, "x")
    return error.value.faults


def lines_changed(text: str) -> tuple[list[str], list[str]]:
    found = list(difflib.unified_diff(GOOD.splitlines(), text.splitlines(), n=0))[2:]
    return [line[1:] for line in found if line[0] == "-"], [line[1:] for line in found if line[0] == "+"]


def test_every_entry_put_back_as_it_is_leaves_the_text_as_it_is() -> None:
    tables: tuple[Table, ...] = ("product", "rule")
    for table in tables:
        for entry in entries(GOOD, table)[::7]:
            assert with_entry(GOOD, table, entry[{"product": "code", "rule": "id"}[table]], entry) == GOOD


def test_one_field_is_one_line_and_comments_stay() -> None:
    edited = with_entry(GOOD, "product", "large_certificate", product("large_certificate", margin_fen=99))
    assert lines_changed(edited) == (["margin_fen = 160000"], ["margin_fen = 99"])
    assert edited.startswith(GOOD[:600])
    gone = with_entry(GOOD, "product", "large_certificate", product("large_certificate", term_days=None))
    assert lines_changed(gone) == (["term_days = 1095"], [])
    dated = with_entry(GOOD, "product", "sms", product("sms", valid_until="2026-12-31", excludes=["e_bank"]))
    assert parse_catalogue(dated, "x").products["sms"].valid_until == date(2026, 12, 31)


def test_an_added_entry_is_last_of_its_kind_and_taken_out_again_nothing_is_left() -> None:
    new = product("sms", code="sms_plus", talking_point_zh='叫作"提醒"的服务')
    added = with_entry(GOOD, "product", "sms_plus", new)
    assert [one["code"] for one in entries(added, "product")][-1] == "sms_plus"
    assert "# --- rules" in added
    assert added.index("sms_plus") < added.index("# --- rules")
    assert tomllib.loads(without_entry(added, "product", "sms_plus")) == tomllib.loads(GOOD)
    rule = with_entry(GOOD, "rule", "new_one", {**entries(GOOD, "rule")[0], "id": "new_one"})
    assert [one["id"] for one in entries(rule, "rule")][-1] == "new_one"
    with pytest.raises(NotFound, match="no product sms_plus"):
        without_entry(GOOD, "product", "sms_plus")
    only = 'version = "x"\n'
    assert entries(with_entry(only, "campaign", "c", {"id": "c", "factor": 1.5}), "campaign") == [
        {"id": "c", "factor": 1.5}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version = ",
        "[" * 5000,
        'product = [{code = "sms", x = 1}]\n[[rule]]\nid = "a"',
        '[[product]]\ncode = "a"\nx = """\n[[product]]\n"""\n[[product]]\ncode = "sms"\n',
    ],
)
def test_a_text_that_cannot_be_changed_entry_by_entry_says_so(text: str) -> None:
    with pytest.raises(InvalidInput, match="text"):
        without_entry(text, "product", "sms")


def test_a_fault_names_line_entry_field_and_place() -> None:
    (fault,) = faults(with_entry(GOOD, "product", "sms", product("sms", eligible="risk_valid and demnd_share > 0")))
    assert (fault.kind, fault.table, fault.name, fault.field) == ("expression", "product", "sms", "eligible")
    assert (fault.position, fault.message) == (
        15,
        "unknown symbol: 'demnd_share'; did you mean 'demand_share'?",
    )
    (fault,) = faults(GOOD.replace('when = "not holds_sms and', 'when = "not holds_sms und'))
    assert (fault.name, fault.position) == ("no_sms", 14)
    (fault,) = faults(GOOD.replace('when = "not holds_mobile_bank"', 'when = "not"'))
    assert fault.position == 3
    (fault,) = faults("a = 1\nb = \n")
    assert (fault.kind, fault.line) == ("syntax", 2)
    kinds = {
        "margin_fen = 160000": ("margin_fen = true", "type"),
        "min_amount_fen = 20000000": ("min_amount_fen = -1", "value"),
        'name_zh = "定期存款"': ("", "missing"),
        'holding = "large_certificate"': ("holdings = 1", "unknown_field"),
        'excludes = ["wealth_r1"]': ('excludes = ["xx"]', "reference"),
    }
    for old, (new, kind) in kinds.items():
        assert {fault.kind for fault in faults(GOOD.replace(old, new, 1))} == {kind}, old


@pytest.mark.parametrize(
    ("table", "name", "change", "field"),
    [
        ("product", "sms", {"name_zh": "教师专属提醒"}, "name_zh"),
        ("product", "sms", {"talking_point_en": "For your wife, too"}, "talking_point_en"),
        ("product", "sms", {"talking_point_zh": "每月只要12元"}, "talking_point_zh"),
        ("product", "sms", {"talking_point_zh": "短信\n提醒"}, "talking_point_zh"),
        ("product", "sms", {"code": "nurse_alerts"}, "code"),
        ("rule", "maturing_time_deposit", {"reason_zh": "还有{maturing_days}元到期"}, "reason_zh"),
        ("rule", "maturing_time_deposit", {"reason_zh": "在{maturing_days}:{maturing_days}到期"}, "reason_zh"),
        ("rule", "maturing_time_deposit", {"reason_en": "Worth {maturing_days} yuan"}, "reason_en"),
    ],
)
def test_C15_what_a_tablet_may_not_show_is_refused_at_its_field(
    table: Table, name: str, change: dict[str, str], field: str
) -> None:
    key = {"product": "code", "rule": "id"}[table]
    entry = {**next(one for one in entries(GOOD, table) if one[key] == name), **change}
    found = [fault for fault in faults(with_entry(GOOD, table, name, entry)) if fault.kind in {"wording", "value"}]
    assert [fault.field for fault in found] == [field]


@pytest.mark.parametrize(
    "change",
    [
        {"risk_level": None},
        {"risk_level": 0},
        {"investment": False},
        {"investment": False, "risk_level": None},
        {"suitability": "none"},
        {"suitability": None, "risk_level": None},
    ],
)
def test_C11_a_product_whose_regime_needs_a_risk_level_is_refused_without_one(change: dict[str, Any]) -> None:
    found = faults(with_entry(GOOD, "product", "wealth_r2", product("wealth_r2", **change)))
    assert {(fault.kind, fault.name) for fault in found} == {("suitability", "wealth_r2")}
    assert {fault.field for fault in found} <= {"risk_level", "suitability"}


def test_changes_and_what_to_look_at_before_a_release() -> None:
    text = with_entry(GOOD, "product", "large_certificate", product("large_certificate", margin_fen=99))
    text = with_entry(text, "product", "wealth_r3", product("wealth_r3", risk_level=2))
    text = with_entry(text, "product", "study_loan", product("study_loan", valid_until="2026-02-01"))
    text = with_entry(text, "product", "sms_plus", product("sms", code="sms_plus"))
    changes = catalogue_changes(GOOD, text)
    assert [(one.op, one.name, one.field, one.before, one.after) for one in changes[:3]] == [
        ("changed", "large_certificate", "margin_fen", 160000, 99),
        ("changed", "wealth_r3", "risk_level", 3, 2),
        ("changed", "study_loan", "valid_until", None, "2026-02-01"),
    ]
    assert (changes[3].op, changes[3].after["code"]) == ("added", "sms_plus")
    told = notices(parse_catalogue(GOOD, "x"), parse_catalogue(text, "x"), TODAY)
    assert {(one.kind, one.product) for one in told} == {
        ("same_version", ""),
        ("margin_changed", "large_certificate"),
        ("risk_lowered", "wealth_r3"),
        ("not_on_sale", "study_loan"),
        ("never_offered", "sms_plus"),
    }
    old = parse_catalogue(GOOD, "x")
    assert [one.kind for one in notices(old, old, TODAY)] == ["nothing_changed"]
    removed = notices(parse_catalogue(text, "x"), old, TODAY)
    assert ("product_removed", "sms_plus") in {(one.kind, one.product) for one in removed}
