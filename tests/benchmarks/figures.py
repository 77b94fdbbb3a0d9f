"""How figures are gathered and written: throughput, percentiles, ratios."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS_OF_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of a table: what was measured, how fast, how late, and what it stands beside."""

    name: str
    per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    beside: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which the share of the values lies; NaN where there is none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def processor_s(pid: int) -> float:
    """Processor time that a process took until now, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_OF_A_SECOND


def print_table(title: str, figures: Sequence[Figure]) -> None:
    """Prints figures as a Markdown table."""
    print(f"\n## {title}\n")
    print("| what | per second | p50 ms | p99 ms | beside |")
    print("|---|---|---|---|---|")
    for figure in figures:
        print(
            f"| {figure.name} | {_number(figure.per_second, 0)} | {_number(figure.p50_ms, 2)} "
            f"| {_number(figure.p99_ms, 2)} | {figure.beside} |",
            flush=True,
        )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
