"""The province's keys: a box with two, a key store that lacks one, and what many renewals do to a cosine."""

import base64
from pathlib import Path

import numpy as np
import pytest
from province_harness import DIMENSION, World, vector_of

from province_server.keys import PROVINCE, Keys, UnknownKey
from yingbin.feed_wire import FeedKind
from yingbin.galleries import protect
from yingbin.galleries.protect import Domain
from yingbin.trust.keystore import FileKeyStore


def test_box_renewal_takes_both_bundles_until_it_is_finished(world: World) -> None:
    box = world.bundle_b
    path = f"renewals/boxes/{box.box_id}"
    new = world.call("POST", path).json()
    assert world.call("POST", path).json() == new, "asked again after a crash, the same bundle"
    (entry,) = world.b.kinds(FeedKind.BOX)
    new_domain = Domain.of(np.frombuffer(base64.b64decode(new["transform_base64"]), "<f4").reshape(128, 128))
    assert set(entry.to_city) == {box.key_id, new_domain.key_id}
    raw = vector_of(b"anybody")
    at_city = [
        protect.apply(protect.decode_transform(entry.to_city[key_id], DIMENSION), protect.apply(transform, raw))
        for key_id, transform in ((box.key_id, box.transform), (new_domain.key_id, new_domain.transform))
    ]
    np.testing.assert_allclose(at_city[0], at_city[1], atol=1e-5)
    assert world.call("POST", f"{path}/finish").status_code == 204
    (entry,) = world.b.kinds(FeedKind.BOX)
    assert set(entry.to_city) == {new_domain.key_id}
    assert world.call("POST", "renewals/boxes/nowhere").status_code == 404


def test_key_store_without_the_key_of_a_template_says_so(tmp_path: Path) -> None:
    one = Keys(FileKeyStore(tmp_path / "one", "correct horse"), DIMENSION)
    other = Keys(FileKeyStore(tmp_path / "other", "correct horse"), DIMENSION)
    key_sealed, vector_sealed = one.seal_vector(vector_of(b"li"))
    with pytest.raises(UnknownKey, match="key store has not"):
        other.open_vector(one.domains(PROVINCE)[0].key_id, key_sealed, vector_sealed)


@pytest.mark.parametrize("dimension", [128, pytest.param(512, marks=pytest.mark.long)])
def test_C8_twenty_renewals_keep_every_cosine(dimension: int, tmp_path: Path) -> None:
    """As the province does it: each renewal maps what it has stored, so rounding could add up."""
    keys = Keys(FileKeyStore(tmp_path / "keys", "correct horse"), dimension)
    rng = np.random.default_rng(5)
    raw = rng.standard_normal((60, dimension)).astype(np.float32)
    raw[30:] = raw[:30] + rng.standard_normal((30, dimension)).astype(np.float32)
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    vectors, source = raw, Domain.of(np.eye(dimension, dtype=np.float32))
    for _ in range(20):
        target = Domain.of(protect.random_transform(dimension))
        vectors, source = keys.mapped(vectors, source, target), target
    drift = np.abs(raw @ raw.T - vectors @ vectors.T).max()
    assert drift <= 1e-3
    assert drift < 5e-6, "measured: 1e-6"
