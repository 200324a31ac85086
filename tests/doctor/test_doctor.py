"""Each check, and the command that runs them."""

import json
import resource
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yingbin.doctor import checks, volume
from yingbin.doctor.checks import Level
from yingbin.doctor.cli import app
from yingbin.doctor.volume import Volume
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.keystore import FileKeyStore


def test_a_file_with_a_secret_is_its_owners_alone(tmp_path: Path) -> None:
    secret = tmp_path / "city.key"
    assert checks.private_file("key_file", secret).level is Level.ERROR
    secret.write_bytes(b"x")
    secret.chmod(0o640)
    open_to_others = checks.private_file("key_file", secret)
    assert (open_to_others.level, open_to_others.advice) == (Level.ERROR, f"chmod 600 {secret}")
    secret.chmod(0o600)
    assert checks.private_file("key_file", secret).level is Level.OK


def test_a_key_store_must_open(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    assert checks.key_store(path, "right").level is Level.WARNING
    assert not path.exists()
    FileKeyStore(path, "right").put("name", b"secret")
    assert checks.key_store(path, "right").level is Level.OK
    wrong = checks.key_store(path, "wrong")
    assert wrong.level is Level.ERROR
    assert "wrong passphrase" in wrong.found


def test_a_database_is_missing_old_or_right(tmp_path: Path) -> None:
    url, tree = f"sqlite:///{tmp_path / 'sub' / 'city.db'}", migrate.Tree.CITY
    assert checks.database(url, tree).level is Level.WARNING
    assert not (tmp_path / "sub").exists()
    database = Database(url)
    database.check()
    old = checks.database(url, tree)
    assert (old.level, old.found) == (Level.WARNING, "older than this version")
    migrate.upgrade(database, tree)
    assert checks.database(url, tree).level is Level.OK
    database.close()


def test_a_database_that_does_not_answer_is_an_error() -> None:
    assert checks.database("not a url", migrate.Tree.CITY).level is Level.ERROR
    assert checks.database("sqlite:////proc", migrate.Tree.CITY).level is Level.ERROR


def test_a_taken_port_is_pointed_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert checks.port("127.0.0.1", number).level is Level.WARNING
    assert checks.port("127.0.0.1", 0).level is Level.OK


def test_swap_in_the_clear_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n")
    assert checks.swap(tmp_path).level is Level.OK
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/dev/sdz9 partition 1 0 -2\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("CapEff:\t0000000000000000\n")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8 << 20, 8 << 20))
    exposed = checks.swap(tmp_path)
    assert (exposed.level, exposed.found) == (Level.WARNING, "in the clear on /dev/sdz9")
    (tmp_path / "self" / "status").write_text("CapEff:\t0000000000004000\n")
    assert "lock their memory" in checks.swap(tmp_path).found
    monkeypatch.setattr(volume, "is_encrypted_device", lambda _: True)
    assert checks.swap(tmp_path).found == "off, encrypted or in memory"


def test_swap_is_no_risk_where_memory_may_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/dev/sdz9 partition 1 0 -2\n")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert checks.swap(tmp_path).level is Level.OK


def test_core_dumps_are_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, 0))
    assert checks.core_dumps().level is Level.OK
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert checks.core_dumps().level is Level.WARNING


def test_a_clock_is_looked_at() -> None:
    assert checks.clock().level in {Level.OK, Level.WARNING}


@pytest.mark.parametrize(("free", "level"), [(10**8, Level.ERROR), (10**9, Level.WARNING), (10**12, Level.OK)])
def test_free_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert checks.free_space(tmp_path / "not yet").level is level


@pytest.mark.parametrize(
    ("volume", "accepted", "level"),
    [
        (Volume.PLAIN, False, Level.ERROR),
        (Volume.PLAIN, True, Level.WARNING),
        (Volume.ENCRYPTED, False, Level.OK),
        (Volume.MEMORY, False, Level.OK),
    ],
)
def test_C8_milvus_needs_an_encrypted_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, volume: Volume, accepted: bool, level: Level
) -> None:
    monkeypatch.setattr(checks, "volume_of", lambda _: volume)
    finding = checks.plain_vectors(tmp_path, accepted=accepted)
    assert finding.level is level
    assert ("start the province every night" in finding.found) is (level is Level.OK)


def test_a_missing_pack_and_missing_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINGBIN_MODELS_ROOT", str(tmp_path))
    assert checks.model_pack("nobody").level is Level.ERROR
    monkeypatch.setattr(checks, "_LIBRARIES", {"libnobody.so.7": "libnobody7"})
    assert checks.libraries().advice == "apt-get install -y libnobody7"


def province(folder: Path, **more: object) -> Path:
    values = {
        "database_url": f"sqlite:///{folder / 'identity.db'}",
        "templates_database_url": f"sqlite:///{folder / 'templates.db'}",
        "keystore_file": str(folder / "keys"),
        "keystore_passphrase": "correct horse",
        "port": 0,
        **more,
    }
    file = folder / "province.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    return file


def test_the_command_examines_a_province(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["--province", str(province(tmp_path)), "--json"])
    found = {one["check"]: one for one in json.loads(run.stdout.splitlines()[-1])["findings"]}
    assert {"libraries", "swap", "core dumps", "clock", "settings of province", "model pack", "key store"} <= set(found)
    assert {"database province", "database templates", "port 0"} <= set(found)
    assert run.exit_code == int(any(one["level"] == "error" for one in found.values()))
    assert all(one["advice"] for one in found.values() if one["level"] != "ok")
    assert not list(tmp_path.glob("*.db"))


def test_C8_the_command_refuses_milvus_on_a_plain_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "volume_of", lambda _: Volume.PLAIN)
    for accepted, code in ((False, 1), (True, 0)):
        file = province(tmp_path, templates_index="milvus", milvus_folder=str(tmp_path / "m"))
        file.write_text(file.read_text() + f"milvus_plain_volume = {str(accepted).lower()}\n")
        run = CliRunner().invoke(app, ["--province", str(file), "--json"])
        found = {one["check"]: one["level"] for one in json.loads(run.stdout)["findings"]}
        assert (run.exit_code, found[f"volume of {tmp_path / 'm'}"]) == (code, "warning" if accepted else "error")


def test_the_command_examines_a_city_and_a_box(tmp_path: Path) -> None:
    secrets = [tmp_path / name for name in ("city.key", "box.key", "box.bundle")]
    for secret in secrets[:2]:
        secret.write_bytes(b"x")
        secret.chmod(0o600)
    city = tmp_path / "city.toml"
    city.write_text(
        f'city_id = "c"\nkey_file = "{secrets[0]}"\ndatabase_url = "sqlite:///{tmp_path / "city.db"}"\nport = 0\n'
        f'keystore_file = "{tmp_path / "keys"}"\nkeystore_passphrase = "p"\nprovince_url = "http://127.0.0.1:1"\n'
    )
    box = tmp_path / "box.toml"
    box.write_text(
        f'city_url = "ws://127.0.0.1:1/v1/box"\nkey_file = "{secrets[1]}"\nbundle_file = "{secrets[2]}"\n'
        '[[cameras]]\ncamera_id = "c"\nsource = "0"\n'
    )
    run = CliRunner().invoke(app, ["--city", str(city), "--edge", str(box), "--json"])
    found = {one["check"]: one["level"] for one in json.loads(run.stdout)["findings"]}
    assert found["database city"] == "warning"
    assert found[f"key_file {secrets[0]}"] == found[f"key_file {secrets[1]}"] == "ok"
    assert found[f"bundle_file {secrets[2]}"] == "error"
    assert run.exit_code == 1


def test_the_command_fails_on_settings_that_cannot_be_used(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["--province", str(province(tmp_path, colour="red"))])
    assert run.exit_code == 1
    assert "colour" in run.stdout


def test_the_command_alone_looks_at_the_machine() -> None:
    run = CliRunner().invoke(app, ["--json"])
    assert [one["check"] for one in json.loads(run.stdout)["findings"]] == ["libraries", "swap", "core dumps", "clock"]
