"""Settings of one city server, `yingbin city serve`."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from yingbin.faces.pack import DEFAULT_PACK
from yingbin.search_wire import MAX_PROBES
from yingbin.settings import Settings, is_loopback
from yingbin.trust.audit.ledger import LEAST_RETENTION_DAYS, RETENTION_DAYS


class CitySettings(Settings, env_prefix="YINGBIN_CITY_"):
    """Everything a city needs; unknown keys are refused."""

    city_id: str = Field(
        min_length=1, title="City", description="The id under which the province registered this city."
    )
    host: str = Field(default="127.0.0.1", title="Host", description="Address to listen on; TLS outside loopback.")
    port: int = Field(default=8200, ge=0, le=65535, title="Port", description="0 picks a free one.")
    tls_certificate_file: Path | None = Field(default=None, title="Certificate", description="PEM chain.")
    tls_key_file: Path | None = Field(default=None, title="Certificate key", description="PEM.")
    key_file: Path = Field(title="City key", description="Ed25519 private key of this city, mode 0600.")
    database_url: str = Field(title="Database", description="e.g. sqlite:////var/lib/yingbin/city.db")
    gallery_folder: Path | None = Field(
        default=None,
        title="Galleries",
        description="This process's own folder for what the province says, sealed. Beside the database when absent.",
    )
    gallery_key_h: float = Field(
        default=23.0, gt=0, le=24, title="Gallery key", description="Then a new one: what was removed is unreadable."
    )
    keystore_file: Path = Field(title="Key store", description="File of the keys that seal the records.")
    keystore_passphrase: SecretStr = Field(
        title="Key store passphrase", description="Give it by environment: YINGBIN_CITY_KEYSTORE_PASSPHRASE."
    )
    models_pack: str = Field(default=DEFAULT_PACK, title="Model pack", description="The pack of the galleries.")

    province_url: str = Field(title="Province", description="https://host:port; http:// on loopback only.")
    province_ca_file: Path | None = Field(
        default=None, title="Province CA", description="Certificate to trust, when the system does not."
    )
    province_timeout_s: float = Field(
        default=2.0, gt=0, title="Province timeout", description="One search or portrait."
    )
    province_batch_wait_ms: float = Field(default=5.0, ge=0, title="Batch wait", description="Collect misses so long.")
    province_batch_size: int = Field(
        default=32, ge=1, le=MAX_PROBES, title="Batch size", description="Probes in one request."
    )
    breaker_failures: int = Field(default=3, ge=1, title="Breaker", description="Failures in a row that open it.")
    breaker_open_s: float = Field(default=5.0, gt=0, title="Breaker open", description="Then one trial request.")
    feed_wait_s: int = Field(
        default=3,
        ge=0,
        le=60,
        title="Feed wait",
        description="Long poll of the feed. With the province's timeout at most 5: a line that died unnoticed must not "
        "hold a withdrawal up for longer (C5).",
    )
    feed_retry_max_s: float = Field(default=10.0, gt=0, title="Feed retry", description="Longest pause between tries.")
    outcome_retry_max_s: float = Field(default=30.0, gt=0, title="Outcome retry", description="Longest pause.")
    audit_anchor_interval_s: float = Field(
        default=60.0, gt=0, title="Audit anchors", description="How often the trail's head goes to the province (C12)."
    )
    audit_retention_days: int = Field(
        default=RETENTION_DAYS, ge=LEAST_RETENTION_DAYS, title="Audit retention", description="At least five years."
    )
    statistics_interval_s: float = Field(default=30.0, gt=0, title="Statistics", description="How often counts go up.")

    alert_horizon_s: int = Field(default=120, ge=1, title="Alert horizon", description="Older events never ring.")
    future_tolerance_s: int = Field(
        default=60, ge=0, title="Clock tolerance", description="Later times are set to now."
    )
    box_events_per_s: float = Field(default=100.0, gt=0, title="Box rate", description="Events of one box, sustained.")
    box_events_burst: int = Field(default=400, ge=1, title="Box burst", description="Events of one box at once.")
    catch_up_wait_s: float = Field(
        default=3.0, ge=0, title="Catch-up wait", description="How long an event waits while the feed is applied."
    )
    visit_closes_after_min: float = Field(default=30.0, gt=0, title="Visit end", description="After the last sighting.")
    escalate_after_s: float = Field(default=20.0, gt=0, title="Escalation", description="Nobody took the card.")
    photo_retention_min: float = Field(
        default=5.0, ge=0, title="Photo retention", description="After the visit closed."
    )
    card_retention_h: float = Field(default=12.0, gt=0, title="Card retention", description="After the visit closed.")
    watch_webhook_url: str | None = Field(
        default=None, title="Security desk", description="Told of police alerts by signed POST; https:// off loopback."
    )
    watch_alert_retention_h: float = Field(
        default=72.0, gt=0, le=720, title="Watch alerts", description="Kept so long after they were raised."
    )
    sweep_interval_s: float = Field(default=5.0, gt=0, title="Sweep", description="How often limits are enforced.")
    pad_hello_timeout_s: float = Field(default=10.0, gt=0, title="Hello timeout", description="First message.")
    pad_send_timeout_s: float = Field(
        default=10.0, gt=0, title="Send timeout", description="A slower tablet is dropped."
    )

    @property
    def galleries(self) -> Path:
        """Where the replica is kept."""
        from yingbin.storage.database import beside

        return self.gallery_folder or beside(self.database_url, ".galleries", otherwise=self.keystore_file)

    @field_validator("province_url", "watch_webhook_url")
    @classmethod
    def _encrypted_unless_local(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must look like https://province.example:8100")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("http:// is not encrypted and allowed on loopback only; use https://")
        return url.rstrip("/")
