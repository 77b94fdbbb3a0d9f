"""Where embedded servers keep their data, sockets, locks and copies of programs."""

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.infra.embedded.errors import EmbeddedServerError
from app.infra.embedded.process import ServiceUser, service_user

# The kernel's sun_path holds 108 bytes with the closing zero.
_SOCKET_PATH_BYTES_MAX = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


def default_state_dir() -> Path:
    """/var/lib/oms for root, else the folder `oms` in XDG_DATA_HOME."""
    if os.geteuid() == 0:
        return Path("/var/lib/oms")
    data_home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(data_home) / "oms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders of one set of embedded servers, created on demand with tight permissions."""

    state_dir: Path
    user: ServiceUser | None

    @classmethod
    def at(cls, state_dir: Path) -> "Folders":
        """The folders below `state_dir`, which is created when missing.

        Raises: EmbeddedServerError when it cannot be created, or when the servers' user cannot reach it.
        """
        state_dir = state_dir.expanduser().absolute()
        user = service_user()
        try:
            if not state_dir.is_dir():
                # Root's servers run as another user, who must be able to pass; each folder inside is closed.
                state_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if user else 0o700)
        except OSError as error:
            raise EmbeddedServerError(
                f"cannot create the state folder {state_dir} ({error.strerror}): set OMS_STATE_DIR to another"
            ) from error
        if user and (closed := _closed_to(state_dir, user)):
            raise EmbeddedServerError(
                f"the user {user.name}, as whom root's servers run, cannot pass {closed}: set OMS_STATE_DIR to another"
            )
        return cls(state_dir=state_dir, user=user)

    def private(self, name: str) -> Path:
        """A folder inside the state folder that only the servers' user may enter."""
        return self._owned(self.state_dir / name)

    def sockets(self) -> Path:
        """The folder of the unix sockets; beside the data, or below the temporary folder when that path is too long."""
        usual = self.state_dir / "run"
        if len(os.fsencode(usual / _LONGEST_SOCKET_NAME)) <= _SOCKET_PATH_BYTES_MAX:
            return self._owned(usual)
        digest = hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:12]
        for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - the folder is checked to be ours
            short = parent / f"oms-{digest}"
            if len(os.fsencode(short / _LONGEST_SOCKET_NAME)) <= _SOCKET_PATH_BYTES_MAX:
                return self._owned(short)
        raise EmbeddedServerError(
            f"no folder is short enough for a socket of {self.state_dir}: set OMS_STATE_DIR shorter"
        )

    def lock(self, name: str) -> Path:
        """The file whose lock the running server of that name holds."""
        return self.state_dir / f"{name}.lock"

    def _owned(self, path: Path) -> Path:
        owner = self.user.uid if self.user else os.geteuid()
        try:
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
                if self.user:
                    os.chown(path, self.user.uid, self.user.gid)
            found = path.lstat()
            if found.st_uid != owner:
                self._adopt(path, found.st_uid)
            path.chmod(0o700)
        except OSError as error:
            raise EmbeddedServerError(f"cannot use the folder {path}: {error.strerror}") from error
        return path

    def _adopt(self, path: Path, owner: int) -> None:
        # A starter that was killed between mkdir and chown leaves an empty folder of root's.
        if self.user and owner == 0 and path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            os.chown(path, self.user.uid, self.user.gid)
            return
        raise EmbeddedServerError(
            f"the folder {path} belongs to another user (uid {owner}): set OMS_STATE_DIR to one of your own"
        )


def _closed_to(path: Path, user: ServiceUser) -> Path | None:
    for folder in (*reversed(path.resolve().parents), path.resolve()):
        found = folder.stat()
        if found.st_uid == user.uid:
            bit = stat.S_IXUSR
        elif found.st_gid == user.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not found.st_mode & bit:
            return folder
    return None
