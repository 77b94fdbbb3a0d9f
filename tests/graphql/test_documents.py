"""Documents that are kept, pushed out and listed."""

import asyncio
import sys
import threading
from itertools import count
from pathlib import Path

import orjson
import pytest

from app.identity.domain import Client, Principal, Role
from app.infra.settings import Settings
from schema.base.aside import Aside, DocumentsTooManyError
from schema.base.context import RequestContext
from schema.base.documents import DocumentCache, Prepared
from schema.base.execution import Asked, GraphQLEngine
from schema.base.persisted import PersistedDocuments, id_of
from schema.schema import schema, subscription_requirements
from tests.graphql.conftest import Api, Firm, serve

VIEWER = "query Viewer { viewer { scopes } }"
EVENTS = "subscription Events($account: ID!) { orderEvents(accountId: $account) { sequence } }"
LISTED = {id_of(text): text for text in (VIEWER, EVENTS)}


def document(text: str, size: int = 100) -> Prepared:
    """A document of so many bytes beside its text."""
    return Prepared(text=text, document=None, size=size)


def asked_for(cache: DocumentCache, text: str, holder: str, times: int = 2) -> None:
    """Somebody of the holder's asks for the document."""
    for _ in range(times):
        found = cache.find(text)
        if found is None:
            found = document(text)
            cache.try_out(found)
        cache.use(found, holder)


def test_a_flood_without_a_credential_pushes_out_its_own_alone() -> None:
    cache = DocumentCache(trial_max=10)
    asked_for(cache, "{ good }", "firm")
    kept = cache.find("{ good }")

    for number in range(1_000):
        cache.try_out(document(f"{{ bad{number} }}"))

    assert cache.find("{ good }") is kept is not None
    assert cache.find("{ bad0 }") is None
    assert cache.find("{ bad999 }") is not None


def test_a_flood_of_one_tenant_pushes_out_its_own_alone() -> None:
    cache = DocumentCache(kept_max=100, trial_max=10)
    good = [f"{{ good{number} }}" for number in range(30)]
    for text in good:
        asked_for(cache, text, "firm")
    kept = [cache.find(text) for text in good]

    for number in range(1_000):
        asked_for(cache, f"{{ bad{number} }}", "flood")

    assert [cache.find(text) for text in good] == kept
    assert None not in kept
    assert cache.find("{ bad0 }") is None
    assert cache.find("{ bad999 }") is not None


def test_bytes_count_as_well_as_documents_and_grow_with_what_is_compiled() -> None:
    cache = DocumentCache(kept_bytes_max=10_000, trial_bytes_max=10_000)
    for text in ("{ a }", "{ b }", "{ c }"):
        asked_for(cache, text, "firm")
    first = cache.find("{ a }")
    assert first is not None

    cache.grow(first, 9_800)

    # The longest unused goes until there is room: what is large stays as long as it is in use.
    assert [cache.find(text) is not None for text in ("{ b }", "{ c }", "{ a }")] == [False, False, True]
    cache.grow(first, 1_000)
    assert cache.find("{ a }") is None


def test_what_was_asked_for_once_is_on_trial_and_goes_in_its_turn() -> None:
    cache = DocumentCache(trial_max=2, trial_bytes_max=1_000)
    for text in ("{ a }", "{ b }", "{ c }"):
        cache.try_out(document(text))

    assert [cache.find(text) is not None for text in ("{ a }", "{ b }", "{ c }")] == [False, True, True]
    cache.try_out(document("{ d }", size=950))
    assert cache.find("{ c }") is None


def test_listed_documents_stay() -> None:
    cache = DocumentCache(kept_max=1, trial_max=1)
    listed = document("{ listed }")
    cache.list(listed)

    for number in range(10):
        asked_for(cache, f"{{ a{number} }}", "firm")
        cache.use(listed, "firm")
        cache.grow(listed, 10**9)

    assert cache.find("{ listed }") is listed


async def test_what_is_kept_is_counted_by_tokens_and_fields(firm: Firm) -> None:
    engine = GraphQLEngine(schema._schema, subscription_requirements(), known_as=lambda _: None)
    text = "{ viewer { " + " ".join(f"t{n}: tenant {{ id name slug }}" for n in range(90)) + " } }"
    asked = Asked(document=text)

    await engine.answer(asked, context(firm, firm.principal))
    before = engine.prepare(text).size
    await engine.answer(asked, context(firm, firm.principal))
    after = engine.prepare(text).size

    assert before > 90 * 8 * 400
    assert after > before + 90 * 4 * 1_000


async def test_hostile_documents_do_not_push_out_what_a_firm_works_with(firm: Firm) -> None:
    engine = GraphQLEngine(schema._schema, subscription_requirements(), known_as=lambda _: None)
    for _ in range(3):
        await engine.answer(Asked(document=VIEWER), context(firm, firm.principal))
    prepared = engine.prepare(VIEWER)

    for number in range(1_200):
        await engine.answer(Asked(document=f"{{ viewer {{ a{number} }} }}"), context(firm, None))

    assert engine.prepare(VIEWER) is prepared
    assert prepared.shelf is not None


def context(firm: Firm, principal: Principal | None) -> RequestContext:
    """Somebody asks."""
    return RequestContext(firm.desk, Client(ip_address="192.0.2.7", request_id="r", user_agent="pytest"), principal)


@pytest.fixture
def listing(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What a setting of the list says."""
    path = tmp_path_factory.mktemp("list") / "documents.json"
    path.write_bytes(orjson.dumps(LISTED))
    return Settings(environment="test", document_list=path)


async def ask(api: Api, **request: object) -> tuple[object, str | None]:
    """The data and the code of the one error of a request."""
    answer = (await api.post(orjson.dumps(request))).json()
    errors = answer.get("errors", [{"extensions": {"code": None}}])
    return answer.get("data"), errors[0]["extensions"]["code"]


async def test_a_listed_document_is_asked_by_its_id(firm: Firm, settings: Settings, listing: Settings) -> None:
    allowing = settings.model_copy(update={"document_list": listing.document_list})
    wanted = (await firm.api.data(VIEWER), None)
    name = id_of(VIEWER)
    digest = name.removeprefix("sha256:")
    async with serve(firm.desk, allowing) as address:
        api = Api(http=firm.api.http, address=address, bearer=firm.api.bearer)

        assert await ask(api, documentId=name) == wanted
        assert await ask(api, documentId=digest.upper()) == wanted
        assert await ask(api, extensions={"persistedQuery": {"version": 1, "sha256Hash": digest}}) == wanted
        assert await ask(api, query="{ viewer { scopes } }") == wanted
        assert await ask(api, documentId=id_of("{ other }")) == (None, "PERSISTED_DOCUMENT_NOT_FOUND")


async def test_nothing_is_registered_by_asking(firm: Firm, settings: Settings) -> None:
    text = "{ viewer { tenant { name } } }"
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": id_of(text).removeprefix("sha256:")}}
    async with serve(firm.desk, settings) as address:
        api = Api(http=firm.api.http, address=address, bearer=firm.api.bearer)

        assert (await ask(api, query=text, extensions=persisted))[1] is None
        assert (await ask(api, extensions=persisted))[1] == "PERSISTED_DOCUMENT_NOT_FOUND"


async def test_where_documents_are_required_nothing_else_runs(
    firm: Firm, settings: Settings, listing: Settings
) -> None:
    strict = settings.model_copy(update={"document_list": listing.document_list, "persisted_documents": "require"})
    async with serve(firm.desk, strict) as address:
        api = Api(http=firm.api.http, address=address, bearer=firm.api.bearer)

        by_id, by_text = await ask(api, documentId=id_of(VIEWER)), await ask(api, query=VIEWER)
        others = [
            await ask(api, query=text)
            for text in ("{ __typename }", VIEWER + " ", "{ __schema { queryType { name } } }", "{" * 60_000)
        ]
        async with api.socket() as opened:
            await opened.send(
                type="subscribe",
                id="a",
                payload={"documentId": id_of(EVENTS), "variables": {"account": "nonsense"}},
            )
            listed = await opened.refusal()
            await opened.subscribe("subscription { executions { id } }")
            unlisted = await opened.refusal()

    assert by_id == by_text
    assert by_id[1] is None
    assert {code for _, code in others} == {"DOCUMENT_NOT_LISTED"}
    assert listed == ("BAD_USER_INPUT", ["accountId"])
    assert unlisted == ("DOCUMENT_NOT_LISTED", ["query"])


async def test_where_ids_are_off_none_is_known(firm: Firm, settings: Settings, listing: Settings) -> None:
    off = settings.model_copy(update={"document_list": listing.document_list, "persisted_documents": "off"})
    async with serve(firm.desk, off) as address:
        api = Api(http=firm.api.http, address=address, bearer=firm.api.bearer)

        assert (await ask(api, documentId=id_of(VIEWER)))[1] == "PERSISTED_DOCUMENT_NOT_FOUND"
        assert (await ask(api, query=VIEWER))[1] is None


@pytest.mark.parametrize("name", ["", "x" * 72, 7, ["a"], {"a": 1}, True])
async def test_what_is_no_id_is_refused(firm: Firm, name: object) -> None:
    assert (await ask(firm.api, documentId=name))[1] == "BAD_USER_INPUT"


async def test_what_is_listed_asks_for_its_scope_all_the_same(
    firm: Firm, settings: Settings, listing: Settings
) -> None:
    allowing = settings.model_copy(update={"document_list": listing.document_list})
    viewer = await firm.member(Role.VIEWER)
    async with serve(firm.desk, allowing) as address:
        outside = Api(http=viewer.http, address=address)

        assert (await ask(outside, documentId=id_of(VIEWER)))[1] == "UNAUTHENTICATED"


def test_the_strict_mode_holds_texts_against_the_list_letter_by_letter() -> None:
    strict = PersistedDocuments("require", LISTED)
    numbers = count()

    assert strict.text(VIEWER, None) == VIEWER
    for other in (VIEWER + " ", VIEWER.lower(), VIEWER + f" # {next(numbers)}"):
        with pytest.raises(Exception, match="Only listed documents"):
            strict.text(other, None)


async def test_a_long_document_is_looked_at_while_others_are_answered() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(text: str) -> Prepared:
        begun.set()
        assert ended.wait(10)
        return document(text)

    aside = Aside(work)
    asked = [asyncio.create_task(aside.prepare("{ long }", "firm")) for _ in range(3)]
    # The loop goes on meanwhile: it is what sees the thread begin, and lets it end.
    while not begun.is_set():
        await asyncio.sleep(0)
    asked[0].cancel()
    ended.set()

    first, second = await asyncio.gather(*asked[1:])
    assert first is second
    assert first.text == "{ long }"


async def test_whoever_floods_waits_for_their_own_documents() -> None:
    ended = threading.Event()

    def work(text: str) -> Prepared:
        assert ended.wait(10)
        return document(text)

    aside = Aside(work)
    flood = [asyncio.create_task(aside.prepare(f"{{ a{number} }}", "flood")) for number in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(DocumentsTooManyError):
        await aside.prepare("{ one too many }", "flood")
    other = asyncio.create_task(aside.prepare("{ other }", "firm"))
    await asyncio.sleep(0)
    ended.set()

    assert (await other).text == "{ other }"
    await asyncio.gather(*flood)
    assert (await aside.prepare("{ again }", "flood")).text == "{ again }"


async def test_a_new_long_document_is_answered_like_any_other(firm: Firm) -> None:
    text = "{ viewer { scopes } } # " + "x" * 2_000

    answers = await asyncio.gather(*(firm.api.data(text) for _ in range(4)))

    assert [answer["viewer"]["scopes"] for answer in answers] == [answers[0]["viewer"]["scopes"]] * 4


# A process of its own: this one has threads already, and must not be forked.
ASIDE = """
import asyncio, os, signal, sys
from app.infra.beside import working_beside
from schema.base.aside import Aside
from schema.base.documents import Prepared

def work(text):
    return Prepared(text=text, document=None, errors=({"message": f"{text} by {os.getpid()} nice {os.nice(0)}"},))

async def main(elsewhere):
    aside = Aside(work, elsewhere, answers_within_s=2)
    first = (await aside.prepare("first", "firm")).errors[0]["message"]
    child = int(first.split()[2])
    print(first.replace(str(os.getpid()), "this").replace(str(child), "another"))
    os.kill(child, getattr(signal, sys.argv[1]))
    print((await aside.prepare("second", "firm")).errors[0]["message"].replace(str(os.getpid()), "this"))
    if sys.argv[1] == "SIGSTOP":
        os.kill(child, signal.SIGKILL)

with working_beside(work) as elsewhere:
    asyncio.run(main(elsewhere))
"""


@pytest.mark.parametrize("harm", ["SIGKILL", "SIGSTOP"])
async def test_a_process_behind_all_others_looks_at_long_documents_and_a_thread_when_it_is_lost(harm: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASIDE, harm), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, warned = await asyncio.wait_for(process.communicate(), 60)

    assert told.decode().splitlines() == ["first by another nice 15", "second by this nice 0"]
    assert warned.count(b"is lost, a thread does its work") == 1
    assert process.returncode == 0


async def test_the_process_ends_with_the_one_that_it_serves() -> None:
    script = (
        "import os, signal, sys\n"
        "from app.infra.beside import working_beside\n"
        "with working_beside(lambda _: os.getpid()) as asked:\n"
        "    print(asked(None).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    told, _ = await asyncio.wait_for(process.communicate(), 60)

    # Its end closed the pipe that both wrote to; what is left of it is for the system to reap.
    assert process.returncode == -9
    status = Path(f"/proc/{int(told)}/status")
    async with asyncio.timeout(10):
        while status.exists() and "State:\tZ" not in status.read_text():
            await asyncio.sleep(0.02)
