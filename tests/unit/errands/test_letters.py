"""What people are mailed: every template composes, and nothing that was typed becomes a header, a link or markup."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InputError
from app.errands.letters import MailTemplate, compose
from app.infra.assets import CLIENT_ROUTES
from app.infra.mail import mail_message

VALUES = {
    "token": "omt_abc",
    "new_email": "new@example.com",
    "at": "2026-11-20 12:00 UTC",
    "ip_address": "192.0.2.7",
    "tenant_name": "Test Capital",
    "inviter": "Ann Lee",
    "role": "TRADER",
    "who_email": "ann@example.com",
    "what": "the circuit breaker loss of the firm is loosened",
    "change": "it trips at 2000.5 instead of 1000",
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINKED = {
    MailTemplate.CONFIRM_REGISTRATION: "https://oms.test/verify-email#token=omt_abc",
    MailTemplate.CONFIRM_EMAIL: "https://oms.test/verify-email#token=omt_abc",
    MailTemplate.RESET_PASSWORD: "https://oms.test/reset-password#token=omt_abc",
    MailTemplate.INVITATION: "https://oms.test/accept-invitation#token=omt_abc",
}


def _message(subject: str = "A subject", recipient: str = "ann@example.com", text: str = "text\n") -> EmailMessage:
    return mail_message(
        message_id="1",
        sender="OMS Trading <no-reply@oms.test>",
        recipient=recipient,
        subject=subject,
        text=text,
        html="<p>text</p>",
        now=NOW,
    )


@pytest.mark.parametrize("template", MailTemplate)
def test_every_template_composes_with_its_link_in_both_parts(template: MailTemplate) -> None:
    letter = compose(template, VALUES, base_url="https://oms.test")

    link = LINKED.get(template)
    assert letter.subject
    assert "{" not in letter.subject + letter.text + letter.html
    assert (link in letter.text.splitlines()) if link else ("https://" not in letter.text)
    assert (f'<a href="{link}">' in letter.html) is (link is not None)


def test_an_amount_that_was_loosened_is_told_as_it_is() -> None:
    letter = compose(MailTemplate.SAFEGUARD_LOOSENED, VALUES, base_url="")

    assert "ann@example.com: the circuit breaker loss of the firm is loosened. it trips at 2000.5" in letter.text


def test_every_link_leads_to_a_page_of_the_dashboard() -> None:
    assert {urlsplit(link).path for link in LINKED.values()} <= set(CLIENT_ROUTES)


def test_a_value_that_is_missing_is_found_before_the_mail_is_queued() -> None:
    with pytest.raises(KeyError):
        compose(MailTemplate.INVITATION, {"token": "x"}, base_url="")


@given(name=st.text(max_size=300))
def test_what_was_typed_is_neither_a_header_nor_a_link_nor_markup(name: str) -> None:
    typed = f"<b>\r\nBcc: victim@example.com\r\n\r\nhttps://evil.example {name}"

    letter = compose(MailTemplate.INVITATION, VALUES | {"tenant_name": typed}, base_url="https://oms.test")
    message = _message(subject=letter.subject, text=letter.text)
    read = message_from_bytes(message.as_bytes(policy=SMTP), policy=default)

    assert read["Bcc"] is None
    assert read["To"] == "ann@example.com"
    assert sorted(read.keys()) == sorted(_message().keys())
    assert "https://evil" not in letter.text
    assert "evil.example" not in letter.text
    assert "<b>" not in letter.html


@pytest.mark.parametrize(
    "recipient",
    [
        "ann@example.com\r\nBcc: victim@example.com",
        "ann@example.com, victim@example.com",
        "ann@example.com\nX: y",
        "Ann <victim@example.com>",
        "",
    ],
)
def test_a_recipient_is_one_address_or_no_mail(recipient: str) -> None:
    with pytest.raises(InputError):
        _message(recipient=recipient)


@pytest.mark.parametrize("subject", ["a\r\nBcc: victim@example.com", "a\nb", "a\rb"])
def test_a_subject_with_a_line_end_is_no_mail(subject: str) -> None:
    with pytest.raises(InputError):
        _message(subject=subject)


def test_a_mail_says_by_itself_that_a_machine_wrote_it() -> None:
    message = _message()

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<1@oms.test>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
