"""Errors of the command line: one clear sentence, exit code 1, nothing started."""

import socket
import subprocess
import sysconfig
from pathlib import Path

import pytest

YINGBIN = Path(sysconfig.get_path("scripts")) / "yingbin"


def _demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(YINGBIN), "demo", "--once", "--json", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("video", "why"), [("none.mp4", "there is no such file"), ("empty.mp4", "empty"), ("text.mp4", "not a video")]
)
def test_unusable_video(tmp_path: Path, video: str, why: str) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    run = _demo("--video", tmp_path / video, "--enrol", tmp_path)
    assert run.returncode == 1
    assert why in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_empty_enrol_folder(tmp_path: Path) -> None:
    run = _demo("--video", "rtsp://127.0.0.1:9/none", "--enrol", tmp_path)
    assert run.returncode == 1
    assert "no photos found" in " ".join(run.stderr.split())
    assert run.stdout == ""


def test_keep_folder_must_be_empty(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    run = _demo("--keep", tmp_path)
    assert run.returncode == 1
    assert "not empty" in " ".join(run.stderr.split())


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = _demo("--port", str(taken.getsockname()[1]), "--keep", tmp_path / "run")
    assert run.returncode == 1
    assert "cannot listen" in " ".join(run.stderr.split())
    assert not (tmp_path / "run").exists()
