"""How much is measured: the whole, and what two minutes allow."""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Settings:
    programs: pathlib.Path
    only: frozenset
    quick: bool = False
    repeats: int = 5
    # Seconds of a repeat that count, and before them.
    seconds: float = 5
    warmup: float = 1
    # Seconds of a try at one number of calls in flight, or of clients.
    try_seconds: float = 2
    in_flight: tuple = (32, 64, 128, 256)
    clients: tuple = (4, 8, 16, 32, 64)
    batches_in_flight: tuple = (1, 2, 4)
    # Rows of \copy, and how often a repeat copies them in and out.
    copied: int = 200_000
    copies_in: int = 2
    copies_out: int = 5
    # Messages that are there when reads are measured.
    messages: int = 100_000
    organizations: int = 1000
    # Shares of the peak that are offered for the curves, and seconds of each.
    offered: tuple = (0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1)
    offered_seconds: float = 4
    # Messages of the tables for the cost of a call by size, and the page far down.
    sizes: tuple = (10_000, 100_000, 1_000_000, 10_000_000)
    # The two of them whose costs are compared.
    compared: tuple = (100_000, 10_000_000)
    # Seconds of a start of the caller, and starts in a repeat.
    size_seconds: float = 0.5
    size_starts: int = 3
    far_page: int = 1000
    # Seconds of the writes that memory is watched over.
    writes_seconds: float = 150
    starts: int = 11

    def wants(self, *rows):
        """Whether any of these rows of the table is asked for."""
        return not self.only or any(row in self.only for row in rows)

    def timing(self):
        return {"duration": f"{self.seconds}s", "warmup": f"{self.warmup}s"}

    def trying(self):
        return {"duration": f"{self.try_seconds}s", "warmup": f"{self.warmup / 2}s"}


def quick(programs, only):
    return Settings(programs, only, quick=True, repeats=2, seconds=0.5, warmup=0.2, try_seconds=0.3,
                    in_flight=(64, 256), clients=(8, 32), batches_in_flight=(1, 2), copied=20_000,
                    copies_in=1, copies_out=1, messages=20_000, organizations=100, offered=(0.5, 1.0),
                    offered_seconds=0.5, sizes=(10_000, 100_000), compared=(10_000, 100_000),
                    size_seconds=0.3, size_starts=1, far_page=20, writes_seconds=5, starts=3)
