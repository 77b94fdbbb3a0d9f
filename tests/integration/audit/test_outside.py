"""What auditors do without us: the script of docs/audit.md over an export, and the commands of who runs the house."""

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from app.audit.reading_batch import AuditFilter
from app.flows.audit.export_audit import exported, json_line
from app.flows.audit.sign_heads import HeadKeeper
from app.infra.db import Database
from app.infra.head_sinks import FileSink
from app.infra.system import SystemClock
from app.infra.uow import begin_batch
from tests.command_line import Ended, oms
from tests.integration.audit.tampering import SIGNER
from tests.integration.audit.writing import VAULT, House, as_owner, make_house

SCRIPT = Path(__file__).parents[3] / "docs" / "audit_verify.py"
SIGNING_KEY = f"1:{base64.b64encode(bytes(range(32))).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """An export as an auditor gets it."""

    house: House
    folder: Path

    def verify(self) -> subprocess.CompletedProcess[str]:
        """What the script says."""
        names = [str(self.folder / name) for name in ("chain.jsonl", "heads.jsonl", "keys.txt")]
        return subprocess.run([sys.executable, SCRIPT, *names], capture_output=True, text=True, timeout=60, check=False)

    def rewrite(self, name: str, change: object) -> None:
        """Changes the lines of a file."""
        path = self.folder / name
        lines = path.read_text(encoding="utf-8").splitlines()
        assert callable(change)
        path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")


@pytest.fixture
async def files(database: Database, sealer_database: Database, tmp_path: Path) -> Files:
    """The export of a random log of 20 entries with three heads."""
    house = await make_house(database, sealer_database)
    sink = FileSink(tmp_path / "heads")
    keeper = HeadKeeper(sealer_database, SIGNER, sink, SystemClock(), interval_s=0)
    for seed in range(3):
        await house.write_random((5, 5, 10)[seed], Random(seed))
        await house.seal()
        await keeper.keep()
    lines = [
        json_line(link, view)
        async for page in exported(database, VAULT, house.tenant_id, AuditFilter())
        for link, view in page
    ]
    (tmp_path / "chain.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "heads.jsonl").write_bytes(b"\n".join(await sink.read(house.tenant_id)) + b"\n")
    keys = (f"{version}:{base64.b64encode(key).decode()}" for version, key in SIGNER.public_keys().items())
    (tmp_path / "keys.txt").write_text("\n".join(keys) + "\n", encoding="utf-8")
    return Files(house=house, folder=tmp_path)


def edited(line: str, **values: object) -> str:
    """A line of the export with other values in its entry."""
    document = json.loads(line)
    document["entry"] |= values
    return json.dumps(document)


async def test_the_script_of_the_documentation_verifies_an_export(files: Files) -> None:
    done = files.verify()

    assert (done.returncode, done.stdout) == (0, "20 entries hold\n"), done.stderr
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 33


async def test_the_script_finds_what_was_done_to_an_export(files: Files) -> None:
    chain = (files.folder / "chain.jsonl").read_text(encoding="utf-8")
    for change, says in (
        (lambda lines: [*lines[:6], edited(lines[6], actor="user:other"), *lines[7:]], "entry 7 was altered"),
        (lambda lines: [*lines[:6], *lines[7:]], "entry 7 is missing"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "entry 4 is missing"),
        (lambda lines: lines[:-1], "entries up to 20 were rewritten or cut off"),
        (lambda lines: lines[12:14], "entries up to 20 were rewritten or cut off"),
    ):
        files.rewrite("chain.jsonl", change)
        done = files.verify()
        assert (done.returncode, done.stderr.strip()) == (1, says)
        (files.folder / "chain.jsonl").write_text(chain, encoding="utf-8")

    files.rewrite("heads.jsonl", lambda lines: [lines[0].replace('"sequence":5', '"sequence":4'), *lines[1:]])
    assert "InvalidSignature" in files.verify().stderr


async def audit(database_url: str, folder: Path, *arguments: str) -> Ended:
    """`oms audit` with the key that the heads were signed by."""
    variables = {
        "OMS_ENVIRONMENT": "test",
        "OMS_DATABASE_URL": database_url,
        "OMS_AUDIT_SIGNING_KEY": SIGNING_KEY,
        "OMS_AUDIT_SINK": f"file://{folder / 'heads'}",
    }
    return await oms("audit", *arguments, folder=folder, **variables)


async def test_the_commands_verify_search_and_export(files: Files, database_url: str) -> None:
    house, folder = files.house, files.folder
    slug = f"test-{house.tenant_id.hex}"

    good = await audit(database_url, folder, "verify", "--tenant", slug, "--json")
    found = await audit(database_url, folder, "search", "--tenant", slug, "--action", "user.changed", "--limit", "2")
    written = await audit(database_url, folder, "export", "--tenant", slug, "--output", str(folder / "again.jsonl"))
    heads = await audit(database_url, folder, "export-heads", "--tenant", slug)
    keys = await audit(database_url, folder, "keys")
    taken = await audit(database_url, folder, "export", "--tenant", slug, "--output", str(folder / "again.jsonl"))
    unknown = await audit(database_url, folder, "verify", "--tenant", "nobody")

    assert good.code == 0, good.error
    verdict = json.loads(good.out)
    assert (verdict["isIntact"], verdict["entries"], verdict["signedHeads"]) == (True, 20, 3)
    assert len(found.out.splitlines()) == 2
    assert written.code == 0, written.error
    for name, content in (("heads.jsonl", heads.out), ("keys.txt", keys.out)):
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "again.jsonl").rename(folder / "chain.jsonl")
    assert files.verify().stdout == "20 entries hold\n"
    assert (taken.code, "File exists" in taken.error) == (1, True)
    assert unknown.code == 5
    async with begin_batch(house.database, house.tenant_id) as session:
        acts = await session.fetch("SELECT action, actor FROM audit_log WHERE tenant_id = $1", house.tenant_id)
    assert [(row["action"], row["actor"]) for row in acts] == [
        ("audit_log.searched", "system:cli"),
        ("audit_log.exported", "system:cli"),
        ("audit_log.exported", "system:cli"),
    ]


async def test_the_command_tells_where_a_log_is_broken(files: Files, database_url: str) -> None:
    house = files.house
    await as_owner(
        database_url, "DELETE FROM audit_chain WHERE tenant_id = $1 AND sequence BETWEEN 8 AND 9", house.tenant_id
    )

    done = await audit(database_url, files.folder, "verify", "--tenant", f"test-{house.tenant_id.hex}")

    assert done.code == 1
    assert "BROKEN" in done.out
    assert "missing from 8 to 9" in done.out
