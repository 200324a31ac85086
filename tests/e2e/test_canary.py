"""C2: after a run of the real tiers, a stranger's vector is nowhere: no file, no database, no log, in any domain."""

import json
from pathlib import Path

import numpy as np
from ports import free_port
from running_bank import WatchedHouse, found_bank
from websockets.sync.client import ClientConnection, connect

from demo.setup import Bank
from province_server.keys import PROVINCE, Keys, city_key
from yingbin import wire
from yingbin.faces.pack import ModelPack
from yingbin.galleries import protect
from yingbin.galleries.decide import MAX_LOOKS
from yingbin.galleries.protect import Vector
from yingbin.ids import now_ms
from yingbin.trust.devices import BoxBundle, DeviceKey, challenge_text
from yingbin.trust.keystore import FileKeyStore

BOOT = "cafe0001"


def enter(line: ClientConnection, bank: Bank, bundle: BoxBundle) -> wire.Camera:
    """Prove the box's key, as `yingbin edge run` does, and return its camera."""
    challenge = wire.decode_from_city(line.recv(decode=False))
    assert isinstance(challenge, wire.Challenge)
    key = DeviceKey.load(Path(bank.box_settings["key_file"]))
    text = challenge_text(challenge.nonce, challenge.city_id, bundle.box_id, BOOT, bundle.pack_id, bundle.key_id)
    line.send(wire.encode(wire.Proof(bundle.box_id, BOOT, bundle.pack_id, bundle.key_id, key.sign(text))))
    welcome = wire.decode_from_city(line.recv(decode=False))
    assert isinstance(welcome, wire.Welcome)
    return welcome.cameras[0]


def files_with(folder: Path, vectors: list[Vector]) -> list[str]:
    """Return the files that hold any four consecutive numbers of a vector, binary or as text."""
    needles = [
        np.asarray(vector[start : start + 4], kind).tobytes()
        for vector in vectors
        for kind in ("<f2", "<f4", "<f8")
        for start in range(0, len(vector), 4)
    ]
    needles += [protect.encode_probe(vector)[:12].hex().encode() for vector in vectors]
    needles += [json.dumps([round(float(x), 4) for x in vector[:2]])[1:-1].encode() for vector in vectors]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files for raw in [path.read_bytes()] if any(needle in raw for needle in needles)]


def test_C2_a_strangers_vector_is_nowhere_after_a_run(tmp_path: Path) -> None:
    stranger = protect.normalise(np.random.default_rng(4711).standard_normal(128).astype(np.float32))
    with WatchedHouse(tmp_path) as house:
        bank = found_bank(house, free_port())
        bundle = BoxBundle.load(Path(bank.box_settings["bundle_file"]))
        assert bundle.pack_id == ModelPack.load().pack_id
        sent = protect.encode_probe(protect.apply(bundle.transform, stranger))
        with connect(bank.box_settings["city_url"]) as line:
            camera = enter(line, bank, bundle)
            assert camera.assessment is not None
            for look in range(MAX_LOOKS):
                event = wire.FaceEvent(
                    camera.camera_id, camera.assessment.assessment_id, 1, look, look, now_ms(), 80, 0.5, look + 1, sent
                )
                line.send(wire.encode(event))
                answer = wire.decode_from_city(line.recv(decode=False))
                assert isinstance(answer, wire.FaceAnswer)
                assert answer.outcome is not wire.Outcome.MATCHED
                if answer.outcome is wire.Outcome.NOT_ENROLLED:
                    break
        passphrase = house.started["province"][1]["YINGBIN_PROVINCE_KEYSTORE_PASSPHRASE"]

    keys = Keys(FileKeyStore(tmp_path / "province.keys", passphrase), 128)
    tiers = [domain for name in (city_key(bundle.city_id), PROVINCE) for domain in keys.domains(name)]
    transforms = [bundle.transform, *(domain.transform for domain in tiers)]
    domains = [stranger, *(protect.apply(transform, stranger) for transform in transforms)]
    assert {"province.db", "templates.db", "city-here.db"} <= {path.name for path in tmp_path.iterdir()}
    assert files_with(tmp_path, domains) == []


def test_C2_the_search_for_the_canary_finds_what_is_written(tmp_path: Path) -> None:
    vector = protect.normalise(np.random.default_rng(1).standard_normal(128).astype(np.float32))
    (tmp_path / "probe").write_bytes(b"header" + protect.encode_probe(vector))
    (tmp_path / "template").write_bytes(b"header" + protect.encode_template(vector))
    (tmp_path / "log").write_text(json.dumps({"vector": [round(float(x), 4) for x in vector]}))
    (tmp_path / "clean").write_bytes(bytes(1000))
    assert sorted(files_with(tmp_path, [vector])) == ["log", "probe", "template"]
