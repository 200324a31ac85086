"""The systemd units: no service that holds vectors or keys may swap, dump core, or write beyond its own folder."""

from pathlib import Path

import pytest

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


@pytest.mark.parametrize(("tier", "verb"), [("edge", "run"), ("city", "serve"), ("province", "serve")])
def test_C8_a_service_keeps_its_memory_to_itself(tier: str, verb: str) -> None:
    lines = (DEPLOY / f"yingbin-{tier}.service").read_text("utf-8").splitlines()
    assert {"LimitMEMLOCK=infinity", "MemorySwapMax=0", "LimitCORE=0", "ProtectSystem=strict"} <= set(lines)
    assert any(line.startswith("ExecStart=") and f"yingbin {tier} {verb} --config" in line for line in lines)
