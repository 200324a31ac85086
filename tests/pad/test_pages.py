import json
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import pad_client.pages
import yingbin.assets
from yingbin.pad_wire import LINE_DOWN_AFTER_S

PAGE = pad_client.pages.folder()
CODE = sorted(PAGE.rglob("*.js"))


def served(reference: str, base: Path) -> Path:
    """Return the file behind a relative address, as the city mounts it: /pad/ and /assets/ side by side."""
    if reference.startswith("../assets/") and base == PAGE:
        return yingbin.assets.folder() / reference.removeprefix("../assets/")
    return base / reference


def test_the_city_finds_the_page_by_entry_point() -> None:
    (point,) = entry_points(group="yingbin.pages", name="pad")
    assert point.load()() == PAGE


def test_everything_the_page_refers_to_is_there() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    manifest = json.loads((PAGE / "manifest.webmanifest").read_text("utf-8"))
    references = [(name, PAGE) for name in re.findall(r'(?:src|href)="([^"]+)"', html)]
    references += [(icon["src"], PAGE) for icon in manifest["icons"]]
    for module in CODE:
        names = re.findall(r"(?:from|import) '([^']+)'", module.read_text("utf-8"))
        references += [(name, module.parent) for name in names]
    assert len(references) > 40
    for reference, base in references:
        assert served(reference, base).is_file(), reference


def test_every_glyph_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (PAGE / "glyphs.svg").read_text()))
    for module in CODE:
        assert set(re.findall(r"glyph\('(\w+)'", module.read_text("utf-8"))) <= drawn


@pytest.mark.parametrize("module", CODE, ids=lambda path: path.name)
def test_data_only_becomes_text(module: Path) -> None:
    text = module.read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text.splitlines()) < 300


def test_the_page_runs_under_a_strict_policy() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)


def test_page_and_wire_agree_on_silence() -> None:
    (milliseconds,) = re.findall(r"SILENCE_MS = ([\d_]+)", (PAGE / "line.js").read_text())
    assert int(milliseconds) == LINE_DOWN_AFTER_S * 1000
