"""TLS of the web process: the certificate, the key, and nothing older than the settings allow."""

import ssl
from collections.abc import Callable
from typing import Any

from app.core.errors import OmsError
from app.infra.settings import Settings

ContextFactory = Callable[[Any, Any], ssl.SSLContext]


class TlsUnusableError(OmsError):
    """The certificate or the key that the settings name cannot be used."""

    code = "TLS_UNUSABLE"


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The context of a server; None without a certificate.

    Raises TlsUnusableError.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if settings.tls_version_min == "1.3" else ssl.TLSVersion.TLSv1_2
    # Of TLS 1.2 only what keeps yesterday's traffic secret when the key is lost, and authenticates what it encrypts.
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise TlsUnusableError(
            f"cannot use OMS_TLS_CERTIFICATE {settings.tls_certificate} with OMS_TLS_KEY {settings.tls_key}: {error}"
        ) from error
    return context


def context_factory(settings: Settings) -> ContextFactory | None:
    """What uvicorn calls for the context; None without a certificate. Raises TlsUnusableError."""
    context = tls_context(settings)
    return None if context is None else lambda _config, _default: context


def _no_password() -> str:
    # Without this OpenSSL would ask on a terminal that nobody watches.
    raise ValueError("the key is encrypted")
