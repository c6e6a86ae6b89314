"""What a run found: as a table for the terminal, as Markdown and as JSON."""

import dataclasses
import json

import measure


@dataclasses.dataclass
class Report:
    # Where and how it ran.
    about: dict
    rows: list = dataclasses.field(default_factory=list)
    # Both sides of every ratio, and more, by name.
    figures: dict = dataclasses.field(default_factory=dict)
    # {series: [{offered, answered, p50_us, p99_us}]}
    curves: dict = dataclasses.field(default_factory=dict)
    # {series: [{messages, p50_us}]}
    sizes: dict = dataclasses.field(default_factory=dict)

    def sort(self):
        order = "R1 R1b R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 R13".split()
        self.rows.sort(key=lambda row: order.index(row.id))

    def missed(self):
        return [row for row in self.rows if not row.met]


def cells(row):
    sign = ">=" if row.at_least else "<="
    unit = f" {row.unit}" if row.unit else ""
    measured = f"{measure.number(row.value)}{unit}"
    spread = f"{measure.number(row.low)}-{measure.number(row.high)}"
    verdict = "met" if row.met else "MISSED"
    if row.failures:
        verdict += f", {row.failures:,} calls failed"
    return [row.id, row.what, f"{sign} {measure.number(row.target)}{unit}", measured, spread, verdict]


HEAD = ["#", "what", "target", "measured", "spread", "verdict"]


def as_text(report):
    lines = [HEAD] + [cells(row) for row in report.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    out = []
    for place, line in enumerate(lines):
        out.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if place > 0:
            row = report.rows[place - 1]
            out += [" " * (widths[0] + 4) + text for text in (row.ours, row.theirs, row.note) if text]
    return "\n".join(out)


def as_markdown(report):
    head = [*HEAD, "both sides: median (lowest-highest)"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in report.rows:
        sides = "; ".join(text for text in (row.ours, row.theirs, row.note) if text)
        line = [cell.replace("<=", "≤").replace(">=", "≥") for cell in cells(row)] + [sides]
        lines.append("| " + " | ".join(line) + " |")
    about = ", ".join(f"{name} {value}" for name, value in report.about.items())
    return "\n".join([about, "", *lines, ""])


def as_json(report):
    rows = [{**dataclasses.asdict(row), "met": row.met} for row in report.rows]
    figures = {name: dataclasses.asdict(figure) for name, figure in report.figures.items()}
    return json.dumps({"about": report.about, "rows": rows, "figures": figures, "curves": report.curves,
                       "sizes": report.sizes}, indent=1)
