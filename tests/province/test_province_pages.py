"""The files of the admin pages: complete, in both languages, fit for the strict policy."""

import json
import re
from pathlib import Path

import pytest

import province_server
import yingbin.assets
from province_server.pages import folder
from yingbin.faces.enrolment import Criterion, Reason
from yingbin.trust.consent import Gallery, Purpose
from yingbin.trust.staff import Role
from yingbin.wire import CameraMode, CameraRole

PAGE = folder()
CODE = sorted(PAGE.rglob("*.js"))
NAMES = {
    "role": Role, "camera_role": CameraRole, "mode": CameraMode, "gallery": Gallery, "purpose": Purpose,
    "purpose_text": Purpose, "criterion": Criterion, "reason": Reason,
}  # fmt: skip


def strings(language: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((PAGE / "strings" / f"{language}.json").read_text("utf-8"))
    return loaded


def test_both_languages_say_the_same_things() -> None:
    zh, en = strings("zh"), strings("en")
    assert list(zh) == list(en)
    for key in zh:
        assert zh[key], key
        assert set(re.findall(r"\{\w+\}", zh[key])) == set(re.findall(r"\{\w+\}", en[key])), key


def test_every_string_asked_for_exists_and_every_string_is_used() -> None:
    code = "".join(module.read_text("utf-8") for module in CODE)
    known, groups = strings("zh"), {key.split(".")[0] for key in strings("zh")}
    asked = {key for key in re.findall(r"'([a-z_]+\.\w+)'", code) if key.split(".")[0] in groups}
    assert asked - set(known) - {"photo.jpg"} == set()
    by_value = set(re.findall(r"word\('(\w+)'", code)) | set(re.findall(r"t\(`(\w+)\.\$", code))
    by_value |= {"page", "watch_state", "account", "guardian", *NAMES, "police", "overdue"}
    assert [key for key in known if key not in asked and key.split(".")[0] not in by_value] == []


@pytest.mark.parametrize("group", NAMES)
def test_every_value_of_the_api_has_a_name(group: str) -> None:
    assert [value for value in NAMES[group] if f"{group}.{value}" not in strings("en")] == []


def test_every_reason_of_a_bulk_report_has_a_name() -> None:
    reasons = json.loads((Path(province_server.__file__).parent / "batch" / "reasons.json").read_text("utf-8"))
    assert [code for code in reasons if f"row_reason.{code}" not in strings("zh")] == []


def test_everything_the_pages_refer_to_is_there() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    references = [(name, PAGE) for name in re.findall(r'(?:src|href)="([^"]+)"', html)]
    for module in CODE:
        names = re.findall(r"(?:from|import) '([^']+)'|import\('([^']+)'\)", module.read_text("utf-8"))
        references += [(first or second, module.parent) for first, second in names]
    assert len(references) > 100
    for reference, base in references:
        shared = reference.startswith("../assets/") and base == PAGE
        file = yingbin.assets.folder() / reference.removeprefix("../assets/") if shared else base / reference
        assert file.is_file(), reference


def test_every_glyph_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (PAGE / "glyphs.svg").read_text()))
    for module in CODE:
        asked = re.findall(r"glyph\('(\w+)'|page\('\w+', '\w+', '(\w+)'", module.read_text("utf-8"))
        assert {first or second for first, second in asked} <= drawn


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(PAGE)))
def test_data_only_becomes_text(module: Path) -> None:
    text = module.read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.style\b", text
    )
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text.splitlines()) < 160


def test_the_pages_run_under_a_strict_policy() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
