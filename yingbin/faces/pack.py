"""Model packs: a folder with two ONNX files, an insightface V2 manifest, a licence, and our score statistics.

Layout (insightface's): `<root>/models/<name>/manifest.json`. `yingbin.json` beside it holds what insightface does not
know: how scores of different people spread, and the gallery size the pack is fit for.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from pydantic import Field

from yingbin.errors import BadConfiguration
from yingbin.faces.scores import ScoreModel
from yingbin.settings import Settings

_T = TypeVar("_T")

DEFAULT_PACK = "opencv-zoo"
CROP_PX = 112
MANIFEST = "manifest.json"
EXTRAS = "yingbin.json"
LICENCE = "MODEL.LICENSE"


class PackNotFound(BadConfiguration):
    """There is no model pack (or nothing to build it from) where it was looked for."""

    code = "pack_not_found"


class PackDamaged(BadConfiguration):
    """A file of the pack, or of its source, is missing, unreadable or does not have its sha256."""

    code = "pack_damaged"


class PackMismatch(BadConfiguration):
    """The pack's files are intact but do not do what the manifest says, or not what Yingbin needs."""

    code = "pack_mismatch"


class ModelSettings(Settings, env_prefix="YINGBIN_MODELS_"):
    """Where model packs live: environment variable `YINGBIN_MODELS_ROOT`."""

    root: Path = Field(
        default=Path(sys.prefix) / "share" / "yingbin",
        title="Models root",
        description="Folder whose sub-folder `models/` holds one folder per pack.",
    )


def models_root() -> Path:
    """Return the configured root of all packs; packs are in its sub-folder `models`."""
    return ModelSettings.load(None).root.expanduser().absolute()


class PackExtras(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of `yingbin.json`. `files`: sha256 of files the manifest does not cover, such as the licence."""

    scores: ScoreModel = ScoreModel()
    licence_name: str = ""
    files: dict[str, str] = {}


class _Normalisation(msgspec.Struct, frozen=True):
    mean: float
    std: float


class _Task(msgspec.Struct, frozen=True):
    """All four are optional for insightface, which then guesses; a wrong guess costs accuracy without any error."""

    file: str
    sha256: str
    preprocessing: _Normalisation | Literal["embedded"]


class _Recognition(_Task, frozen=True):
    embedding_dimension: int
    input_size: tuple[int, int] = (CROP_PX, CROP_PX)


class _Tasks(msgspec.Struct, frozen=True):
    detection: _Task
    recognition: _Recognition


class _Manifest(msgspec.Struct, frozen=True):
    manifest_version: Literal[2]
    model_id: str
    license: str
    tasks: _Tasks


@dataclass(frozen=True, slots=True)
class ModelPack:
    """A pack whose files are on this machine and have their sha256.

    `pack_id` names the recogniser exactly (name and first 8 hex digits of its sha256): templates of two packs with
    different ids must never be compared. `dimension` is the manifest's; `FaceEngine.load` proves it against the model.
    `scores` are those in force: a calibration that was applied on this machine, else `shipped_scores`, the pack's own.
    """

    pack_id: str
    name: str
    folder: Path
    dimension: int
    licence_name: str
    licence_text: str
    shipped_scores: ScoreModel
    scores: ScoreModel

    @classmethod
    def load(cls, name: str = DEFAULT_PACK, root: Path | None = None) -> "ModelPack":
        """Read and verify `<root>/models/<name>`.

        Raises `PackNotFound`, `PackDamaged` (names the file) or `PackMismatch` (manifest incomplete or unusable).
        """
        folder = (root or models_root()) / "models" / name
        if Path(name).name != name or not (folder / MANIFEST).is_file():
            raise PackNotFound(f"no model pack '{name}' at {folder}: run `yingbin models pull`, or copy the pack there")
        manifest = _read(folder / MANIFEST, _Manifest)
        extras = _read(folder / EXTRAS, PackExtras) if (folder / EXTRAS).exists() else PackExtras()
        tasks = (manifest.tasks.detection, manifest.tasks.recognition)
        for file, digest in [*((task.file, task.sha256) for task in tasks), *extras.files.items()]:
            _verify(folder, file, digest)
        recognition = manifest.tasks.recognition
        if recognition.input_size != (CROP_PX, CROP_PX):
            raise PackMismatch(
                f"{folder}: the recogniser wants {recognition.input_size} px, only 112 x 112 is supported"
            )
        licence_text = _inside(folder, manifest.license).read_text("utf-8")
        pack_id = f"{manifest.model_id}-{recognition.sha256[:8]}"
        applied = calibration_file(pack_id, root)
        return cls(
            pack_id=pack_id,
            name=name,
            folder=folder,
            dimension=recognition.embedding_dimension,
            licence_name=extras.licence_name or next(iter(licence_text.split("\n")), ""),
            licence_text=licence_text,
            shipped_scores=extras.scores,
            scores=_read(applied, ScoreModel) if applied.exists() else extras.scores,
        )


def calibration_file(pack_id: str, root: Path | None = None) -> Path:
    """Return where score statistics that were refitted on this site's own searches are looked for.

    Apart from the pack's folder, so that pulling the pack again keeps them.
    """
    return (root or models_root()) / "calibrations" / f"{pack_id}.json"


def list_packs(root: Path | None = None) -> list[str]:
    """Return the names of all pack folders under `root`, sorted; a half-built pack never counts."""
    folders = ((root or models_root()) / "models").glob(f"*/{MANIFEST}")
    return sorted(path.parent.name for path in folders if not path.parent.name.startswith("."))


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 lower-case hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(
    folder: Path,
    model_id: str,
    display_name: str,
    *,
    detection: tuple[str, dict[str, float]],
    recognition: tuple[str, dict[str, float], int],
) -> None:
    """Write insightface's manifest V2 into `folder`, which holds the files and the licence.

    `detection` is (file, {mean, std}), `recognition` (file, {mean, std}, numbers in a template).
    """

    def task(file: str, preprocessing: dict[str, float]) -> dict[str, object]:
        return {"file": file, "sha256": sha256_of(folder / file), "preprocessing": preprocessing}

    manifest = {
        "manifest_version": 2,
        "model_id": model_id,
        "display_name": display_name,
        "license": LICENCE,
        "tasks": {
            "detection": task(*detection),
            "recognition": {**task(*recognition[:2]), "embedding_dimension": recognition[2]},
        },
    }
    write_json(folder / MANIFEST, manifest)


def write_json(path: Path, content: object) -> None:
    """Write a file of a pack, or of its statistics, in the same bytes each time."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.ValidationError as error:
        raise PackMismatch(f"{path}: {error}; Yingbin needs it stated, it does not guess") from error
    except (OSError, msgspec.DecodeError) as error:
        raise PackDamaged(f"{path} cannot be read: {error}") from error


def _inside(folder: Path, file: str) -> Path:
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise PackDamaged(f"{folder}: the file '{file}' is missing; copy the pack again or run `yingbin models pull`")
    return path


def _verify(folder: Path, file: str, digest: str) -> None:
    actual = sha256_of(_inside(folder, file))
    if actual != digest:
        raise PackDamaged(
            f"{folder / file} is not the pack's file (sha256 {actual[:12]}..., expected {digest[:12]}...);"
            " remove the folder and run `yingbin models pull`, or copy the pack again"
        )
