"""What every look at a track says, in whichever form it is sent: see `yingbin.wire` and `yingbin.local_wire`."""

import msgspec


class LookFacts(msgspec.Struct, frozen=True, array_like=True):
    """One look at one track; (box, boot, track, seq) names it for ever.

    `frame`: 0-based index in the source. `seen_at_ms`: UTC by the city's clock, as the box measured it. `face_px`:
    height in the camera's picture. `quality`: 0..1. `shots`: how many are fused in it.
    """

    camera_id: str
    assessment_id: str
    track: int
    seq: int
    frame: int
    seen_at_ms: int
    face_px: int
    quality: float
    shots: int
