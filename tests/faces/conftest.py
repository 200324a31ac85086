import os
import shutil
from pathlib import Path

import cv2
import insightface
import pytest
import skimage.data

from yingbin.faces.build import pull_default_pack
from yingbin.faces.engine import FaceEngine
from yingbin.faces.face import Face, Image
from yingbin.faces.pack import ModelPack, PackNotFound, models_root

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    """Return the pack that `yingbin models pull` made, or one built now from the installed wheel."""
    try:
        return ModelPack.load(root=models_root())
    except PackNotFound:
        return pull_default_pack(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def engine(pack: ModelPack) -> FaceEngine:
    return FaceEngine.load(pack)


@pytest.fixture(scope="session")
def group() -> Image:
    """Insightface's bundled photo of six people, 1280 x 886."""
    return cv2.imread(str(Path(insightface.__file__).parent / "data" / "images" / "t1.jpg"))


@pytest.fixture(scope="session")
def group_faces(engine: FaceEngine, group: Image) -> list[Face]:
    return sorted(engine.detect(group, (640, 640)), key=lambda face: face.box[0])


@pytest.fixture(scope="session")
def portrait() -> Image:
    """scikit-image's photo of one astronaut, 512 x 512."""
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)


@pytest.fixture
def copied_pack(pack: ModelPack, tmp_path: Path) -> Path:
    """Return a root with a copy of the pack that a test may damage."""
    shutil.copytree(pack.folder, tmp_path / "models" / pack.name)
    return tmp_path
