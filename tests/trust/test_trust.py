"""Keys, seals, tokens, consent: what is forged, expired, moved or missing is refused by name."""

import itertools
from pathlib import Path

import pytest

from yingbin.errors import BadConfiguration, NotAuthenticated, NotFound
from yingbin.trust import staff
from yingbin.trust.consent import ConsentMissing, Purpose, require
from yingbin.trust.devices import DeviceKey, challenge_text, verify_signature
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.seal import SealBroken, Sealer

KEY = bytes(range(32))


def test_seal_opens_only_where_it_belongs() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"plain", "row 1")
    assert sealer.open(sealed, "row 1") == b"plain"
    for broken, context in ((sealed, "row 2"), (sealed[:-1], "row 1"), (b"", "row 1"), (sealed[::-1], "row 1")):
        with pytest.raises(SealBroken):
            sealer.open(broken, context)
    with pytest.raises(SealBroken):
        Sealer(bytes(32)).open(sealed, "row 1")


def test_keystore_survives_restart_and_refuses_a_wrong_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    store = FileKeyStore(path, "correct horse")
    made = store.get_or_create("a", 32)
    store.put("b", b"secret-b")
    store.destroy("b")
    assert path.stat().st_mode & 0o077 == 0
    again = FileKeyStore(path, "correct horse")
    assert again.get_or_create("a", 32) == made
    with pytest.raises(NotFound):
        again.get("b")
    assert b"secret-b" not in path.read_bytes()
    with pytest.raises(BadConfiguration, match="passphrase"):
        FileKeyStore(path, "wrong")
    with pytest.raises(BadConfiguration, match="passphrase"):
        FileKeyStore(tmp_path / "new", "")


def test_processes_that_share_a_keystore_keep_each_others_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    one, other = FileKeyStore(path, "p"), FileKeyStore(path, "p")  # each has read the file before the other wrote
    one.put("a", b"1")
    assert other.get("a") == b"1"
    other.put("b", b"2")
    one.destroy("a")
    other.put("c", b"3")
    again = FileKeyStore(path, "p")
    assert (again.get("b"), again.get("c")) == (b"2", b"3")
    with pytest.raises(NotFound):
        again.get("a")
    assert one.get_or_create("d", 16) == other.get_or_create("d", 16)


def test_keystore_keeps_the_old_file_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileKeyStore(tmp_path / "keys", "p")
    store.put("a", b"1")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yingbin.trust.keystore.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put("b", b"2")
    monkeypatch.undo()
    assert FileKeyStore(tmp_path / "keys", "p").get("a") == b"1"
    assert [p.name for p in tmp_path.iterdir()] == ["keys"]


def test_device_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    key = DeviceKey.generate()
    key.save(tmp_path / "key")
    assert DeviceKey.load(tmp_path / "key").public_bytes == key.public_bytes
    with pytest.raises(FileExistsError):
        DeviceKey.generate().save(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(BadConfiguration, match="chmod 600"):
        DeviceKey.load(tmp_path / "key")
    with pytest.raises(BadConfiguration, match="keys device"):
        DeviceKey.load(tmp_path / "absent")


def test_a_signature_counts_for_one_box_one_nonce_one_city() -> None:
    key = DeviceKey.generate()
    text = challenge_text(b"n" * 32, "city", "box", "boot", "pack", "key")
    verify_signature(key.public_bytes, key.sign(text), text)
    for other in (
        challenge_text(b"m" * 32, "city", "box", "boot", "pack", "key"),
        challenge_text(b"n" * 32, "other", "box", "boot", "pack", "key"),
        challenge_text(b"n" * 32, "city", "other", "boot", "pack", "key"),
    ):
        with pytest.raises(NotAuthenticated):
            verify_signature(key.public_bytes, key.sign(text), other)
    with pytest.raises(NotAuthenticated):
        verify_signature(DeviceKey.generate().public_bytes, key.sign(text), text)


def test_staff_token_is_bound_to_server_key_and_time() -> None:
    token = staff.issue_staff_token(KEY, "yingbin-city:a", "rm-1", staff.Role.RM, "branch-1", now_s=1000.0)
    read = staff.read_staff_token(KEY, "yingbin-city:a", token, now_s=2000.0)
    assert (read.staff_id, read.role, read.branch_id) == ("rm-1", staff.Role.RM, "branch-1")
    for key, audience, now in (
        (bytes(32), "yingbin-city:a", 2000.0),
        (KEY, "yingbin-city:b", 2000.0),
        (KEY, "yingbin-city:a", 1000.0 + staff.STAFF_TOKEN_TTL_S),
    ):
        with pytest.raises(NotAuthenticated):
            staff.read_staff_token(key, audience, token, now_s=now)
    for forged in ("", "a.b.c", token + "x", token.split(".")[0] + "." + token.split(".")[1] + "."):
        with pytest.raises(NotAuthenticated):
            staff.read_staff_token(KEY, "yingbin-city:a", forged, now_s=2000.0)


def test_city_token_proves_the_city_key() -> None:
    key = DeviceKey.generate()
    token = staff.issue_city_token(key, "city-1", "yingbin-province", now_s=1000.0)
    known = {"city-1": key.public_bytes}
    assert staff.read_city_token(token, known.__getitem__, "yingbin-province", now_s=1001.0) == "city-1"
    with pytest.raises(NotAuthenticated):
        staff.read_city_token(token, lambda _city: DeviceKey.generate().public_bytes, "yingbin-province", now_s=1001.0)
    with pytest.raises(NotAuthenticated):
        staff.read_city_token(token, known.__getitem__, "yingbin-province", now_s=1100.0)
    with pytest.raises(NotAuthenticated):
        staff.read_city_token("nonsense", known.__getitem__, "yingbin-province", now_s=1001.0)


def test_pin_is_checked_against_its_hash() -> None:
    hashed = staff.hash_pin("4711")
    staff.check_pin(hashed, "4711")
    for pin_hash, pin in ((hashed, "4712"), ("not a hash", "4711")):
        with pytest.raises(NotAuthenticated):
            staff.check_pin(pin_hash, pin)


@pytest.mark.parametrize(("granted", "needed"), list(itertools.product(Purpose, Purpose)))
def test_C1_consent_for_one_purpose_never_permits_another(granted: Purpose, needed: Purpose) -> None:
    if granted is needed:
        require({granted}, needed)
    else:
        with pytest.raises(ConsentMissing, match=needed.value):
            require({granted}, needed)
