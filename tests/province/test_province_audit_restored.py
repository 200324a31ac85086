"""`yingbin audit acknowledge-restore` at a province whose database was put back from a backup (C12)."""

import json
import shutil
from pathlib import Path

from audit_chain import drop_guards
from click.testing import Result
from prometheus_client import REGISTRY
from province_harness import World, running
from sqlalchemy import text
from typer.testing import CliRunner

from province_server.settings import ProvinceSettings
from yingbin import wire
from yingbin.trust.audit import acknowledge
from yingbin.trust.audit.cli import app
from yingbin.trust.audit.exchange import Exchange
from yingbin.trust.audit.record import SignedHead, sign
from yingbin.trust.staff import Role


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def written(path: Path, heads: list[SignedHead]) -> str:
    """Write heads as `yingbin audit anchors` prints them at the tier that keeps them."""
    lines = [
        {
            "writer": one.head.writer, "seq": one.head.seq, "hash": one.head.hash.hex(), "at_ms": one.head.at_ms,
            "signature": one.signature.hex(),
        }
        for one in heads
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def head(world: World) -> SignedHead:
    trail = world.province.stores.trail.ledger
    with world.province.stores.identity.read() as session:
        return sign(trail.head(session), trail.key)


def test_C12_the_way_out_of_a_restored_backup_is_recorded_and_never_called_whole(
    settings: ProvinceSettings, tmp_path: Path
) -> None:
    config = tmp_path / "province.toml"
    values = {**settings.model_dump(mode="json", exclude_none=True), "keystore_passphrase": "correct horse"}
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    with running(settings, tmp_path) as world:
        world.customer("li", world.branch_a, ())
    shutil.copy(tmp_path / "identity.db", tmp_path / "backup.db")
    with running(settings, tmp_path / "second") as world:
        world.customer("lei", world.branch_a, ())
        lost = head(world)
    shutil.copy(tmp_path / "backup.db", tmp_path / "identity.db")
    anchors = written(tmp_path / "city.anchors", [lost])
    common = (f"--config={config}", f"--anchors={anchors}")
    broken = run("verify", *common)
    assert broken.exit_code == 1
    assert "truncated" in broken.stdout
    assert run("acknowledge-restore", "--by", "it-1", f"--config={config}").exit_code != 0, "it needs the heads"
    answered = run("acknowledge-restore", "--by", "it-1", "--why", "disk failed, backup of 02:00", *common)
    assert answered.exit_code == 0, answered.output
    statement = json.loads(answered.stdout.splitlines()[-1])
    assert (statement["writer"], statement["last"]) == ("province", lost.head.seq)
    verified = run("verify", "--json", *common)
    assert verified.exit_code == 3
    assert "acknowledged" in verified.stdout
    assert "[green]whole" not in verified.stdout
    told = json.loads(verified.stdout.splitlines()[-1])
    assert (told["faults"], [one["why"] for one in told["acknowledged"]]) == ([], ["disk failed, backup of 02:00"])
    with running(settings, tmp_path / "third") as world:  # and the auditor's page says so
        status = world.call("GET", "audit/verify", Role.AUDITOR).json()
        assert (status["fault"], status["complete"], len(status["acknowledged"])) == ("", True, 1)
        (entry,) = world.call("GET", "audit", Role.AUDITOR, params={"action": "audit_restored"}).json()["items"]
        assert (entry["actor_kind"], entry["role"], entry["details"]["why"]) == (
            "cli", "operator", "disk failed, backup of 02:00",
        )  # fmt: skip
        assert "it-1" not in str(entry)


def test_C12_alarm_and_page_say_acknowledged_without_a_restart(world: World) -> None:
    stores, key = world.province.stores, world.a.key.public_bytes
    world.customer("li", world.branch_a, ())
    lost = head(world)

    def told() -> float | None:
        """Exchange heads as city a does every minute; return the alarm."""
        content = wire.encode(Exchange(None, lost, key))
        assert world.a.ask("POST", "audit", content=content).status_code == 200
        return REGISTRY.get_sample_value("yingbin_audit_broken", {"writer": "province"})

    def status() -> tuple[str, bool, int]:
        found = world.call("GET", "audit/verify", Role.AUDITOR).json()
        return found["fault"], found["complete"], len(found["acknowledged"])

    told()
    with stores.identity.engine.begin() as connection:  # as after a backup of before
        drop_guards(connection)
        connection.execute(text("DELETE FROM audit_records WHERE seq >= :seq"), {"seq": lost.head.seq})
        connection.execute(
            text("UPDATE audit_heads SET (seq, hash) = (SELECT seq, hash FROM audit_records ORDER BY seq DESC LIMIT 1)")
        )
    assert told() == 1
    fault, complete, acknowledged = status()
    assert (f"record {lost.head.seq}" in fault, complete, acknowledged) == (True, True, 0)
    acknowledge.loss(stores.identity, stores.trail.ledger, [lost], "cli:root", "it-1", "disk failed")
    assert told() == 2
    assert status() == ("", True, 1)
