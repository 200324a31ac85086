"""Settings of the province server, `yingbin province serve`."""

from pathlib import Path

from pydantic import Field, SecretStr

from yingbin.faces.pack import DEFAULT_PACK
from yingbin.settings import Settings


class ProvinceSettings(Settings, env_prefix="YINGBIN_PROVINCE_"):
    """Everything the province server needs; unknown keys are refused."""

    host: str = Field(default="127.0.0.1", title="Host", description="Address to listen on.")
    port: int = Field(default=8100, ge=0, le=65535, title="Port", description="0 picks a free one.")
    tls_certificate_file: Path | None = Field(
        default=None, title="Certificate", description="PEM; needed off loopback."
    )
    tls_key_file: Path | None = Field(default=None, title="Certificate key", description="PEM.")
    database_url: str = Field(title="Identity store", description="SQLAlchemy URL: customers, consents, registry.")
    templates_database_url: str = Field(
        title="Template store", description="SQLAlchemy URL of another database: sealed vectors."
    )
    keystore_file: Path = Field(title="Key store", description="Back it up apart from both databases.")
    keystore_passphrase: SecretStr = Field(title="Passphrase", description="Opens the key store; from the environment.")
    models_pack: str = Field(default=DEFAULT_PACK, title="Model pack", description="All galleries are bound to it.")
    catalogue_file: Path | None = Field(
        default=None, title="Catalogue", description="Products and rules; the packaged one when absent."
    )
    feed_lease_h: float = Field(
        default=24.0, gt=0, le=168, title="Feed lease", description="A city that hears nothing so long stops matching."
    )
    feed_page_entries: int = Field(default=500, ge=1, le=5000, title="Feed page", description="Entries a page.")
    search_probes_per_s: float = Field(
        default=50.0, gt=0, title="Search rate", description="Probes a second each city may have searched, sustained."
    )
    search_burst_probes: int = Field(default=500, ge=1, title="Search burst", description="Probes a city may save up.")
    sign_in_attempts_per_min: float = Field(
        default=10.0, gt=0, title="Sign-in rate", description="Attempts a minute for each staff id."
    )
    portrait_after_match_h: float = Field(
        default=24.0, gt=0, le=72, title="Portrait", description="How long another city may ask after a match there."
    )
