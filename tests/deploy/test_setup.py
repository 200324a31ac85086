"""The set-up script on a machine that lacks something: one line that names what apt must add, and nothing done."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "deploy" / "setup.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("yingbin_setup", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_line_names_everything_apt_must_add(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(script, "LIBRARIES", {"libgl1": "libabsent-one.so.1", "libgomp1": "libabsent-two.so.1"})
    monkeypatch.setattr(sys, "argv", ["setup.py", "--venv", str(tmp_path / "venv")])
    assert script.main() == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines == ["Missing system packages. Run: sudo apt-get install -y libgl1 libgomp1"]
    assert not (tmp_path / "venv").exists()


def test_a_step_that_fails_says_which_and_shows_its_end(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.run("[1/1] example", [sys.executable, "-c", "print('the cause'); raise SystemExit(3)"]) == 3
    assert "the cause" in capsys.readouterr().err
