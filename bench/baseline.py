"""What the peers do, in a process of its own: `FaceAnalysis.get()` on every frame; and the cost of each rung alone.

Run as `python -m bench.baseline REQUEST`, a JSON `Request`; prints a JSON `Report`. CPU time is the process's, user and
system, from the first frame on; loading the models does not count.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import av
import cv2
import msgspec
import numpy as np
import onnxruntime
from av.video.frame import VideoFrame
from insightface.app import FaceAnalysis

from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import ModelPack
from yingbin.faces.quality import assess

_DETECTOR: Final = (640, 640)
_OURS: Final = (640, 384)
_REPEATS: Final = 12


class Request(msgspec.Struct, frozen=True):
    """The clip, how many of its frames, and the enrolled templates, one row of numbers per template."""

    clip: str
    frames: int
    templates: list[list[float]]


class Report(msgspec.Struct, frozen=True):
    """`scores[i]` lists, for each face found in frame i, the cosine with every template."""

    cpu_s: float
    frames: int
    scores: list[list[list[float]]]
    rungs_ms: dict[str, float]


def measure(request: Request) -> Report:
    """Run the baseline, then the rungs."""
    cv2.setNumThreads(1)
    pack = ModelPack.load()
    analysis = _analysis(pack)
    templates = np.asarray(request.templates, np.float32).reshape(-1, pack.dimension)
    scores: list[list[list[float]]] = []
    kept: list[VideoFrame] = []
    began_s = time.process_time()
    with av.open(request.clip) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for index, picture in enumerate(container.decode(stream)):
            if index >= request.frames:
                break
            faces = analysis.get(picture.to_ndarray(format="bgr24"))
            vectors = np.asarray([face.normed_embedding for face in faces], np.float32).reshape(-1, pack.dimension)
            scores.append((vectors @ templates.T).tolist())
            if index % 25 == 0:
                kept = [*kept[-3:], picture]
    cpu_s = time.process_time() - began_s
    return Report(cpu_s, len(scores), scores, _rungs(request, pack, kept))


def _analysis(pack: ModelPack) -> FaceAnalysis:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    analysis = FaceAnalysis(
        name=str(pack.folder),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
        sess_options=options,
    )
    analysis.prepare(ctx_id=-1, det_size=_DETECTOR, det_thresh=0.6)
    return analysis


def _rungs(request: Request, pack: ModelPack, pictures: list[VideoFrame]) -> dict[str, float]:
    """Return CPU ms: decoding a frame, detecting at our size, judging and embedding one face."""
    engine = FaceEngine.load(pack)
    images = [picture.to_ndarray(format="bgr24").astype(np.uint8) for picture in pictures]
    small = [cv2.resize(image, _OURS).astype(np.uint8) for image in images]
    found = [(image, engine.detect(image, _OURS)) for image in images]
    face = next(((image, faces[0]) for image, faces in found if faces), None)
    rungs = {
        "decode": _decoding_ms(request),
        "detect": _mean_ms(lambda: engine.detect(small[0], _OURS)),
    }
    if face is not None:
        rungs["judge"] = _mean_ms(lambda: assess(*face))
        rungs["embed"] = _mean_ms(lambda: engine.embed(*face))
    return rungs


def _decoding_ms(request: Request) -> float:
    began_s, count = time.process_time(), 0
    with av.open(request.clip) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for _ in container.decode(stream):
            count += 1
            if count >= request.frames:
                break
    return (time.process_time() - began_s) / max(count, 1) * 1000


def _mean_ms(call: Callable[[], object]) -> float:
    call()
    began_s = time.process_time()
    for _ in range(_REPEATS):
        call()
    return (time.process_time() - began_s) / _REPEATS * 1000


if __name__ == "__main__":
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Request)
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(measure(asked)) + b"\n")
