"""Settings of the province server, `yingbin province serve`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

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
    templates_index: Literal["faiss", "milvus"] = Field(
        default="faiss", title="Index", description="What searches the galleries; `milvus` needs `milvus_folder`."
    )
    gallery_folder: Path | None = Field(
        default=None,
        title="Galleries",
        description="This process's own folder for the galleries, sealed. Beside the identity store when absent.",
    )
    gallery_key_h: float = Field(
        default=23.0, gt=0, le=24, title="Gallery key", description="Then a new one: what was removed is unreadable."
    )
    milvus_folder: Path | None = Field(
        default=None, title="Milvus", description="A folder of its own, on an encrypted volume; begins empty."
    )
    milvus_plain_volume: bool = Field(
        default=False, title="Plain volume", description="You answer for `milvus_folder` where no encryption is found."
    )
    keystore_file: Path = Field(title="Key store", description="Back it up apart from both databases.")
    keystore_passphrase: SecretStr = Field(title="Passphrase", description="Opens the key store; from the environment.")
    erasure_log_file: Path | None = Field(
        default=None,
        title="Log of erasures",
        description="Replayed after a restore; where the loss of the databases does not reach. Beside the key store "
        "when absent.",
    )
    legal_entity: str = Field(
        default="this bank", min_length=1, max_length=120, title="Legal entity", description="Who files (C7)."
    )
    holidays_file: Path | None = Field(
        default=None, title="Holidays", description="TOML like the packaged one, which it replaces: add each new year."
    )
    models_pack: str = Field(default=DEFAULT_PACK, title="Model pack", description="All galleries are bound to it.")
    catalogue_file: Path | None = Field(
        default=None, title="Catalogue", description="First version, or one to release; else the packaged one."
    )
    programme_file: Path | None = Field(
        default=None,
        title="Programme of tests",
        description="Holdout and experiments; the packaged one (a holdout of 2 %, no experiment) when absent.",
    )
    sale_window_days: int = Field(
        default=30, ge=1, le=365, title="Sale window", description="A sale so long after a visit is put down to it."
    )
    contact_cost_fen: int = Field(
        default=2_000, ge=1, title="Cost of a contact", description="Of raising offers at one visit; the bank's figure."
    )
    learning_half_life_days: float = Field(
        default=60.0, gt=0, le=3650, title="Learning", description="Age at which an outcome counts half."
    )
    feed_lease_h: float = Field(
        default=24.0, gt=0, le=168, title="Feed lease", description="A city that hears nothing so long stops matching."
    )
    feed_page_entries: int = Field(default=500, ge=1, le=5000, title="Feed page", description="Entries a page.")
    late_probes_s: float = Field(
        default=60.0, ge=0, le=3600, title="Late probes", description="How long a city's old key outlives its renewal."
    )
    search_probes_per_s: float = Field(
        default=50.0, gt=0, title="Search rate", description="Probes a second each city may have searched, sustained."
    )
    search_burst_probes: int = Field(default=500, ge=1, title="Search burst", description="Probes a city may save up.")
    sign_in_attempts_per_min: float = Field(
        default=10.0, gt=0, title="Sign-in rate", description="Attempts a minute for each staff id."
    )
    assists_per_min: float = Field(
        default=6.0, gt=0, title="Teller assist", description="Comparisons a minute with any one customer."
    )
    photo_checks_per_s: float = Field(
        default=4.0, gt=0, title="Photo checks", description="Photos a second each enroller may have looked at."
    )
    upload_folder: Path | None = Field(
        default=None,
        title="Uploads",
        description="Where large uploads wait, sealed, while they are worked off; the system's temporary folder when "
        "absent.",
    )
    photo_threads: int = Field(
        default=1, ge=1, le=64, title="Photo threads", description="Threads that look at photos of a bulk enrolment."
    )
    portrait_after_match_h: float = Field(
        default=24.0, gt=0, le=72, title="Portrait", description="How long another city may ask after a match there."
    )

    @property
    def galleries(self) -> Path:
        """Where the galleries are kept."""
        from yingbin.storage.database import beside

        return self.gallery_folder or beside(self.database_url, ".galleries", otherwise=self.keystore_file)

    @model_validator(mode="after")
    def _milvus_has_a_folder(self) -> Self:
        if self.templates_index == "milvus" and self.milvus_folder is None:
            raise ValueError("templates_index is milvus: set `milvus_folder`")
        return self
