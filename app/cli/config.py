"""The settings in words: what is set, an example file, a reference page. All come from the model."""

from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.infra.settings import Settings, variable

_NOTICE = "Generated from app/infra/settings.py by `make settings`; change it there."


def shown(settings: Settings) -> dict[str, str | int | None]:
    """Each variable with its value, the secrets and the passwords in addresses hidden."""
    return {variable(name): _hidden(getattr(settings, name)) for name in Settings.model_fields}


def env_example() -> str:
    """The text of .env.example: each setting, commented out, at its default."""
    blocks = [f"# {_NOTICE}\n# Copy to .env and uncomment what you change."]
    for name, field in Settings.model_fields.items():
        lines = [f"# {field.description} ({_kind(field)})"]
        if name in Settings.secret_fields:
            lines.append(f"# or {variable(name)}_FILE, the path of a file that holds it")
        lines.append(f"#{variable(name)}={_default(field)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def reference() -> str:
    """The page docs/reference/settings.md."""
    head = (
        "# Settings\n\n"
        f"<!-- {_NOTICE} -->\n\n"
        "Every process reads the same settings: environment variables, then the file `.env` of the working folder. "
        "A variable that begins with `OMS_` and is not listed here is refused, and so is a wrong value, in one line "
        "and before anything starts. `oms config show` tells what is in force, `oms config check` checks it.\n\n"
        "Variables marked *file* may be given as a file instead, for container secrets: `OMS_TOKEN_SECRET_FILE` is "
        "the path of a file that holds `OMS_TOKEN_SECRET`. `DATABASE_URL` and `REDIS_URL` are read where the names "
        "with `OMS_` are not set.\n\n"
        "| variable | meaning | values | default |\n|---|---|---|---|\n"
    )
    rows = []
    for name, field in Settings.model_fields.items():
        default = f"`{_default(field)}`" if _default(field) else ""
        file = " *file*" if name in Settings.secret_fields else ""
        rows.append(f"| `{variable(name)}`{file} | {field.description} | {_kind(field)} | {default} |\n")
    return head + "".join(rows)


def _hidden(value: Any) -> str | int | None:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, SecretStr):
        return "********"
    text = str(value)
    if "://" in text and (password := urlsplit(text).password):
        parts = urlsplit(text)
        return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{password}@", ":********@", 1)))
    return text


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return ""
    if isinstance(field.default, SecretStr):
        return field.default.get_secret_value()
    return str(field.default)


def _kind(field: FieldInfo) -> str:
    annotation = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    if annotation is int:
        bounds = {type(part).__name__: part for part in field.metadata}
        low, high = (getattr(bounds.get(name), name.lower(), None) for name in ("Ge", "Le"))
        return f"{low} to {high}" if high is not None else f"a number from {low}" if low is not None else "a number"
    return {Path: "a path", SecretStr: "a secret"}.get(annotation, "text") if isinstance(annotation, type) else "text"
