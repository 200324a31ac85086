"""One typed settings class per process: TOML file, overridden by environment variables.

Unknown keys are an error. A name carries its unit (`timeout_s`, `retention_days`, `port` has none).
"""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from yingbin.errors import BadConfiguration


class Settings(BaseSettings):
    """Base of every process's settings. Sub-classes set `env_prefix`, e.g. `YINGBIN_CITY_`; nested keys use `__`."""

    model_config = SettingsConfigDict(extra="forbid", env_nested_delimiter="__", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment beats the file, whose content arrives as `init_settings`."""
        return env_settings, init_settings

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read `path` (TOML, optional) and the environment. Raises `BadConfiguration` naming every bad key."""
        try:
            values = tomllib.loads(path.read_text("utf-8")) if path else {}
            return cls(**values)
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise BadConfiguration(f"cannot read settings file {path}: {error}") from error
        except ValidationError as error:
            lines = [f"{'.'.join(str(part) for part in e['loc']) or 'settings'}: {e['msg']}" for e in error.errors()]
            raise BadConfiguration(f"{cls.__name__} ({path or 'environment'}): " + "; ".join(lines)) from error


def is_loopback(host: str) -> bool:
    """Return whether a host of a URL is this machine; nothing is looked up."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
