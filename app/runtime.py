"""What every entrance needs, put together once per process: settings, database, vault, signer."""

from dataclasses import dataclass, replace

from app.config import Settings
from app.crypto import Signer, Vault
from app.db import Database


@dataclass(frozen=True, slots=True)
class Runtime:
    """The pieces that `wsgi` and `cli` hand down; nothing below reads the environment."""

    settings: Settings
    database: Database
    vault: Vault
    signer: Signer

    @classmethod
    def build(cls, settings: Settings, database: Database | None = None) -> "Runtime":
        """Open the database and the keys that the settings name."""
        return cls(
            settings=settings,
            database=database or Database(settings.database),
            vault=Vault(settings.vault_keys),
            signer=Signer(settings.signing_key),
        )

    @classmethod
    def of_operator(cls, settings: Settings) -> "Runtime":
        """What a command works with, by whom every store is minded; screens and jobs see less of it."""
        return cls.build(settings, Database(settings.database).over_all_stores())

    def seeing(self, database: Database) -> "Runtime":
        """The same pieces with the same database, seen in another scope."""
        return replace(self, database=database)
