import json
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import pad_client.pages
import yingbin.assets
from yingbin.pad_wire import LINE_DOWN_AFTER_S

PAGE, SHARED = pad_client.pages.folder(), pad_client.pages.shared_folder()
PAGES = {"pad": PAGE, "watch": pad_client.pages.watch_folder()}
CODE = sorted(module for folder in (*PAGES.values(), SHARED) for module in folder.rglob("*.js"))


def served(reference: str, base: Path) -> Path:
    """Return the file behind a relative address, as the city mounts it: /pad/, /watch/, /shared/, /assets/ abreast."""
    if reference.startswith("../assets/") and base in PAGES.values():
        return yingbin.assets.folder() / reference.removeprefix("../assets/")
    return base / reference


def test_the_city_finds_the_pages_by_entry_point() -> None:
    for name, folder in {**PAGES, "shared": SHARED}.items():
        (point,) = entry_points(group="yingbin.pages", name=name)
        assert point.load()() == folder


def test_everything_the_pages_refer_to_is_there() -> None:
    references: list[tuple[str, Path]] = []
    for page in PAGES.values():
        html = (page / "index.html").read_text("utf-8")
        manifest = json.loads((page / "manifest.webmanifest").read_text("utf-8"))
        references += [(name, page) for name in re.findall(r'(?:src|href)="([^"]+)"', html)]
        references += [(icon["src"], page) for icon in manifest["icons"]]
    for module in CODE:
        names = re.findall(r"(?:from |import |importScripts\()'([^']+)'", module.read_text("utf-8"))
        references += [(name, module.parent) for name in names]
    assert len(references) > 80
    for reference, base in references:
        assert served(reference, base).is_file(), reference


def test_every_glyph_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (SHARED / "glyphs.svg").read_text()))
    for module in CODE:
        assert set(re.findall(r"glyph\('(\w+)'", module.read_text("utf-8"))) <= drawn


@pytest.mark.parametrize("module", CODE, ids=lambda path: path.name)
def test_data_only_becomes_text(module: Path) -> None:
    text = module.read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text.splitlines()) < 300


def test_C13_the_two_pages_have_nothing_of_each_other() -> None:
    for module in CODE:
        text = module.read_text("utf-8")
        assert module.is_relative_to(PAGE) or "pad/" not in text
        assert module.is_relative_to(PAGES["watch"]) or "watch" not in text.lower().replace("#watch", ""), module


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs_under_a_strict_policy(page: str) -> None:
    html = (PAGES[page] / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)


def test_pages_and_wire_agree_on_silence() -> None:
    (milliseconds,) = re.findall(r"SILENCE_MS = ([\d_]+)", (SHARED / "reconnect.js").read_text())
    assert int(milliseconds) == LINE_DOWN_AFTER_S * 1000
