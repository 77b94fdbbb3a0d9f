"""How the place is written that signed heads of the audit log are kept in."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkAddress:
    """Where the sink is: a folder, or a bucket with the beginning of its objects' names."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""


def sink_address(url: str) -> SinkAddress:
    """The parts of file:///folder or s3://bucket/prefix. Raises ValueError for what is neither."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return SinkAddress(folder=Path(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        prefix = parts.path.strip("/")
        return SinkAddress(bucket=parts.netloc, prefix=f"{prefix}/" if prefix else "")
    raise ValueError("needs file:///folder or s3://bucket/prefix")
