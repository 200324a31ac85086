"""The default pack's goals on the shared photos. Development figures: gates and tail were chosen on them."""

from pathlib import Path

import pytest

from bench.eval_faces import judge_faces, load_photos
from bench.face_set import read_manifest, read_pairs
from yingbin.faces.pack import DEFAULT_PACK

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
pytestmark = pytest.mark.shared


def test_the_default_pack_meets_its_goals() -> None:
    photos = read_manifest(FACES / "manifest.csv")
    faces, scores = load_photos(photos, FACES / "manifest.csv", DEFAULT_PACK)
    figures = judge_faces(faces, read_pairs(FACES / "pairs.csv", photos), scores).figures
    assert figures["failure_to_acquire"] <= 0.02
    assert figures["auc"] >= 0.999
    assert figures["tar_at_far_1e3"] >= 0.99
    assert figures["open_set"]["fpir"] == figures["open_set_splits"]["fpir"] == 0.0
    assert figures["open_set"]["misidentified"] == 0
