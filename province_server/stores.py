"""What a province keeps: two databases, the key store, the folder of galleries. Opened before anything else is made."""

from dataclasses import dataclass

from province_server.audit.trail import Trail
from province_server.keys import KEY_BYTES
from province_server.sealed_galleries import SealedGalleries
from province_server.settings import ProvinceSettings
from yingbin.errors import BadConfiguration
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.audit.chains import province_ledger
from yingbin.trust.keystore import FileKeyStore


@dataclass(frozen=True, slots=True)
class Stores:
    """The two databases, migrated, key store and galleries. What is written to `identity` is recorded in `trail`."""

    identity: Database
    templates: Database
    keystore: FileKeyStore
    trail: Trail
    galleries: SealedGalleries

    @classmethod
    def open(cls, settings: ProvinceSettings) -> "Stores":
        """Open everything. Raises `BadConfiguration`, `Unavailable`, `StorageFull`."""
        if settings.database_url == settings.templates_database_url:
            raise BadConfiguration("`database_url` and `templates_database_url` must be two databases (C8)")
        keystore = FileKeyStore(settings.keystore_file, settings.keystore_passphrase.get_secret_value())
        keystore.get_or_create("staff-tokens", KEY_BYTES)  # from the very first command on, the passphrase is fixed
        identity, templates = Database(settings.database_url), Database(settings.templates_database_url)
        migrate.upgrade(identity, migrate.Tree.PROVINCE)
        migrate.upgrade(templates, migrate.Tree.TEMPLATES)
        identity.recorder = trail = Trail(province_ledger(keystore))
        return cls(identity, templates, keystore, trail, SealedGalleries(settings.galleries, keystore))

    def check(self) -> None:
        """Raise `Unavailable` when a database does not answer."""
        self.identity.check()
        self.templates.check()

    def close(self) -> None:
        """Close both databases, and let go of the folder of galleries."""
        self.galleries.close()
        self.identity.close()
        self.templates.close()
