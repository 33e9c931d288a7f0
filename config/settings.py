"""Settings from the environment or `.env`; every name a laboratory may set stands here."""

from __future__ import annotations

import os
import re
import secrets
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.endpoints import read_endpoints

MIN_SECRET_BYTES = 32  # RFC 7518 section 3.2: an HS256 key is at least as long as its hash
EMBEDDED_MAX_QUEUED = 200_000  # of both embedded brokers: mosquitto.conf.template, services/mqtt_sessions.py
EMBEDDED_ACCOUNT, EMBEDDED_CONTROL = "lics", "lics-control"  # LICS's own at an embedded broker
SAMPLE_SECRETS = frozenset(
    {
        "changeme",
        "change-me",
        "change_me",
        "secret",
        "password",
        "your-secret-key",
        "your-secret-key-here",
        "dev-secret",
    }
)


class SettingsError(Exception):
    """A setting is missing or unusable; the message says which, and what to do."""


def default_data_dir() -> Path:
    """Return the one directory that holds everything LICS writes (XDG base directory specification)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "lics"


def is_sample_secret(value: str) -> bool:
    """Return whether `value` is a placeholder that people copy from examples."""
    folded = value.strip().lower()
    return folded in SAMPLE_SECRETS or any(word in folded for word in ("changeme", "change-me", "example", "your-secret"))


class Settings(BaseSettings):
    """Everything that can be set. Times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)

    database_url: str | None = None
    database_owner_url: str | None = Field(
        None,
        description="the role that owns the tables and migrates them; LICS itself then works as that of DATABASE_URL, which may "
        "only add to the audit. Unset: one role does both",
    )
    database_pool_size: Annotated[int, Field(ge=1, le=200)] = 5
    database_max_overflow: Annotated[int, Field(ge=0, le=200)] = 5
    redis_url: str | None = None
    jwt_secret: SecretStr | None = None
    jwt_access_token_expire_minutes: Annotated[int, Field(ge=1)] = 15
    jwt_refresh_token_expire_days: Annotated[int, Field(ge=1)] = 7
    mqtt_broker_url: str | None = Field(None, description="host name, or mqtt[s]://host[:port]")
    mqtt_broker_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    mqtt_username: str | None = None
    mqtt_password: SecretStr | None = None
    mqtt_topic_prefix: str = ""
    minio_endpoint: str | None = None
    minio_access_key: str | None = None
    minio_secret_key: SecretStr | None = None
    enable_metrics: bool = True
    prometheus_port: Annotated[int, Field(ge=0, le=65535)] = 8001
    debug: bool = False
    log_level: str = "INFO"

    data_dir: Path = Field(default_factory=default_data_dir, validation_alias=AliasChoices("LICS_DATA_DIR", "data_dir"))
    host: str = Field("127.0.0.1", validation_alias=AliasChoices("LICS_HOST", "host"))
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, validation_alias=AliasChoices("LICS_PORT", "port"))
    fleet_host: str = Field(
        "127.0.0.1",
        validation_alias=AliasChoices("LICS_FLEET_HOST", "fleet_host"),
        description="address the actors bind and advertise; loopback unless a private network is meant",
    )
    fleet_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        8021,
        validation_alias=AliasChoices("LICS_FLEET_PORT", "fleet_port"),
        description="the actor system's admin port",
    )
    web_workers: Annotated[int, Field(ge=1, le=64)] = Field(1, validation_alias=AliasChoices("LICS_WEB_WORKERS", "web_workers"))
    web_cert_file: Path | None = Field(
        None,
        validation_alias=AliasChoices("LICS_WEB_CERT_FILE", "web_cert_file"),
        description="PEM, with its chain: the web speaks TLS and nothing else; LICS_WEB_KEY_FILE has its key",
    )
    web_key_file: Path | None = Field(None, validation_alias=AliasChoices("LICS_WEB_KEY_FILE", "web_key_file"))
    mqtt_ca_file: Path | None = Field(None, validation_alias=AliasChoices("LICS_MQTT_CA_FILE", "mqtt_ca_file"))
    mqtt_cert_file: Path | None = Field(None, validation_alias=AliasChoices("LICS_MQTT_CERT_FILE", "mqtt_cert_file"))
    mqtt_key_file: Path | None = Field(None, validation_alias=AliasChoices("LICS_MQTT_KEY_FILE", "mqtt_key_file"))
    mqtt_control_username: str | None = Field(
        None,
        validation_alias=AliasChoices("LICS_MQTT_CONTROL_USERNAME", "mqtt_control_username"),
        description="the account that changes accounts at a broker of your own; unset: devices' credentials are your business",
    )
    mqtt_control_password: SecretStr | None = Field(
        None, validation_alias=AliasChoices("LICS_MQTT_CONTROL_PASSWORD", "mqtt_control_password")
    )
    spool_quota_mb: Annotated[int, Field(ge=1)] = Field(
        4096,
        validation_alias=AliasChoices("LICS_SPOOL_QUOTA_MB", "spool_quota_mb"),
        description="the record's disk quota, all recorders' together; an alarm comes at 80 %, back-pressure at 100 %",
    )
    recorders: Annotated[int, Field(ge=1, le=16)] = Field(
        1,
        validation_alias=AliasChoices("LICS_RECORDERS", "recorders"),
        description="how many processes record, each its share of the devices; one does tens of thousands of messages a second",
    )
    lag_alarm_s: Annotated[float, Field(gt=0)] = Field(
        30.0,
        validation_alias=AliasChoices("LICS_LAG_ALARM_S", "lag_alarm_s"),
        description="an alarm comes when messages wait longer than this for the tables",
    )
    actor_memory_mb: Annotated[int, Field(ge=16)] = Field(
        256,
        validation_alias=AliasChoices("LICS_ACTOR_MEMORY_MB", "actor_memory_mb"),
        description="above so much memory of its own a device's actor is recycled; it has 6 MiB. Other actors: 8 x this",
    )
    actor_fds: Annotated[int, Field(ge=32)] = Field(
        256,
        validation_alias=AliasChoices("LICS_ACTOR_FDS", "actor_fds"),
        description="above so many open files a device's actor is recycled; it has some 30. Other actors: 8 x this",
    )
    mqtt_max_queued: Annotated[int, Field(ge=1)] | None = Field(
        None,
        validation_alias=AliasChoices("LICS_MQTT_MAX_QUEUED", "mqtt_max_queued"),
        description="how many messages your broker queues for a client (mosquitto: max_queued_messages); an alarm comes at 80 %",
    )
    export_bucket: str = Field(
        "lics",
        validation_alias=AliasChoices("LICS_EXPORT_BUCKET", "export_bucket"),
        description="where runs' files are kept, if MINIO_ENDPOINT is set; made by hand, once",
    )
    export_region: str = Field("us-east-1", validation_alias=AliasChoices("LICS_EXPORT_REGION", "export_region"))
    export_memory_mb: Annotated[int, Field(ge=512)] = Field(
        2048,
        validation_alias=AliasChoices("LICS_EXPORT_MEMORY_MB", "export_memory_mb"),
        description="what writing one run's file may take; a session of 1,000 trials takes some 300",
    )
    export_s: Annotated[int, Field(ge=10, le=3600)] = Field(
        300, validation_alias=AliasChoices("LICS_EXPORT_S", "export_s"), description="how long writing one run's file may take"
    )
    rate_account: Annotated[float, Field(ge=0)] = Field(
        500.0,
        validation_alias=AliasChoices("LICS_RATE_ACCOUNT", "rate_account"),
        description="requests a second that an account, or a key, may make for long; five seconds' worth at once; 0: any number",
    )
    rate_address: Annotated[float, Field(ge=0)] = Field(
        1000.0,
        validation_alias=AliasChoices("LICS_RATE_ADDRESS", "rate_address"),
        description="the same of a network address, whoever asks from there",
    )
    cors_origins: str = Field(
        "",
        validation_alias=AliasChoices("LICS_CORS_ORIGINS", "cors_origins"),
        description="origins whose pages may read the API, like https://plots.lab.example, separated by commas; none: none may",
    )
    trusted_proxies: str = Field(
        "",
        validation_alias=AliasChoices("LICS_TRUSTED_PROXIES", "trusted_proxies"),
        description="addresses or networks of proxies whose X-Forwarded-For and -Proto are believed, separated by commas",
    )
    admin_token: SecretStr | None = Field(None, validation_alias=AliasChoices("LICS_ADMIN_TOKEN", "admin_token"))
    node: str | None = Field(
        None,
        validation_alias=AliasChoices("LICS_NODE", "node"),
        description="this host's name among several that share database and broker; unset: the only one",
    )
    node_sites: str = Field(
        "",
        validation_alias=AliasChoices("LICS_NODE_SITES", "node_sites"),
        description="locations this host is for, separated by commas; `*`: it stands in for all others, too; none: anywhere",
    )
    actor_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("LICS_ACTOR_KEY", "actor_key"),
        description="signs every frame between actors, the same on all hosts; unset: secrets/transport_key of the data directory",
    )

    timezone: str = Field(
        "UTC",
        validation_alias=AliasChoices("LICS_TIMEZONE", "timezone"),
        description="the laboratory's time zone, as Europe/Berlin: by it go a subject's day and the hours of sessions",
    )
    day_starts: time = Field(
        time(),
        validation_alias=AliasChoices("LICS_DAY_STARTS", "day_starts"),
        description="when the laboratory's day starts there, as 07:00",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise ValueError("LICS_TIMEZONE is a name of the IANA time zone database, as Europe/Berlin or UTC") from None
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        level = value.upper()
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
            raise ValueError("LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
        return level

    @field_validator("minio_endpoint")
    @classmethod
    def _usable_endpoint(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"https?://[^/\s]+/?", value):
            raise ValueError("MINIO_ENDPOINT is a server's address, like http://minio:9000")
        return value or None

    @field_validator("redis_url")
    @classmethod
    def _usable_redis(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"(rediss?|unix)://.", value):  # the value may hold a password: not repeated
            raise ValueError("REDIS_URL is no Redis URL; it looks like redis://:password@host:6379/0")
        return value

    @field_validator("mqtt_topic_prefix")
    @classmethod
    def _usable_prefix(cls, value: str) -> str:
        if any(sign in value for sign in "+#\0") or value.startswith("/"):
            raise ValueError("MQTT_TOPIC_PREFIX holds no wildcard and does not start with '/'")
        return value if not value or value.endswith("/") else value + "/"

    @field_validator("node")
    @classmethod
    def _usable_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
            raise ValueError("LICS_NODE is a host's name: small letters, digits and dashes, at most 63")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _usable_origins(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", each):
                raise ValueError(f"LICS_CORS_ORIGINS: {each} is no origin; write it like https://plots.lab.example, without path")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _usable_proxies(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            try:
                network = ip_network(each)
            except ValueError as error:
                raise ValueError(f"LICS_TRUSTED_PROXIES: {error}") from None
            if not network.prefixlen:
                raise ValueError("LICS_TRUSTED_PROXIES: everybody would be believed; name the proxies")
        return value

    @model_validator(mode="after")
    def _strong_secrets(self) -> Self:
        for name in ("jwt_secret", "admin_token", "actor_key"):
            secret: SecretStr | None = getattr(self, name)
            if secret is None:
                continue
            value = secret.get_secret_value()
            label = {"jwt_secret": "JWT_SECRET", "admin_token": "LICS_ADMIN_TOKEN", "actor_key": "LICS_ACTOR_KEY"}[name]
            if is_sample_secret(value):
                raise ValueError(f"{label} is a sample; unset it (one is generated) or set one of your own")
            if len(value.encode()) < MIN_SECRET_BYTES:
                raise ValueError(
                    f"{label} is shorter than {MIN_SECRET_BYTES} bytes; unset it (one is generated) or set a longer one"
                )
        return self

    @model_validator(mode="after")
    def _whole_certificate(self) -> Self:
        if (self.web_cert_file is None) != (self.web_key_file is None):
            raise ValueError("LICS_WEB_CERT_FILE and LICS_WEB_KEY_FILE are set together, or not at all")
        return self

    @property
    def web_scheme(self) -> str:
        """Return how the web is spoken to."""
        return "http" if self.web_cert_file is None else "https"

    def zone(self) -> ZoneInfo:
        """Return the laboratory's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def run_dir(self) -> Path:
        """Return the folder of what only lives while LICS runs: pids, endpoints, sockets."""
        return self.data_dir / "run"

    @property
    def journal_dir(self) -> Path:
        """Return the folder of the leaf actors' journals, one SQLite file each."""
        return self.data_dir / "journals"

    @property
    def spool_dir(self) -> Path:
        """Return the folder of the Recorder's spool."""
        return self.data_dir / "spool"

    @property
    def export_dir(self) -> Path:
        """Return the folder of runs' files, where no bucket is set."""
        return self.data_dir / "exports"

    @property
    def log_dir(self) -> Path:
        """Return the folder of the log files."""
        return self.data_dir / "log"

    def secret(self, name: str) -> str:
        """Return the secret kept in `secrets/<name>` of the data directory, made on first use (mode 0600)."""
        folder = self.data_dir / "secrets"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            value = path.read_text().strip()
            if len(value) < MIN_SECRET_BYTES:
                raise SettingsError(f"{path} is too short to be a secret; delete it and start again") from None
            return value
        value = secrets.token_urlsafe(32)
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        return value

    def admin_token_value(self) -> str:
        """Return the token that guards everything until accounts exist."""
        return self.admin_token.get_secret_value() if self.admin_token else self.secret("admin_token")

    def first_admin_code(self) -> str:
        """Return the code that makes the first administrator, while there is no account."""
        return self.secret("first_admin_code")

    def broker_password(self, account: str) -> str:
        """Return the password of one of LICS's own accounts at an embedded broker."""
        return self.secret({EMBEDDED_ACCOUNT: "mqtt_password", EMBEDDED_CONTROL: "mqtt_control_password"}[account])

    def transport_key(self) -> bytes:
        """Return the key that signs every frame between actors of this installation."""
        key = self.actor_key.get_secret_value() if self.actor_key else self.secret("transport_key")
        return key.encode()

    @property
    def sites(self) -> tuple[str, ...]:
        """Return the locations this host is for."""
        return tuple(site for each in self.node_sites.split(",") if (site := each.strip()))


def load_settings(**overrides: Any) -> Settings:
    """Return the settings; where a server's URL is not set, that of the embedded one which `lics up` runs, if it does.

    Raises:
        SettingsError: says which setting is wrong and why, one sentence each.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from None
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return _with_embedded(settings)


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    said = problem["msg"].removeprefix("Value error, ")
    name = where if where.startswith("LICS_") else where.upper()
    return f"{name}: {said}" if where and not said.startswith(name) else str(said)


def _with_embedded(settings: Settings) -> Settings:
    endpoints = read_endpoints(settings.run_dir)
    if endpoints is None or not endpoints.alive:
        return settings
    if settings.database_url is None:
        settings.database_url, settings.database_owner_url = endpoints.database_url, endpoints.database_owner_url
    if settings.redis_url is None:
        settings.redis_url = endpoints.redis_url
    if settings.mqtt_broker_url is None and endpoints.mqtt_host is not None:
        settings.mqtt_broker_url, settings.mqtt_broker_port = endpoints.mqtt_host, endpoints.mqtt_port
        settings.mqtt_max_queued = EMBEDDED_MAX_QUEUED
        if endpoints.accounts:
            settings.mqtt_username, settings.mqtt_control_username = EMBEDDED_ACCOUNT, EMBEDDED_CONTROL
            settings.mqtt_password = SecretStr(settings.broker_password(EMBEDDED_ACCOUNT))
            settings.mqtt_control_password = SecretStr(settings.broker_password(EMBEDDED_CONTROL))
    return settings
