"""C15: every string that can reach a tablet, wherever it comes from, passes the scan."""

import ast
import json
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest

import yingbin.offers
from yingbin.offers.arbitrate import ASKED_OFTEN
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.suitability import suitability_notes
from yingbin.offers.wording import INCOME_GAP_EN, INCOME_GAP_ZH, forbidden

OFFERS = Path(yingbin.offers.__file__).parent
_PAIRED = ("_zh", "_en")
_EXAMPLES = {OFFERS / "wording.py"}
"""The list itself."""
_INTERNAL = {"bank", "learning"}
"""Folders whose texts stay at the province: the tables of the bank, experiments and their figures."""


def sayings(node: object) -> Iterator[str]:
    """Yield the strings of a TOML file under keys that name a language, or `zh` and `en` themselves."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and (key.endswith(_PAIRED) or key in {"zh", "en"}):
                yield value
            else:
                yield from sayings(value)
    elif isinstance(node, list):
        for value in node:
            yield from sayings(value)


def code_strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what code may send: every string constant that is no docstring and has Chinese, with its line."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def shown_after_confirmation(path: Path) -> bool:
    """Return whether what this file says is shown only when the manager has confirmed who it is."""
    return path.relative_to(OFFERS).parts[0] == "portrait"


def modules() -> list[Path]:
    found = [path for path in OFFERS.rglob("*.py") if path not in _EXAMPLES]
    return [path for path in found if path.relative_to(OFFERS).parts[0] not in _INTERNAL]


@pytest.mark.parametrize("path", sorted(OFFERS.rglob("*.toml")), ids=lambda path: str(path.relative_to(OFFERS)))
def test_C15_every_sentence_in_a_data_file_of_the_brain_is_sayable(path: Path) -> None:
    for text in sayings(tomllib.loads(path.read_text("utf-8"))):
        assert forbidden(text, confirmed=shown_after_confirmation(path)) is None, text


def test_C15_every_chinese_string_in_the_code_of_the_brain_is_sayable() -> None:
    scanned = 0
    for path in modules():
        for line, text in code_strings(path):
            if any("\u3400" <= character <= "\u9fff" for character in text) and path.name != "customer.py":
                scanned += 1
                assert forbidden(text, confirmed=shown_after_confirmation(path)) is None, f"{path}:{line}: {text}"
    assert scanned > 20


def test_C15_every_string_of_the_pages_is_sayable() -> None:
    for language in ("zh", "en"):
        strings = json.loads(files("yingbin.assets").joinpath(f"strings/{language}.json").read_text("utf-8"))
        for key, text in strings.items():
            if isinstance(text, str):
                assert forbidden(text) is None, f"{key}: {text}"


def test_C15_every_sentence_the_decision_adds_is_sayable() -> None:
    notes = [ASKED_OFTEN]
    for tolerance, until_ms in product(range(6), (0, 2)):
        notes += suitability_notes(tolerance, until_ms, 1)
    assert len({note.text_zh for note in notes}) == 6
    for note in notes:
        assert forbidden(note.text_zh) is None
        assert forbidden(note.text_en) is None


def test_C15_every_sentence_of_the_catalogue_is_sayable(catalogue: Catalogue) -> None:
    for one in catalogue.products.values():
        for text in (one.name_zh, one.name_en, one.talking_point_zh, one.talking_point_en):
            assert forbidden(text) is None
    for rule in catalogue.rules:
        assert forbidden(rule.text.reason_zh + rule.text.reason_en) is None


def test_C15_income_gap_text_is_exact_wherever_it_is_written() -> None:
    assert INCOME_GAP_ZH == "收入资料不足,暂不主动推荐信贷;客户申请照常受理"
    assert forbidden(INCOME_GAP_ZH) is None
    assert forbidden(INCOME_GAP_EN) is None
    for path in (*OFFERS.rglob("*.toml"), *OFFERS.rglob("*.py")):
        for line in path.read_text("utf-8").splitlines():
            if "收入资料不足" in line:
                assert INCOME_GAP_ZH in line, f"{path}: {line}"


@pytest.mark.parametrize(
    "text",
    [
        "活期50万元",
        "存款五十万",
        "¥ 5000",
        "has 5,000 yuan",
        "CNY 300",
        "可能是教师",
        "probably a nurse",
        "已婚",
        "his wife banks here",
        "儿子在读书",
        "常去上海",
        "flies to Beijing",
        "每天21:30到店",
        "comes in the evening",
        "下午3点",
        "医院缴费",
        "a lawsuit",
        "宗教支出",
        "上夜班",
        "works night shifts",
        "可能做外卖员",
        "离异",
        "岳父在本行开户",
        "your grandmother's account",
        "同乡介绍",
        "户籍在苏州",
        "上午10点到访",
        "晚上九点半",
        "at 9 pm",
        "体检消费",
        "buys medicine",
        "有官司",
        "arrested once",
        "去寺里",
        "goes to church",
        "少数民族",
        "of an ethnic minority",
    ],
)
def test_C15_the_scan_finds_what_may_not_be_shown(text: str) -> None:
    assert forbidden(text) is not None


def test_C15_amounts_may_be_said_only_after_confirmation() -> None:
    assert forbidden("存款五十万") is not None
    assert forbidden("存款五十万", confirmed=True) is None
    assert forbidden("存款五十万,已婚", confirmed=True) == "marriage or relative: '婚'"


@pytest.mark.parametrize(
    "text",
    [
        "活期占比62%,已闲置180天(来源:存款系统,2026-03-01)",
        "62% in demand deposits, idle for 180 days (source: deposit ledger, 2026-03-01)",
        "R4—R5产品风险等级高于客户承受能力,不主动推荐",
        "一点小礼品,感谢光临",
        "三点建议",
        "意外保障保险",
    ],
)
def test_C15_the_scan_allows_shares_days_dates_and_plain_words(text: str) -> None:
    assert forbidden(text) is None
