"""Interleaved repeats, their medians and spread, and the ratios made of them."""

import dataclasses
import statistics
from typing import Callable

import lab


@dataclasses.dataclass
class Figure:
    """One side of a ratio: what each repeat gave, in order."""

    name: str
    unit: str
    values: list
    # What else each repeat printed.
    details: list = dataclasses.field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self):
        low, high = min(self.values), max(self.values)
        return f"{number(self.median)} {self.unit} ({number(low)}-{number(high)})"

    def failures(self):
        """Calls that failed; a repeat in which nothing at all was answered counts as one."""
        calls = sum(sum(detail.get("errors", {}).values()) + detail.get("unanswered", 0)
                    for detail in self.details)
        silent = [detail for detail in self.details if detail.get("calls") == 0]
        return calls + max(self.values.count(0), len(silent))


@dataclasses.dataclass
class Row:
    """A line of the table: a figure against its target."""

    id: str
    what: str
    value: float
    low: float
    high: float
    target: float
    at_least: bool
    unit: str = ""
    ours: str = ""
    theirs: str = ""
    failures: int = 0
    note: str = ""

    @property
    def met(self):
        reached = self.value >= self.target if self.at_least else self.value <= self.target
        return reached and self.failures == 0


def number(value):
    """Three significant digits, no exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def interleave(cases: dict[str, Callable[[], dict]], repeats: int) -> dict[str, list]:
    """Runs each case once, then each again, so that what else the machine does falls on all. Every
    second round goes backwards: none always follows the same one."""
    results = {name: [] for name in cases}
    for turn in range(repeats):
        names = list(cases)
        for name in names if turn % 2 == 0 else reversed(names):
            result = cases[name]()
            results[name].append(result)
            lab.say(f"    {turn + 1}/{repeats} {name}: {number(result['value'])}")
    return results


def figure(name, unit, results):
    return Figure(name, unit, [result["value"] for result in results], results)


def _quotient(a, b):
    return a / b if b else 0.0


def ratio(id, what, ours: Figure, theirs: Figure, target, at_least=True, note=""):
    """The ratio of the medians; its spread is that of the ratios of each round."""
    rounds = [_quotient(a, b) for a, b in zip(ours.values, theirs.values)]
    return Row(id, what, _quotient(ours.median, theirs.median), min(rounds), max(rounds), target, at_least,
               ours=f"{ours.name}: {ours.text()}", theirs=f"{theirs.name}: {theirs.text()}",
               failures=ours.failures() + theirs.failures(), note=note)


def limit(id, what, ours: Figure, target, note=""):
    """A figure that must not be above its target."""
    return Row(id, what, ours.median, min(ours.values), max(ours.values), target, False,
               unit=ours.unit, ours=f"{ours.name}: {ours.text()}", failures=ours.failures(), note=note)


def best(what, candidates, run: Callable[[int], dict]):
    """The candidate with the highest value, by one short run each."""
    values = {candidate: run(candidate)["value"] for candidate in candidates}
    chosen = max(values, key=values.get)
    tried = ", ".join(f"{key}: {number(value)}" for key, value in values.items())
    lab.say(f"    {what}: best at {chosen} of {{{tried}}}")
    return chosen


def several(times, run, mean=statistics.fmean):
    """One result out of some: their mean, by default as of runs that take equally long; of equal works,
    statistics.harmonic_mean."""
    results = [run() for _ in range(times)]
    return {**results[-1], "value": mean([result["value"] for result in results])}


def slope(points):
    """Least squares through (x, y): how much y grows with each x."""
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
