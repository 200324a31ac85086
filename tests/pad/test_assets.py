import json
import re
from pathlib import Path

import pytest

import edge
import pad_client.pages
import yingbin.assets

PAIRS = [
    ("ink", "bg"), ("ink", "surface"), ("ink", "sunken"), ("ink-2", "bg"), ("ink-2", "surface"), ("ink-2", "sunken"),
    ("ink-3", "sunken"), ("brand", "surface"), ("brand", "bg"), ("on-brand", "brand"), ("on-brand-soft", "brand-soft"),
    ("ink", "brand-soft"), ("on-gold-soft", "gold-soft"), ("surface", "gold"), ("danger", "surface"),
    ("on-danger-soft", "danger-soft"), ("on-warn-soft", "warn-soft"), ("gold-soft", "ink"),
]  # fmt: skip


def modules() -> list[Path]:
    """Return the scripts of every page that shares the strings: the branch's two and the box installer's."""
    pages = [Path(pad_client.pages.__file__).parent, Path(edge.__file__).parent / "installer_page"]
    return [module for page in pages for module in page.rglob("*.js")]


def strings(language: str) -> dict[str, str]:
    text = (yingbin.assets.folder() / "strings" / f"{language}.json").read_text("utf-8")
    loaded: dict[str, str] = json.loads(text)
    return loaded


def test_both_languages_say_the_same_things() -> None:
    zh, en = strings("zh"), strings("en")
    assert list(zh) == list(en)
    for key in zh:
        assert zh[key], key
        assert set(re.findall(r"\{\w+\}", zh[key])) == set(re.findall(r"\{\w+\}", en[key])), key


def test_every_string_the_page_asks_for_exists() -> None:
    keys = set(strings("zh"))
    for module in modules():
        for key in re.findall(r"(?<![\w.])t\((?:\w+ \? )?'([\w.]+)'", module.read_text("utf-8")):
            assert key in keys, f"{module.name}: {key}"


def test_every_string_is_used_by_the_page() -> None:
    code = "".join(module.read_text("utf-8") for module in modules())
    open_groups = (
        "role.",
        "tier.",
        "install.verdict.",
        "install.mark.",
        "install.check.",
        "install.advice.",
        "offer.confidence_",
        "reason.",
    )  # chosen by value
    assert [key for key in strings("zh") if f"'{key}'" not in code and not key.startswith(open_groups)] == []


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_contrast_meets_wcag_aa(theme: str, text: str, ground: str) -> None:
    """WCAG 2.2 success criterion 1.4.3: 4.5 to 1."""
    light, dark = (yingbin.assets.folder() / "tokens.css").read_text("utf-8").split("@media", 1)
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if theme == "light" else dark))
    bright, dim = sorted((_luminance(tokens[text]), _luminance(tokens[ground])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5
