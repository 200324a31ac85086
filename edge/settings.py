"""Settings of one camera box, `yingbin edge run`."""

from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from yingbin.faces.pack import DEFAULT_PACK
from yingbin.settings import Settings


class CameraSettings(BaseModel):
    """One camera. Its role, mode and impact assessment are not set here: the city sends them (C3)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera_id: str = Field(min_length=1, title="Camera", description="The id under which the province registered it.")
    source: str = Field(
        min_length=1, title="Source", description="A file, rtsp:// or http:// address, USB index, or /dev/videoN."
    )
    loop: bool = Field(default=False, title="Loop", description="Start a file again at its end.")
    pace_real_time: bool = Field(
        default=True, title="Real time", description="Play a file at its own speed, dropping frames when late."
    )


class EdgeSettings(Settings, env_prefix="YINGBIN_EDGE_"):
    """Everything a box needs; unknown keys are refused."""

    city_url: str = Field(title="City", description="wss://host/v1/box; ws:// is allowed on loopback only.")
    key_file: Path = Field(title="Device key", description="Private key of this box, mode 0600.")
    bundle_file: Path = Field(title="Bundle", description="What the province handed out for this box, mode 0600.")
    city_ca_file: Path | None = Field(
        default=None, title="City CA", description="Certificate to trust for wss, when the system does not."
    )
    models_pack: str = Field(default=DEFAULT_PACK, title="Model pack", description="Must be the bundle's.")
    cameras: tuple[CameraSettings, ...] = Field(min_length=1, title="Cameras", description="At least one.")
    min_face_px: int = Field(default=40, ge=20, le=400, title="Smallest face", description="Height in px worth a look.")
    stall_timeout_s: float = Field(default=10.0, gt=0, title="Stall", description="No frame for so long: stopped.")
    drain_timeout_s: float = Field(
        default=15.0,
        ge=0,
        title="Drain",
        description="With files only: how long to wait for permission or last answers.",
    )

    @field_validator("city_url")
    @classmethod
    def _encrypted_unless_local(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname:
            raise ValueError("must look like wss://city.example:8443/v1/box")
        if parts.scheme == "ws" and not _is_loopback(parts.hostname):
            raise ValueError("ws:// is not encrypted and allowed on loopback only; use wss://")
        return url

    @model_validator(mode="after")
    def _cameras_are_distinct(self) -> Self:
        names = [camera.camera_id for camera in self.cameras]
        if len(set(names)) != len(names):
            raise ValueError("cameras: every camera_id must occur once")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
