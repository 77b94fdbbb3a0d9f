"""The mails that people get: each a subject, some paragraphs and at most one link, as plain text and as simple HTML."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

SHOWN_LENGTH_MAX: Final = 120


class MailTemplate(StrEnum):
    """Which mail. The values that one needs are the names in its paragraphs, and `token` where it has a link."""

    CONFIRM_REGISTRATION = "CONFIRM_REGISTRATION"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    CONFIRM_EMAIL = "CONFIRM_EMAIL"
    EMAIL_CHANGE_ASKED = "EMAIL_CHANGE_ASKED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    INVITATION = "INVITATION"
    SAFEGUARD_LOOSENED = "SAFEGUARD_LOOSENED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail without its envelope: what goes into the subject, the text part and the HTML part."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    subject: str
    paragraphs: tuple[str, ...]
    # Where the dashboard takes the token, behind the #: what follows it is never sent to a server or written to a log.
    path: str | None = None


_PATTERNS: Final[Mapping[MailTemplate, _Pattern]] = MappingProxyType(
    {
        # Nothing that was typed into the form: whoever fills it in must not write to strangers in our name.
        MailTemplate.CONFIRM_REGISTRATION: _Pattern(
            subject="Confirm your registration",
            paragraphs=(
                "Somebody, you we hope, has registered a firm at OMS Trading with this e-mail address.",
                "Open the link within 24 hours and enter the password that was chosen to begin.",
                "If it was not you, do nothing: without that, no account is made.",
            ),
            path="/verify-email",
        ),
        MailTemplate.ALREADY_REGISTERED: _Pattern(
            subject="You have an account already",
            paragraphs=(
                "Somebody, you perhaps, has entered this e-mail address at OMS Trading to register, or as the new "
                "address of another account. It has an account already: nothing was changed.",
                "If you have forgotten your password, ask for a reset. If it was not you, do nothing.",
            ),
        ),
        MailTemplate.CONFIRM_EMAIL: _Pattern(
            subject="Confirm this e-mail address",
            paragraphs=(
                "Open the link within 24 hours to confirm that this is the e-mail address of your account.",
                "If you did not ask for it, do nothing.",
            ),
            path="/verify-email",
        ),
        MailTemplate.EMAIL_CHANGE_ASKED: _Pattern(
            subject="A new e-mail address was asked for",
            paragraphs=(
                "The e-mail address of your account is to become {new_email}. It does when that address is confirmed.",
                "If it was not you, change your password now and log out everywhere.",
            ),
        ),
        MailTemplate.EMAIL_CHANGED: _Pattern(
            subject="Your e-mail address was changed",
            paragraphs=(
                "The e-mail address of your account is {new_email} now. This one no longer opens it.",
                "If it was not you, tell an administrator of your firm at once.",
            ),
        ),
        MailTemplate.RESET_PASSWORD: _Pattern(
            subject="Choose a new password",
            paragraphs=(
                "Open the link within 30 minutes to choose a new password. It works once.",
                "If you did not ask for it, do nothing: your password stays as it is.",
            ),
            path="/reset-password",
        ),
        MailTemplate.PASSWORD_CHANGED: _Pattern(
            subject="Your password was changed",
            paragraphs=(
                "The password of your account was changed at {at}, from the address {ip_address}.",
                "If it was not you, reset it now, and tell an administrator of your firm.",
            ),
        ),
        MailTemplate.INVITATION: _Pattern(
            subject="You are invited to {tenant_name}",
            paragraphs=(
                "{inviter} invites you to {tenant_name} at OMS Trading, as {role}.",
                "Open the link to accept. If you do not know them, do nothing.",
            ),
            path="/accept-invitation",
        ),
        MailTemplate.SAFEGUARD_LOOSENED: _Pattern(
            subject="A safeguard of your firm is loosened",
            paragraphs=(
                "{who_email}: {what}. {change}.",
                "You get this because you keep the risk of your firm. If it is not as agreed, look at the audit log, "
                "and set it back.",
            ),
        ),
    }
)
_HEAD: Final = '<!doctype html>\n<html><head><meta charset="utf-8"></head><body>'
# What the house words itself: an amount in it has a point, and nobody typed it.
_OURS: Final = frozenset({"what", "change"})
_LINK_LIKE: Final = re.compile(r"(?<=\w)\.(?=\w)|://")


def compose(template: MailTemplate, values: Mapping[str, str], *, base_url: str) -> Letter:
    """The letter with its values. What people have typed is shortened, and neither a link nor markup.

    Raises KeyError for a value that is missing: a programmer's error.
    """
    pattern = _PATTERNS[template]
    shown = {
        name: value if name.endswith("email") or name in _OURS else _LINK_LIKE.sub(" ", _plain(value))
        for name, value in values.items()
    }
    paragraphs = [paragraph.format_map(shown) for paragraph in pattern.paragraphs]
    link = None if pattern.path is None else f"{base_url}{pattern.path}#token={quote(values['token'], safe='')}"
    text = "\n\n".join([*paragraphs[:1], *([link] if link else []), *paragraphs[1:]])
    marked_up = [f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs]
    if link is not None:
        marked_up.insert(1, f'<p><a href="{escape(link)}">{escape(link)}</a></p>')
    return Letter(
        subject=pattern.subject.format_map(shown),
        text=text + "\n",
        html='<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n'
        + "\n".join(marked_up)
        + "\n</body></html>\n",
    )


def _plain(value: str) -> str:
    # Line ends, controls, and the marks that turn the direction of writing.
    written = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in value)
    return written if len(written) <= SHOWN_LENGTH_MAX else written[:SHOWN_LENGTH_MAX] + "…"
