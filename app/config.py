"""The environment, read once. Every name stands in INTERFACE's list and in docs/settings.md."""

import os
import secrets
from collections.abc import Callable
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import BaseModel, ConfigDict, Field, field_validator

VAR = Path("var")
Network = IPv4Network | IPv6Network


class Settings(BaseModel):
    """What the operator may set; every field is optional. A secret may come from `NAME_FILE`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str = Field(default="", description="where the data lives; SQLite under var/ if empty")
    secret_key: str = Field(default="", description="signs links and sessions; kept in var/ if empty")
    encryption_keys: str = Field(default="", description="comma list, first encrypts; kept in var/ if empty")
    public_url: str = Field(default="", description="where the outside reaches this app, without final slash")
    port: int = Field(default=8000, ge=1, le=65535, description="where `serve` listens")
    shopify_client_id: str = Field(default="", description="the app's client id at Shopify")
    shopify_client_secret: str = Field(default="", description="the app's client secret at Shopify")
    shopify_previous_client_secret: str = Field(default="", description="the secret before a rotation")
    shopify_admin_url: str = Field(default="https://{shop}", description="an emulator's address in tests")
    sendgrid_api_key: str = Field(default="", description="the operator's own SendGrid key")
    sendgrid_api_url: str = Field(default="https://api.sendgrid.com", description="EU host or emulator")
    sendgrid_webhook_public_key: str = Field(default="", description="checks SendGrid's event posts")
    notice_from: str = Field(default="", description="whom merchants hear from when their shop stands still")
    twilio_account_sid: str = Field(default="", description="the operator's Twilio account")
    twilio_auth_token: str = Field(default="", description="signs Twilio's callbacks")
    twilio_messaging_service_sid: str = Field(default="", description="the pool of senders")
    twilio_api_url: str = Field(default="https://api.twilio.com", description="emulator in tests")
    dns_server: str = Field(default="", description="asked for DMARC instead of the system's own; or off")
    operator_email_quota: int = Field(default=0, ge=0, description="mails a store and month; 0 is no end")
    operator_sms_quota: int = Field(default=0, ge=0, description="texts a store and month; 0 is no end")
    allow_private_stores: bool = Field(default=False, description="1 lets a store live on a private address")
    metrics_token: str = Field(default="", description="opens /metrics to others than this machine")
    trusted_proxies: str = Field(default="", description="networks whose X-Forwarded-For is believed")
    otel_exporter_otlp_endpoint: str = Field(default="", description="told of spans, by OTLP over HTTP")
    sentry_dsn: str = Field(default="", description="told of errors that nobody foresaw")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: str = Field(default="text", pattern="^(json|text)$", description="json or text")
    failpoints: str = Field(default="", description="tests only: name=probability, kills the process there")

    @field_validator("public_url")
    @classmethod
    def _without_final_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _of_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @property
    def base_url(self) -> str:
        """The address that goes into links and callbacks."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @cached_property
    def database(self) -> str:
        """The database URL in SQLAlchemy's form; old PostgreSQL spellings are accepted."""
        url = self.database_url or f"sqlite:///{VAR / 'ritorno.db'}"
        for old in ("postgres://", "postgresql://"):
            if url.startswith(old):
                return "postgresql+psycopg://" + url.removeprefix(old)
        return url

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """TRUSTED_PROXIES, each as a network; a single address is one, too."""
        return _networks(self.trusted_proxies)

    @cached_property
    def signing_key(self) -> str:
        """SECRET_KEY, or the one made at first start and kept beside the database."""
        return self.secret_key or _kept("secret_key", lambda: secrets.token_urlsafe(48))

    @cached_property
    def vault_keys(self) -> list[str]:
        """ENCRYPTION_KEYS, or the key made at first start."""
        text = self.encryption_keys or _kept("encryption_keys", lambda: Fernet.generate_key().decode("ascii"))
        return [key.strip() for key in text.split(",") if key.strip()]


def load() -> Settings:
    """Read the environment.

    Raises:
        pydantic.ValidationError: a value cannot be used; its text names the setting.
        OSError: a file that is named cannot be read.
    """
    variables = {name.lower(): value for name, value in os.environ.items()}
    given = {name: _given(variables, name) for name in Settings.model_fields}
    return Settings.model_validate({name: value for name, value in given.items() if value is not None})


def _given(variables: dict[str, str], name: str) -> str | None:
    """The value of NAME, else the text without its final line break of the file that NAME_FILE names."""
    if name in variables:
        return variables[name]
    path = variables.get(f"{name}_file")
    return Path(path).read_text().rstrip("\n") if path else None


def _networks(text: str) -> tuple[Network, ...]:
    """The networks of a comma list; ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _kept(name: str, make: Callable[[], str]) -> str:
    """A secret made once and kept under var/, readable by the owner only."""
    path = VAR / name
    if not path.exists():
        VAR.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text().strip()
