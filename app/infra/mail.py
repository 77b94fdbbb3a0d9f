"""Mails on their way out: to an SMTP server, or into a folder that development and tests read."""

import asyncio
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final, Literal, Protocol

import aiosmtplib

from app.core.errors import InputError, NotFoundError, OmsError
from app.infra.embedded import default_state_dir
from app.infra.settings import Settings

TIMEOUT_S: Final = 20.0
KEPT_MAX: Final = 500


class MailRefusedError(OmsError):
    """A mail server refuses the mail for good."""

    code = "MAIL_REFUSED"


class MailNotSentError(OmsError):
    """No mail server has taken the mail; it is tried again."""

    code = "MAIL_NOT_SENT"
    is_retryable = True


class MailTransport(Protocol):
    """Where mails go."""

    async def send(self, message: EmailMessage) -> None:
        """Hands the mail over. Raises MailNotSentError, MailRefusedError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """An SMTP server that takes our mails. With "starttls" and "tls" its certificate is verified."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    user: str = ""
    password: str = ""
    ca_file: Path | None = None
    timeout_s: float = TIMEOUT_S

    async def send(self, message: EmailMessage) -> None:
        """Hands the mail over. Raises MailNotSentError, MailRefusedError."""
        try:
            # Never looked up: a name server that is away must not hold the mail up.
            async with self._client(_domain_of(message)) as client:
                await client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise _failed(min(codes, default=0), "the recipient is refused") from error
        except aiosmtplib.SMTPAuthenticationError as error:
            # The mail is good, our credentials are not: an operator mends that.
            raise self._away(error) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _failed(error.code, f"{self.host} answers {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise self._away(error) from error

    async def check(self) -> None:
        """Connects and signs in as for a mail, and leaves. Raises MailNotSentError."""
        try:
            async with self._client("localhost") as client:
                await client.noop()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise self._away(error) from error

    def _client(self, local_hostname: str) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            local_hostname=local_hostname,
            timeout=self.timeout_s,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            cert_bundle=None if self.ca_file is None else str(self.ca_file),
        )

    def _away(self, error: Exception) -> MailNotSentError:
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return MailNotSentError(f"{self.host} refuses the sign-in ({error.code})")
        return MailNotSentError(f"{self.host}:{self.port} does not take mail: {type(error).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """A mail in the folder: its name there, when it came, to whom, and about what."""

    name: str
    recipient: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFolder:
    """A folder that mails go to instead of a server, a file each, readable by the owner alone; the oldest go."""

    folder: Path

    async def send(self, message: EmailMessage) -> None:
        """Writes the mail. Raises MailNotSentError."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise MailNotSentError(f"cannot write to {self.folder}: {error.strerror}") from error

    def mails(self) -> list[KeptMail]:
        """The mails, newest first."""
        return [self._read(path) for path in reversed(self._paths())]

    def show(self, name: str) -> KeptMail:
        """The mail of the name, or the newest for "last". Raises NotFoundError."""
        paths = self._paths()
        found = paths[-1:] if name == "last" else [path for path in paths if path.stem == name]
        if not found:
            raise NotFoundError(f"there is no mail {name} in {self.folder}")
        return self._read(found[0])

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))

    def _read(self, path: Path) -> KeptMail:
        message = message_from_bytes(path.read_bytes(), policy=default)
        body = message.get_body(("plain",))
        return KeptMail(
            name=path.stem,
            recipient=str(message["To"]),
            subject=str(message["Subject"]),
            text="" if body is None else str(body.get_content()),
        )

    def _write(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        queued_at = message["Date"].datetime
        # By the mail's own id: a mail that is handed over twice is one file.
        name = f"{queued_at:%Y%m%dT%H%M%S}-{str(message['Message-ID']).strip('<>').partition('@')[0]}"
        partial = self.folder / f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(message.as_bytes(policy=SMTP))
        partial.replace(self.folder / f"{name}.eml")
        for path in self._paths()[:-KEPT_MAX]:
            path.unlink(missing_ok=True)


def transport_of(settings: Settings) -> MailTransport | None:
    """Where the installation's mails go: the SMTP server, else the folder; in production none unless one is set."""
    if settings.smtp_host is not None:
        password = settings.smtp_password
        return SmtpServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            tls=settings.smtp_tls,
            user=settings.smtp_user,
            password="" if password is None else password.get_secret_value(),
            ca_file=settings.smtp_ca_file,
        )
    return mail_folder_of(settings)


def mail_folder_of(settings: Settings) -> MailFolder | None:
    """The folder that mails go to when no server is set; in production none unless one is set."""
    if settings.mail_folder is not None:
        return MailFolder(folder=settings.mail_folder)
    if settings.environment == "production":
        return None
    return MailFolder(folder=(settings.state_dir or default_state_dir()).expanduser() / "mail")


def mail_message(
    *, message_id: str, sender: str, recipient: str, subject: str, text: str, html: str, now: datetime
) -> EmailMessage:
    """The mail with its headers. message_id is the same each time that it is sent.

    Raises InputError for an address or a subject that would not stay within its header.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(display_name=name, addr_spec=address)
        message["To"] = Address(addr_spec=recipient)
        message["Subject"] = subject
    except (ValueError, IndexError) as error:
        # What a mail's headers hold comes from people, at least in part.
        raise InputError("This cannot stand in a mail's header.") from error
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{message_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def _failed(code: int, message: str) -> OmsError:
    # Source: RFC 5321, section 4.2.1: 5yz is for good, 4yz for now.
    return MailRefusedError(message) if 500 <= code < 600 else MailNotSentError(message)


def _domain_of(message: EmailMessage) -> str:
    return parseaddr(str(message["From"]))[1].rpartition("@")[2]
