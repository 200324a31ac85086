"""`yingbin province renew` against a running province."""

import base64
from pathlib import Path

import msgspec
import pytest
from province_harness import World
from typer.testing import CliRunner, Result

from province_server.cli import app
from province_server.keys import PROVINCE, box_key, city_key
from yingbin.errors import BadConfiguration, Unavailable
from yingbin.report_wire import BundleInUse
from yingbin.trust.devices import BoxBundle

PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def signed_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = {"staff_id": "admin", "display_name": "admin", "role": "gallery_admin", "password": PASSWORD}
    world.made("staff", admin)
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", PASSWORD)


def run(world: World, *arguments: str, fails: type[Exception] | None = None) -> Result:
    result = CliRunner().invoke(app, ["renew", *arguments, "--staff-id", "admin", "--url", world.url])
    assert (type(result.exception) if result.exception else None) is fails, result.exception
    return result


def test_renewing_the_province(world: World) -> None:
    world.enrolled("li", world.branch_a)
    before = world.province.keys.domains(PROVINCE)
    assert "renewed" in run(world, "province").output
    (after,) = world.province.keys.domains(PROVINCE)
    assert after not in before
    assert world.found("li") == "li"


def test_renewing_a_city_that_is_lost(world: World) -> None:
    before = world.province.keys.domains(city_key(world.a.city_id))
    assert "renewed" in run(world, "city", world.a.city_id, "--now").output
    assert world.province.keys.domains(city_key(world.a.city_id))[0] not in before
    assert "there is no city" in str(run(world, "city", "nowhere", fails=BadConfiguration).exception)


def test_renewing_a_box(world: World, tmp_path: Path) -> None:
    path, box_id = tmp_path / "bundle.json", world.bundle_a.box_id
    run(world, "box", box_id, "--bundle", str(path))
    bundle = BoxBundle.load(path)
    serving, newest = world.province.keys.domains(box_key(box_id))
    assert (serving.key_id, newest.key_id) == (world.bundle_a.key_id, bundle.key_id)
    assert msgspec.structs.replace(bundle, transform_base64="") == msgspec.structs.replace(
        world.bundle_a, transform_base64=""
    )
    assert base64.b64decode(bundle.transform_base64)
    run(world, "box", box_id, "--finish")
    assert world.province.keys.domains(box_key(box_id)) == (newest,)
    run(world, "box", box_id, fails=BadConfiguration)


def test_a_boxs_old_key_is_not_destroyed_while_the_box_uses_it(world: World, tmp_path: Path) -> None:
    box_id, old = world.bundle_a.box_id, world.bundle_a.key_id
    run(world, "box", box_id, "--bundle", str(tmp_path / "bundle.json"))
    serving, newest = world.province.keys.domains(box_key(box_id))

    def says(key_id: str, at_ms: int) -> None:
        content = msgspec.msgpack.encode([BundleInUse(box_id, key_id, at_ms)])
        assert world.a.ask("POST", "bundles", content=content).status_code == 204

    says(old, 10)
    refused = run(world, "box", box_id, "--finish", fails=BadConfiguration)
    assert "old bundle" in str(refused.exception)
    assert world.province.keys.domains(box_key(box_id)) == (serving, newest)
    says(newest.key_id, 20)
    run(world, "box", box_id, "--finish")
    assert world.province.keys.domains(box_key(box_id)) == (newest,)
    run(world, "box", box_id, "--bundle", str(tmp_path / "next.json"))
    run(world, "box", box_id, "--finish", "--force")
    assert newest not in world.province.keys.domains(box_key(box_id))


def test_a_province_that_does_not_answer_or_does_not_know_us(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["renew", "province", "--staff-id", "admin", "--url", "http://127.0.0.1:9"])
    assert isinstance(result.exception, Unavailable)
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", "wrong")
    assert "refuses" in str(run(world, "province", fails=BadConfiguration).exception)
