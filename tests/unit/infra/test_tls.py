"""TLS as a client meets it: the certificate, the versions, and cookies that are bound to it."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.infra.settings import Settings, SettingsError, read_settings
from app.infra.tls import TlsUnusableError, tls_context
from app.infra.web_headers import SecureHeaders
from app.web import serving


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a certificate for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    for file, encryption in (
        ("key.pem", serialization.NoEncryption()),
        ("locked.pem", serialization.BestAvailableEncryption(b"word")),
    ):
        (folder / file).write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        )
    return Settings(
        environment="test",
        tls_certificate=folder / "certificate.pem",
        tls_key=folder / "key.pem",
        tls_version_min="1.3",
    )


async def test_the_web_process_speaks_tls_alone(certified: Settings) -> None:
    app = SecureHeaders(Starlette(routes=[Route("/", lambda request: PlainTextResponse(request.url.scheme))]))
    assert certified.tls_certificate is not None
    trusting = ssl.create_default_context(cafile=certified.tls_certificate)
    old = ssl.create_default_context(cafile=certified.tls_certificate)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        async with serving(app, listener, certified):
            url = f"https://localhost:{listener.getsockname()[1]}/"
            async with httpx.AsyncClient(verify=trusting) as client:
                response = await client.get(url)
            async with httpx.AsyncClient(verify=old) as client:
                with pytest.raises(httpx.ConnectError):
                    await client.get(url)
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.HTTPError):
                    await client.get(url.replace("https", "http"))

    assert response.text == "https"
    assert response.headers["strict-transport-security"] == "max-age=31536000"


def test_no_version_without_forward_secrecy_is_spoken(certified: Settings) -> None:
    context = tls_context(certified.model_copy(update={"tls_version_min": "1.2"}))

    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert all(name.startswith(("ECDHE-", "TLS_")) for name in names)
    assert not any("CBC" in name or name.endswith("-SHA") for name in names)


@pytest.mark.parametrize(("certificate", "key"), [("none.pem", "key.pem"), ("certificate.pem", "locked.pem")])
def test_a_certificate_that_cannot_be_used_is_one_clear_line(certified: Settings, certificate: str, key: str) -> None:
    assert certified.tls_key is not None
    folder = certified.tls_key.parent
    changed = {"tls_certificate": folder / certificate, "tls_key": folder / key}

    with pytest.raises(TlsUnusableError, match="cannot use OMS_TLS_CERTIFICATE"):
        tls_context(certified.model_copy(update=changed))


def test_a_certificate_needs_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMS_TLS_CERTIFICATE", "certificate.pem")

    with pytest.raises(SettingsError, match="OMS_TLS_CERTIFICATE and OMS_TLS_KEY go together"):
        read_settings({}, Path(".env"))
