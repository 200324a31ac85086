"""The galleries are bound to one model pack, and say so when they outgrow it."""

import pytest
from province_harness import StandInReader, World

from province_server.app import Stores, build
from province_server.settings import ProvinceSettings
from yingbin.errors import BadConfiguration
from yingbin.faces.scores import ScoreModel


@pytest.fixture
def small_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInReader, "scores", ScoreModel(0.0, 0.09, fit_for_templates=1))


def test_enrolment_warns_when_the_galleries_outgrow_the_pack(small_pack: None, world: World) -> None:
    world.customer("li", world.branch_a)
    assert world.photo("li", b"li").json()["warnings"] == []
    world.customer("wang", world.branch_a)
    reply = world.photo("wang", b"wang")
    assert reply.status_code == 201
    (warning,) = reply.json()["warnings"]
    assert "hold 2 templates, but model pack stand-in-00000000 is fit for 1" in warning
    assert world.found("wang") == "wang"
    metrics = world.http.get("/metrics").text
    assert "yingbin_province_templates 2.0" in metrics
    assert "yingbin_province_pack_fit_for_templates 1.0" in metrics


@pytest.mark.parametrize(
    ("dimension", "says"), [(128, "were made with model pack stand-in-00000000"), (512, "made for another model pack")]
)
def test_a_province_does_not_start_with_another_pack_than_its_templates(
    world: World, settings: ProvinceSettings, monkeypatch: pytest.MonkeyPatch, dimension: int, says: str
) -> None:
    world.enrolled("li", world.branch_a)
    monkeypatch.setattr(StandInReader, "pack_id", "other-11111111")
    monkeypatch.setattr(StandInReader, "dimension", dimension)
    stores = Stores.open(settings)
    with pytest.raises(BadConfiguration, match=says):
        build(settings, stores, StandInReader())
    stores.close()
