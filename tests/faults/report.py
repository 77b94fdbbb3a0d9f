"""What a campaign found, as tables for a terminal and for the documentation."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.faults.campaign import Outcome
from tests.faults.checks import PROMISES
from tests.faults.events import Report
from tests.faults.load import counted

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "faults.md"
CAMPAIGN, STREAMS, SOAK = "make faults", "make faults: streams", "make faults: soak"
VIOLATIONS_SHOWN_MAX = 40
UNDECIDED_SHOWN_MAX = 20


def tables(outcome: Outcome) -> str:
    """The tables, in Markdown."""
    return "\n".join([*_summary(outcome), "", *_faults(outcome), "", *_operations(outcome), "", *_promises(outcome)])


def soak_tables(outcome: Outcome) -> str:
    """The tables of a soak, in Markdown: those of a campaign, and what the two sides' books have in common."""
    return "\n".join([tables(outcome), "", *_equality(outcome)])


def findings(outcome: Outcome) -> Iterator[str]:
    """Each violation and each thing that stayed undecided, as far as a terminal wants them."""
    verdict = outcome.verdict
    assert verdict is not None, "a campaign that ended was judged"
    for violation in verdict.violations[:VIOLATIONS_SHOWN_MAX]:
        yield f"{violation.promise} {violation.kind}: {violation.what}"
    if len(verdict.violations) > VIOLATIONS_SHOWN_MAX:
        yield f"and {len(verdict.violations) - VIOLATIONS_SHOWN_MAX} violations more"
    differences = outcome.compared.differences if outcome.compared is not None else ()
    for one in differences[:VIOLATIONS_SHOWN_MAX]:
        yield f"different: {one.subject}, {one.kind}: {one.what}"
    if len(differences) > VIOLATIONS_SHOWN_MAX:
        yield f"and {len(differences) - VIOLATIONS_SHOWN_MAX} differences more"
    for line in verdict.undecided[:UNDECIDED_SHOWN_MAX]:
        yield f"undecided: {line}"
    if not outcome.recovered:
        yield "the system did not serve again in time after the last fault"
    if not outcome.rested:
        yield "the system did not come to rest in time"
    if outcome.internal_errors:
        yield f"{outcome.internal_errors} requests met an error that nobody foresaw (INTERNAL)"
    if outcome.faults.total() < outcome.plan.faults or outcome.orders < outcome.plan.orders:
        yield "less was done than planned"


def stream_table(report: Report) -> str:
    """The table of the campaign against the event streams alone, in Markdown."""
    return f"| promise | faults | operations | violations |\n|---|---|---|---|\n{report.row()}"


def write_page(block: str, text_of_run: str) -> None:
    """Puts the tables into the block of the page that is marked with this name."""
    begin, end = f"<!-- begin: {block} -->", f"<!-- end: {block} -->"
    before, rest = PAGE.read_text().split(begin)
    _, after = rest.split(end)
    PAGE.write_text(f"{before}{begin}\n{text_of_run}\n{end}{after}")


def silence_s(outcome: Outcome) -> float:
    """The longest time that a web process took no order while the clients asked for some."""
    webs = {asked.op: asked.web for asked in outcome.journal.asked}
    taken: dict[int, float] = {}
    longest = 0.0
    for answer in outcome.journal.answered:
        if answer.result != "unknown" and answer.at < outcome.fire_ended_at:
            web = webs[answer.op]
            longest = max(longest, answer.at - taken.get(web, answer.at))
            taken[web] = answer.at
    return longest


def _summary(outcome: Outcome) -> Iterator[str]:
    verdict = outcome.verdict
    assert verdict is not None, "a campaign that ended was judged"
    yield (
        "| seed | duration, s | faults | orders acknowledged | lost | doubled | sent twice | violations | undecided "
        "| longest silence of a web process, s |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    figures = (
        outcome.plan.seed,
        f"{outcome.seconds:,.0f}",
        outcome.faults.total(),
        f"{verdict.acknowledged:,}",
        verdict.count("lost"),
        verdict.count("doubled"),
        verdict.count("sent twice"),
        len(verdict.violations),
        len(verdict.undecided),
        f"{silence_s(outcome):,.0f}",
    )
    yield f"| {' | '.join(map(str, figures))} |"


def _faults(outcome: Outcome) -> Iterator[str]:
    yield "| fault | times |"
    yield "|---|---|"
    for kind in outcome.plan.kinds:
        yield f"| {kind.name} | {outcome.faults[kind.name]} |"


def _operations(outcome: Outcome) -> Iterator[str]:
    kinds = {asked.op: asked.kind for asked in outcome.journal.asked}
    yield "| operation | asked | ok | failed | unknown |"
    yield "|---|---|---|---|---|"
    asked = Counter(kinds.values())
    for kind in sorted(asked):
        counts = counted([one for one in outcome.journal.answered if kinds[one.op] == kind])
        yield f"| {kind} | {asked[kind]:,} | {counts['ok']:,} | {counts['failed']:,} | {counts['unknown']:,} |"


def _promises(outcome: Outcome) -> Iterator[str]:
    assert outcome.verdict is not None, "a campaign that ended was judged"
    found = Counter(violation.promise for violation in outcome.verdict.violations)
    yield "| promise | violations |"
    yield "|---|---|"
    for promise in PROMISES:
        yield f"| {promise} | {found[promise]} |"


def _equality(outcome: Outcome) -> Iterator[str]:
    told = outcome.compared
    assert told is not None, "a soak that ended was compared"
    yield "| our books against the simulators' own | compared | of them | differences |"
    yield "|---|---|---|---|"
    orders = f"{told.working:,} working, {told.external:,} not placed here"
    yield f"| orders | {told.orders:,} | {orders} | {told.count('order')} |"
    yield f"| executions | {told.executions:,} | {told.revised:,} corrected or busted | {told.count('execution')} |"
    yield f"| positions | {told.positions:,} | {told.costs:,} with their cost | {told.count('position')} |"
    settled = (
        f"{outcome.settled:,} settled by a person ({outcome.declared:,} of them orders in doubt that the broker "
        f"did not have), {told.assigned:,} places assigned"
    )
    yield f"| breaks | {told.breaks:,} | {settled} | {told.count('break')} |"
