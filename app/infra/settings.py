"""Settings of every process: environment variables with the prefix OMS_, a .env file, and secrets in files."""

import os
import re
from collections.abc import Mapping
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic import model_validator as after_all
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.core.errors import OmsError
from app.infra.forwarding import networks_of
from app.infra.head_addresses import sink_address
from app.infra.origins import origins_of
from app.infra.signing import SigningKeyError
from app.infra.signing import keys_of as signing_keys_of
from app.infra.strength import weakness_of_address, weakness_of_key, weakness_of_text
from app.infra.vault import MasterKeyError, Vault, keys_of

PREFIX = "OMS_"
DEVELOPMENT_TOKEN_SECRET = "development-only-secret-of-the-demo"  # noqa: S105 - public, and refused in production
TOKEN_SECRET_BYTES_MIN = 32
# Public as well, and refused in production: 32 zero bytes would be as secret.
DEVELOPMENT_MASTER_KEY = "development:ZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXIta2V5LWRlbW8="
GATEWAY_PORTS_MAX = 1_000
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_SENDER = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189}", re.ASCII)
# Set by the supervisor for its children, and by whoever builds the package; no setting of an operator.
_NOT_SETTINGS = frozenset({"OMS_READY_FD", "OMS_SKIP_DASHBOARD"})


class SettingsError(OmsError):
    """A setting is wrong, missing or unknown; the message has one line for each."""

    code = "SETTINGS_INVALID"


def _url_of(*schemes: str) -> WrapValidator:
    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        url = handler(value)
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in schemes:
                raise ValueError(f"must begin with {' or '.join(scheme + '://' for scheme in schemes)}")
            if not (parts.netloc or parts.path.strip("/")):
                raise ValueError("names no server")
            # Raises ValueError for a port that is none.
            _ = parts.port
        return url

    return WrapValidator(check)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"names no time zone: {name}") from error
    return name


def _known_networks(text: str) -> str:
    networks_of(text)
    return text


def _known_origins(text: str) -> str:
    origins_of(text)
    return text


def _known_gateways(text: str) -> str:
    gateways_of(text)
    return text


def _known_sender(text: str) -> str:
    name, address = parseaddr(text)
    if not text.isprintable() or _SENDER.fullmatch(address) is None:
        raise ValueError(f"needs an address such as {name or 'Name'} <no-reply@firm.example>")
    return text


def _known_sink(url: str) -> str:
    if url:
        sink_address(url)
    return url


class Settings(BaseSettings):
    """What an operator may set. Each field is the variable OMS_<NAME>; its description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    secret_fields: ClassVar[tuple[str, ...]] = (
        "database_url",
        "migration_database_url",
        "redis_url",
        "token_secret",
        "previous_token_secrets",
        "master_key",
        "smtp_password",
        "audit_signing_key",
        "audit_sink_secret_key",
    )
    """Fields that OMS_<NAME>_FILE may give instead: the path of a file that holds the value."""

    environment: Literal["development", "test", "production"] = Field(
        default="development", description="production refuses default secrets, embedded servers and the demo"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="how much the processes log"
    )
    state_dir: Path | None = Field(
        default=None,
        description="folder of the embedded servers' data and the demo's credentials; "
        "unset, /var/lib/oms for root and oms in XDG_DATA_HOME for others",
    )
    http_host: str = Field(default="127.0.0.1", min_length=1, description="address that the web process listens on")
    http_port: int = Field(default=8000, ge=1, le=65535, description="port of the web process")
    graphiql: Literal["off", "admins", "all"] | None = Field(
        default=None,
        description="who may open GraphiQL: nobody, who administers the tenant, or everybody. Unset, admins in "
        "production and all elsewhere",
    )
    trusted_proxies: Annotated[str, AfterValidator(_known_networks)] = Field(
        default="",
        description="addresses and CIDRs of the proxies before us, by commas: what they tell of a client is believed, "
        "what others tell is not",
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = Field(
        default="x-forwarded-for",
        description="the header in which trusted proxies name the client; x-forwarded-proto goes with the first",
    )
    public_origins: Annotated[str, AfterValidator(_known_origins)] = Field(
        default="",
        description="origins that browsers reach us under, such as https://oms.example.com, by commas; pages of others "
        "are refused. Empty, the host that is asked for is the one",
    )
    tls_certificate: Path | None = Field(
        default=None, description="certificate chain of the web process (PEM), which then serves https alone"
    )
    tls_key: Path | None = Field(default=None, description="private key of OMS_TLS_CERTIFICATE (PEM, not encrypted)")
    tls_version_min: Literal["1.2", "1.3"] = Field(
        default="1.2", description="the oldest version of TLS that is spoken"
    )
    introspection: Literal["off", "signed-in", "all"] | None = Field(
        default=None,
        description="who may ask for the schema; names are suggested in errors only under all. Unset, off in "
        "production and all elsewhere",
    )
    persisted_documents: Literal["off", "allow", "require"] = Field(
        default="allow",
        description="whether documents may be asked by their id (allow), must be listed (require), or always come as "
        "text (off)",
    )
    document_list: Path | None = Field(
        default=None, description="file of documents to list beside the dashboard's own, written by `oms documents add`"
    )
    sockets_per_address: int = Field(
        default=1_000, ge=1, le=1_000_000, description="WebSockets that an address may hold open in a web process"
    )
    sockets_per_credential: int = Field(
        default=200,
        ge=1,
        le=1_000_000,
        description="WebSockets that a session or an API key may hold open in a process",
    )
    simulator_host: str = Field(default="127.0.0.1", min_length=1, description="address of the TWS-protocol simulator")
    simulator_port: int = Field(default=7497, ge=1, le=65535, description="port of the TWS-protocol simulator")
    simulator_sessions: Literal["always", "exchange"] = Field(
        default="always",
        description="when the simulator deals: at all hours of every day, or in the hours of each exchange",
    )
    simulator_control_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="port of the simulator's control on the loopback, 0 for any free one; off when unset, "
        "except under `oms up`",
    )
    simulator_seed: int = Field(
        default=7, ge=0, description="seed of the simulator's market: the same seed, the same prices"
    )
    paper_sessions: Literal["always", "exchange"] = Field(
        default="exchange",
        description="when the paper broker deals: at all hours of every day, or in the hours of each instrument",
    )
    paper_quote_age_seconds: float = Field(
        default=15,
        gt=0,
        le=3600,
        description="how old a quote may be that the paper broker still deals on",
    )
    simulator_accounts: str = Field(
        default="DU1000001",
        pattern=r"^[A-Z0-9]{2,20}(,[A-Z0-9]{2,20})*$",
        description="accounts that the simulator manages, separated by commas; each opens with 1,000,000 USD",
    )
    simulator_adviser: str = Field(
        default="",
        pattern=r"^([A-Z0-9]{2,20})?$",
        description="an adviser (FA) account over the simulator's accounts, such as DF1000000; none when empty",
    )
    database_url: Annotated[str | None, _url_of("postgresql", "postgres")] = Field(
        default=None,
        repr=False,
        description="PostgreSQL 15 or later, postgresql://user:password@host/database; embedded when unset",
        validation_alias=AliasChoices("OMS_DATABASE_URL", "DATABASE_URL"),
    )
    migration_database_url: Annotated[str | None, _url_of("postgresql", "postgres")] = Field(
        default=None,
        repr=False,
        description="the same database as a login that owns the tables and may create roles, for `oms migrate` alone; "
        "then OMS_DATABASE_URL may be a login that can only switch to oms_app, oms_intake, oms_system and oms_sealer. "
        "Unset, OMS_DATABASE_URL serves for both",
    )
    redis_url: Annotated[str | None, _url_of("redis", "rediss", "unix")] = Field(
        default=None,
        repr=False,
        description="Redis 7 or Valkey, redis://, rediss:// or unix://; embedded when unset",
        validation_alias=AliasChoices("OMS_REDIS_URL", "REDIS_URL"),
    )
    redis_prefix: str = Field(default="oms:", max_length=64, description="how every key and channel in Redis begins")
    postgres_home: Path | None = Field(
        default=None,
        description="folder of a PostgreSQL installation (with bin/postgres) to embed instead of the packaged one",
    )
    token_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_TOKEN_SECRET),
        description=f"key that signs access tokens, at least {TOKEN_SECRET_BYTES_MIN} bytes; "
        "in development `oms up` makes one of its own",
    )
    previous_token_secrets: SecretStr = Field(
        default=SecretStr(""),
        description="keys that access tokens were signed with before OMS_TOKEN_SECRET, parted by blanks or line ends: "
        "their tokens still hold. A key may go 10 minutes after its last token",
    )
    master_key: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_MASTER_KEY),
        description="keys that brokers' credentials are sealed under: version:base64 of 32 bytes each, parted by "
        "commas, the newest first; in development `oms up` makes one of its own",
    )
    rate_limit_address: int = Field(
        default=1_000,
        ge=0,
        le=10_000_000,
        description="cost a second that may come from one address without a credential that holds, and through the "
        "ways in (a login costs 100); 0 for no limit",
    )
    rate_limit_user: int = Field(
        default=20_000, ge=0, le=10_000_000, description="cost a second that one person may ask for; 0 for no limit"
    )
    rate_limit_key: int = Field(
        default=50_000,
        ge=0,
        le=10_000_000,
        description="cost a second that one API key may ask for (an order costs some 12); 0 for no limit",
    )
    rate_limit_tenant: int = Field(
        default=100_000,
        ge=0,
        le=10_000_000,
        description="cost a second that one tenant may ask for, all its people and keys together; 0 for no limit",
    )
    rate_limit_burst_seconds: int = Field(
        default=10, ge=1, le=3_600, description="how many seconds of these rates may come at once after a pause"
    )
    gateway_hosts: Annotated[str, AfterValidator(_known_gateways)] = Field(
        default="",
        description="gateways that accounts may be reached through, beside the simulator: host:port or "
        "host:first-last, parted by commas. List a gateway under one name: by name and port it is known",
    )
    ib_library: Literal["ib_insync", "ib_async"] = Field(
        default="ib_insync", description="client library of the IB connector"
    )
    ib_messages_per_second: int = Field(
        default=45, ge=0, le=1_000, description="pace of a real gateway, all messages together; 0 takes the bound away"
    )
    ib_market_data_lines: int = Field(
        default=100, ge=1, le=10_000, description="market data lines of a gateway's user, for all tenants that share it"
    )
    ib_tick_streams: int = Field(
        default=3,
        ge=0,
        le=60,
        description="streams of single ticks at once of a gateway's user, for all tenants that share it: 3 with fewer "
        "than 400 market data lines, then one for each hundred of them",
    )
    ib_delayed_market_data: bool = Field(
        default=True, description="show delayed data of markets that are not subscribed at the broker"
    )
    simulator_messages_per_second: int = Field(
        default=0, ge=0, le=1_000, description="pace of the simulator as if it were a gateway; 0 for no bound"
    )
    trading_timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="America/New_York",
        description="time zone of the trading day, which begins at midnight there: of profit and loss, of DAY orders",
    )
    pnl_snapshot_interval_s: int = Field(
        default=60,
        ge=60,
        le=86_400,
        multiple_of=60,
        description="how often the worker takes a snapshot of each account's profit and loss, in whole minutes; "
        "another is taken when the trading day ends",
    )
    risk_history_days: int = Field(
        default=92,
        ge=31,
        le=3_660,
        description="for how many days the worker keeps how full limits were, minute by minute; values at risk at the "
        "ends of days stay",
    )
    ib_timezone: str = Field(default="UTC", description="time zone of a gateway whose times do not name one")
    ib_restart_times: str = Field(
        default="",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d(, ?([01]\d|2[0-3]):[0-5]\d)*)?$",
        description="when gateways restart by themselves, such as 23:45, in OMS_IB_TIMEZONE and by commas: from half a "
        "minute before, new orders wait and cancels go",
    )
    ib_restart_seconds: int = Field(
        default=300, ge=30, le=7_200, description="how long a gateway may take for its restart before that is an alarm"
    )

    public_url: Annotated[str | None, _url_of("http", "https")] = Field(
        default=None,
        description="address that links in mails begin with, such as https://oms.firm.example; "
        "unset, http:// with OMS_HTTP_HOST and OMS_HTTP_PORT",
    )
    registration: Literal["open", "closed"] = Field(
        default="open", description="closed refuses `register`: people come by invitation alone"
    )
    mail_sender: Annotated[str, AfterValidator(_known_sender)] = Field(
        default="OMS Trading <no-reply@oms.example>", description="who mails come from: an address, or Name <address>"
    )
    mail_folder: Path | None = Field(
        default=None,
        description="folder that mails go to when no SMTP server is set, for `oms mail`; unset, mail in the state "
        "folder, and in production nowhere",
    )
    smtp_host: str | None = Field(default=None, min_length=1, description="SMTP server that takes our mails")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="its port: 587 for starttls, 465 for tls")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls and tls verify its certificate; none is for a relay on the loopback",
    )
    smtp_ca_file: Path | None = Field(
        default=None, description="file of certificates to trust there, for a server with a private authority"
    )
    smtp_user: str = Field(default="", description="user name at the SMTP server; empty for no sign-in")
    smtp_password: SecretStr | None = Field(default=None, description="password at the SMTP server")
    audit_signing_key: SecretStr = Field(
        default=SecretStr(""),
        description="Ed25519 keys that sign the heads of the audit log: version:base64 of 32 bytes each, parted by "
        "commas, the newest first (`oms audit generate-key`); without one nothing is signed",
    )
    audit_verify_keys: str = Field(
        default="",
        description="public keys of versions whose private key is gone, written alike (`oms audit keys` prints them)",
    )
    audit_sink: Annotated[str, AfterValidator(_known_sink)] = Field(
        default="",
        description="where signed heads of the audit log are kept outside the database: file:///folder or "
        "s3://bucket/prefix; nowhere when empty",
    )
    audit_sink_endpoint: Annotated[str | None, _url_of("https", "http")] = Field(
        default=None,
        description="the S3-compatible server of an s3:// sink, such as https://s3.eu-west-1.amazonaws.com",
    )
    audit_sink_region: str = Field(default="", max_length=64, description="region of the sink's bucket, if it has one")
    audit_sink_access_key: str = Field(default="", max_length=256, description="access key of the sink's bucket")
    audit_sink_secret_key: SecretStr = Field(default=SecretStr(""), description="secret key of the sink's bucket")
    audit_sink_lock_days: int = Field(
        default=0,
        ge=0,
        le=36_525,
        description="for how many days nobody can delete a head from a bucket that has object lock; 0 for no lock",
    )
    audit_head_interval_s: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="how often heads of the audit log are signed and brought to the sink",
    )

    order_record_export_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="for how many days the file of an export of order records is kept for downloading",
    )
    order_record_export_mib_max: int = Field(
        default=512,
        ge=1,
        le=65_536,
        description="how much room in the database the compressed file of one export of order records may take, in MiB",
    )

    @after_all(mode="after")
    def _is_safe(self) -> Self:
        secret = self.token_secret.get_secret_value()
        if len(secret.encode()) < TOKEN_SECRET_BYTES_MIN:
            raise ValueError(f"OMS_TOKEN_SECRET must have at least {TOKEN_SECRET_BYTES_MIN} bytes")
        if self.environment == "production":
            missing = [name for name in ("database_url", "redis_url") if getattr(self, name) is None]
            if missing:
                names = " and ".join(variable(name) for name in missing)
                raise ValueError(f"production needs {names}: embedded servers are for development")
            if DEVELOPMENT_TOKEN_SECRET in (secret, *self.previous_token_keys):
                raise ValueError("production needs an OMS_TOKEN_SECRET of its own (or OMS_TOKEN_SECRET_FILE)")
            if DEVELOPMENT_MASTER_KEY.partition(":")[2] in self.master_key.get_secret_value():
                raise ValueError("production needs an OMS_MASTER_KEY of its own (or OMS_MASTER_KEY_FILE)")
        if any(len(one.encode()) < TOKEN_SECRET_BYTES_MIN for one in self.previous_token_keys):
            raise ValueError(f"each of OMS_PREVIOUS_TOKEN_SECRETS must have at least {TOKEN_SECRET_BYTES_MIN} bytes")
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("OMS_TLS_CERTIFICATE and OMS_TLS_KEY go together")
        if self.smtp_user and self.smtp_tls == "none" and self.smtp_host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("OMS_SMTP_TLS may be none with a sign-in only on the loopback: the password would be read")
        try:
            keys = keys_of(self.master_key.get_secret_value())
            Vault(keys)
        except MasterKeyError as error:
            raise ValueError(f"OMS_MASTER_KEY: {error.message}") from None
        self._check_audit()
        if self.environment == "production":
            self._refuse_weak(keys)
        return self

    def _check_audit(self) -> None:
        try:
            signing = signing_keys_of(self.audit_signing_key.get_secret_value())
        except SigningKeyError as error:
            raise ValueError(f"OMS_AUDIT_SIGNING_KEY: {error.message}") from None
        try:
            signing_keys_of(self.audit_verify_keys)
        except SigningKeyError as error:
            raise ValueError(f"OMS_AUDIT_VERIFY_KEYS: {error.message}") from None
        if self.audit_sink and not signing:
            raise ValueError("OMS_AUDIT_SINK needs an OMS_AUDIT_SIGNING_KEY: what is not signed proves nothing")
        if self.audit_sink.startswith("s3:") and self.audit_sink_endpoint is None:
            raise ValueError("an s3:// OMS_AUDIT_SINK needs OMS_AUDIT_SINK_ENDPOINT")

    def _refuse_weak(self, master_keys: Mapping[str, bytes]) -> None:
        for secret in (self.token_secret.get_secret_value(), *self.previous_token_keys):
            if (weakness := weakness_of_text(secret)) is not None:
                raise ValueError(f"OMS_TOKEN_SECRET is weak, it {weakness}: make one with `openssl rand -base64 48`")
        for version, key in master_keys.items():
            if (weakness := weakness_of_key(key)) is not None:
                raise ValueError(f"OMS_MASTER_KEY: version {version} {weakness}: make one with `oms secrets generate`")
        for name in ("database_url", "migration_database_url", "redis_url"):
            url = getattr(self, name)
            if url is not None and (weakness := weakness_of_address(url)) is not None:
                raise ValueError(f"the password in {variable(name)} {weakness}")

    @property
    def previous_token_keys(self) -> tuple[str, ...]:
        """The keys that signed access tokens before the present one."""
        return tuple(self.previous_token_secrets.get_secret_value().split())

    @property
    def http_scheme(self) -> Literal["http", "https"]:
        """How the web process is spoken to."""
        return "http" if self.tls_certificate is None else "https"

    @property
    def shows_graphiql_to(self) -> Literal["off", "admins", "all"]:
        """Who may open GraphiQL."""
        return self.graphiql or ("admins" if self.environment == "production" else "all")

    @property
    def shows_schema_to(self) -> Literal["off", "signed-in", "all"]:
        """Who may ask for the schema."""
        return self.introspection or ("off" if self.environment == "production" else "all")

    @property
    def is_master_key_public(self) -> bool:
        """Whether credentials would be sealed under the key that everyone can read in the source."""
        return self.master_key.get_secret_value() == DEVELOPMENT_MASTER_KEY

    @property
    def gateways(self) -> frozenset[tuple[str, int]]:
        """The gateways that an account may be reached through: host in small letters, and port."""
        return gateways_of(self.gateway_hosts) | {(self.simulator_host.lower(), self.simulator_port)}

    @property
    def link_base(self) -> str:
        """What links to the dashboard begin with, without a slash at the end."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.http_host in {"0.0.0.0", "::"} else self.http_host  # noqa: S104 - compared only
        return f"http://[{host}]:{self.http_port}" if ":" in host else f"http://{host}:{self.http_port}"

    @property
    def is_token_secret_public(self) -> bool:
        """Whether tokens would be signed with the secret that everyone can read in the source."""
        return self.token_secret.get_secret_value() == DEVELOPMENT_TOKEN_SECRET

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence: arguments, files of secrets, environment, .env."""
        return init_settings, _SecretFiles(settings_cls), env_settings, dotenv_settings


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def gateways_of(text: str) -> frozenset[tuple[str, int]]:
    """The hosts and ports of OMS_GATEWAY_HOSTS. Raises ValueError for what is none."""
    found: set[tuple[str, int]] = set()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        host, _, ports = entry.rpartition(":")
        first, _, last = ports.partition("-")
        if _HOST.fullmatch(host) is None or not first.isdecimal() or not (last or first).isdecimal():
            raise ValueError(f"needs host:port or host:first-last, not {entry}")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= 65535 or high - low >= GATEWAY_PORTS_MAX:
            raise ValueError(f"needs ports from 1 to 65535, at most {GATEWAY_PORTS_MAX} of a host, not {entry}")
        found.update((host.lower(), port) for port in range(low, high + 1))
    return frozenset(found)


@cache
def load_settings() -> Settings:
    """The settings of this process, read once.

    Raises: SettingsError naming each wrong or unknown variable.
    """
    return read_settings(os.environ, Path(".env"))


def read_settings(environment: Mapping[str, str], env_file: Path) -> Settings:
    """The settings, with every OMS_ variable known; `environment` is what unknown names are looked for in.

    Raises: SettingsError naming each wrong or unknown variable.
    """
    given = {**dotenv_values(env_file), **environment}
    known = {variable(name) for name in Settings.model_fields} | _NOT_SETTINGS
    known |= {variable(name) + "_FILE" for name in Settings.secret_fields}
    unknown = sorted(name for name in given if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise SettingsError(f"no such setting: {', '.join(unknown)} (`oms config show` lists them all)")
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsError("; ".join(_lines(error, given))) from None


def _lines(error: ValidationError, given: Mapping[str, str | None]) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        message = problem["msg"].removeprefix("Value error, ")
        field = str(problem["loc"][0]).upper() if problem["loc"] else ""
        name = f"{PREFIX}{field.removeprefix(PREFIX)}" if field else ""
        if name not in given and f"{name}_FILE" not in given and name.removeprefix(PREFIX) in given:
            name = name.removeprefix(PREFIX)
        lines.append(f"{name}: {message[0].lower()}{message[1:]}" if name else message)
    return lines


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads OMS_<NAME>_FILE for the fields that may hold a secret."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(variable(field_name) + "_FILE")
        if not path or field_name not in Settings.secret_fields:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise SettingsError(f"{variable(field_name)}_FILE: cannot read {path}: {reason}") from error

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in Settings.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}
