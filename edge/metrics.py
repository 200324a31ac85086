"""What the box tells Prometheus: counters read when asked, so that counting costs the cameras nothing."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge.figures import PACE_S, BoxFigures, CameraFigures
from yingbin.wire import CameraState


class BoxCollector(Collector):
    """Reads the figures at each scrape."""

    def __init__(self, figures: Callable[[], BoxFigures]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return all families."""
        box = self._figures()
        yield CounterMetricFamily("yingbin_edge_events", "Looks admitted to the outbox.", box.events)
        yield CounterMetricFamily("yingbin_edge_events_lost", "Looks too old or without room.", box.events_lost)
        yield GaugeMetricFamily("yingbin_edge_events_waiting", "Looks the city has not answered.", box.events_waiting)
        yield GaugeMetricFamily("yingbin_edge_city_connected", "1 while the line to the city is up.", box.connected)
        yield GaugeMetricFamily("yingbin_edge_gallery", "Customers this box can recognise by itself.", box.gallery)
        yield from _counters(box.cameras)
        yield from _timings(box.cameras)
        fps = GaugeMetricFamily("yingbin_edge_fps", f"Frames a second over the last {PACE_S:g} s.", labels=["camera"])
        for camera in box.cameras:
            fps.add_metric([camera.camera_id], camera.fps)
        yield fps
        state = GaugeMetricFamily("yingbin_edge_camera_state", "1 where it holds.", labels=["camera", "state"])
        for camera in box.cameras:
            for name in CameraState:
                state.add_metric([camera.camera_id, name.value], float(camera.state is name))
        yield state


def _counters(cameras: tuple[CameraFigures, ...]) -> Iterator[Metric]:
    for name, sentence in (
        ("frames", "Frames taken from the source."),
        ("damaged", "Packets and pictures that could not be decoded."),
        ("faces", "Faces detected, over all detections."),
        ("tracks", "Tracks that are over."),
        ("reconnects", "Times the source was tried again."),
    ):
        family = CounterMetricFamily(f"yingbin_edge_{name}", sentence, labels=["camera"])
        for camera in cameras:
            family.add_metric([camera.camera_id], getattr(camera, name))
        yield family


def _timings(cameras: tuple[CameraFigures, ...]) -> Iterator[Metric]:
    detect = SummaryMetricFamily("yingbin_edge_detect_seconds", "Time in the detector.", labels=["camera"])
    embed = SummaryMetricFamily("yingbin_edge_embed_seconds", "Time in the recogniser.", labels=["camera"])
    for camera in cameras:
        detect.add_metric([camera.camera_id], camera.engine.detections, camera.engine.detect_s)
        embed.add_metric([camera.camera_id], camera.engine.embeddings, camera.engine.embed_s)
    yield detect
    yield embed
