"""Settings of one camera box, `yingbin edge run`."""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from edge.outbox import DEFAULT_CAPACITY
from yingbin.faces.pack import DEFAULT_PACK
from yingbin.settings import Settings, is_loopback

_SECRET_LENGTH = 16


class HostedAt(StrEnum):
    """Where this process runs: at the branch, or at the city host, which pulls a camera's whole stream (mode video)."""

    BRANCH = "branch"
    CITY = "city"


class CameraSettings(BaseModel):
    """One camera. Its role, mode and impact assessment are not set here: the city sends them (C3)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera_id: str = Field(min_length=1, title="Camera", description="The id under which the province registered it.")
    source: str = Field(
        min_length=1, title="Source", description="A file, folder of images, rtsp:// or http:// address, USB index."
    )
    loop: bool = Field(default=False, title="Loop", description="Start a file again at its end.")
    pace_real_time: bool = Field(
        default=True, title="Real time", description="Play a file at its own speed, dropping frames when late."
    )
    decode: Literal["all", "reference"] = Field(
        default="all", title="Decode", description="`reference` skips frames that no other frame needs."
    )
    rtsp_transport: Literal["tcp", "udp"] = Field(
        default="tcp", title="RTSP transport", description="`tcp` loses no packets; `udp` when the camera insists."
    )
    images_per_s: float = Field(default=25.0, gt=0, le=120, title="Images", description="Speed of a folder of images.")


class EdgeSettings(Settings, env_prefix="YINGBIN_EDGE_"):
    """Everything a box needs; unknown keys are refused."""

    city_url: str = Field(title="City", description="wss://host/v1/box; ws:// is allowed on loopback only.")
    key_file: Path = Field(title="Device key", description="Private key of this box, mode 0600.")
    bundle_file: Path = Field(title="Bundle", description="What the province handed out for this box, mode 0600.")
    city_ca_file: Path | None = Field(
        default=None, title="City CA", description="Certificate to trust for wss, when the system does not."
    )
    models_pack: str = Field(default=DEFAULT_PACK, title="Model pack", description="Must be the bundle's.")
    outbox_dir: Path | None = Field(
        default=None,
        title="Outbox",
        description="Where unanswered events wait, sealed; on tmpfs, mode 0700. Unset: /dev/shm/yingbin-<box id>.",
    )
    outbox_capacity: int = Field(
        default=DEFAULT_CAPACITY, ge=1, le=20_000, title="Outbox size", description="Unanswered events kept, at most."
    )
    hosted_at: HostedAt = Field(
        default=HostedAt.BRANCH,
        title="Hosted at",
        description="`city` runs cameras of mode video and no others; `branch` runs all but those.",
    )
    cameras: tuple[CameraSettings, ...] = Field(min_length=1, title="Cameras", description="At least one.")
    open_timeout_s: float = Field(default=10.0, gt=0, title="Open", description="A camera must answer within this.")
    stall_timeout_s: float = Field(default=10.0, gt=0, title="Stall", description="No frame for so long: stopped.")
    frozen_after_s: float = Field(default=60.0, gt=0, title="Frozen", description="Identical live picture for so long.")
    watchdog_timeout_s: float = Field(
        default=60.0, gt=0, title="Watchdog", description="A camera's thread silent for so long is replaced."
    )
    operations_port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        title="Operations",
        description="Loopback port of /healthz, /metrics.",
    )
    installer_page: bool = Field(
        default=False, title="Installer page", description="Live boxes at the operations port, for mounting a camera."
    )
    ticketing_port: int | None = Field(
        default=None, ge=0, le=65535, title="Ticketing port", description="Where the ticket machine calls; unset: off."
    )
    ticketing_host: str = Field(
        default="127.0.0.1", title="Ticketing host", description="Address to listen on; TLS outside loopback."
    )
    ticketing_secret: SecretStr | None = Field(
        default=None,
        title="Ticketing secret",
        description="The machine's bearer token, 16 characters or more. By environment: YINGBIN_EDGE_TICKETING_SECRET.",
    )
    ticketing_tls_certificate_file: Path | None = Field(
        default=None, title="Ticketing certificate", description="PEM chain."
    )
    ticketing_tls_key_file: Path | None = Field(default=None, title="Ticketing certificate key", description="PEM.")
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
        if parts.scheme == "ws" and not is_loopback(parts.hostname):
            raise ValueError("ws:// is not encrypted and allowed on loopback only; use wss://")
        return url

    @model_validator(mode="after")
    def _operations_fit(self) -> Self:
        if self.installer_page and self.operations_port is None:
            raise ValueError("installer_page: needs an operations_port (0 picks a free one)")
        if self.watchdog_timeout_s <= self.open_timeout_s + self.stall_timeout_s:
            raise ValueError("watchdog_timeout_s: must exceed open_timeout_s + stall_timeout_s")
        return self

    @model_validator(mode="after")
    def _ticketing_is_guarded(self) -> Self:
        secret = self.ticketing_secret.get_secret_value() if self.ticketing_secret else ""
        if self.ticketing_port is not None and len(secret) < _SECRET_LENGTH:
            raise ValueError(f"ticketing_port needs a ticketing_secret of at least {_SECRET_LENGTH} characters")
        return self

    @model_validator(mode="after")
    def _cameras_are_distinct(self) -> Self:
        names = [camera.camera_id for camera in self.cameras]
        if len(set(names)) != len(names):
            raise ValueError("cameras: every camera_id must occur once")
        return self
