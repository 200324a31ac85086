"""Settings: file, then environment; every mistake is named."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from yingbin.errors import BadConfiguration
from yingbin.settings import Settings


class Example(Settings):
    model_config = SettingsConfigDict(env_prefix="YINGBIN_EXAMPLE_")

    port: int = 1
    timeout_s: float


def test_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.toml"
    file.write_text("port = 2\ntimeout_s = 1.5\n")
    assert Example.load(file).port == 2
    monkeypatch.setenv("YINGBIN_EXAMPLE_PORT", "3")
    assert Example.load(file).port == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "timeout_s"),
        ("timeout_s = 1\nprot = 2", "prot"),
        ("timeout_s = 'soon'", "timeout_s"),
        ("timeout_s =", "cannot read settings file"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text)
    with pytest.raises(BadConfiguration, match=says):
        Example.load(file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"absent\.toml"):
        Example.load(tmp_path / "absent.toml")
