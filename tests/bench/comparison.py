"""Two results of tests/bench/run side by side: how far each row moved between them."""

import dataclasses

import measure

# Of what A measured.
TOLERANCE = 0.15
# What is counted is a few: one more or less is no change, whatever its share.
COUNTED = {"blocks": 1}
HEAD = ["#", "what", "A", "B", "difference", f"within {100 * TOLERANCE:.0f} %"]


@dataclasses.dataclass
class Pair:
    """A row in both results; None where one does not have it."""

    a: measure.Row | None
    b: measure.Row | None

    @property
    def difference(self):
        """What B measured more than A, as a share of A; None where there is none to tell."""
        if self.a is None or self.b is None or self.a.value == 0:
            return None
        return (self.b.value - self.a.value) / abs(self.a.value)

    @property
    def within(self):
        if self.a is None or self.b is None:
            return False
        if self.a.unit in COUNTED and abs(self.b.value - self.a.value) <= COUNTED[self.a.unit]:
            return True
        # A ratio or a time of 0 is one that was not measured.
        return self.difference is not None and abs(self.difference) <= TOLERANCE


def rows(result):
    """By number and name, from what table.as_json wrote."""
    return {(row["id"], row["what"]): measure.Row(**{name: value for name, value in row.items() if name != "met"})
            for row in result["rows"]}


def pairs(a, b):
    return [Pair(a.get(key), b.get(key)) for key in dict.fromkeys([*a, *b])]


def agree(compared):
    """Whether there is anything, and all of it in both and within the tolerance."""
    return bool(compared) and all(pair.within for pair in compared)


def _measured(row):
    return f"{measure.number(row.value)} {row.unit}".rstrip() if row else "–"


def _cells(pair):
    row = pair.a or pair.b
    difference = "–" if pair.difference is None else f"{100 * pair.difference:+.1f} %"
    verdict = "yes" if pair.within else "NO"
    if pair.a is None or pair.b is None:
        verdict = "NO, only in " + ("B" if pair.a is None else "A")
    return [row.id, row.what, _measured(pair.a), _measured(pair.b), difference, verdict]


def as_markdown(compared):
    lines = [HEAD, *map(_cells, compared)]
    lines.insert(1, ["---"] * len(HEAD))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
