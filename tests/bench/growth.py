"""Whether what a soak saw grows: bounds for what its samples say of each process."""

import measure

# What a sample calls its values; before all but the first stands the process.
WAL = "write-ahead log, MiB"
RESIDENT = "resident, MiB"
FILES = "files"
THREADS = "threads"

# What may be more of each in the end than in the beginning, by the least-squares line.
MORE_OF_A_KIND = 2
MORE_MEMORY = 0.05
MORE_MEMORY_MIB = 2
# Twice what common/db/sqlite.cc checkpoints at. Of the databases of `alma serve` the load writes one. PostgreSQL
# keeps to the cluster's max_wal_size (postgres.py) by pacing checkpoints alone: a quarter more.
WAL_MIB = {"sqlite": 64, "postgresql": 5 * 1024}
# No line goes through fewer.
ENOUGH = 10


def settled(samples):
    """The (hours, value) of each name, from the samples (hours, {name: value})."""
    # What fills at first, caches and pools, is no leak.
    late = samples[len(samples) // 5:]
    return {name: [(hours, seen[name]) for hours, seen in late] for name in late[0][1]}


def _bound(name, first):
    """None where growth says nothing: a log fills until it is begun anew."""
    if name.endswith(RESIDENT):
        return max(MORE_MEMORY * first, MORE_MEMORY_MIB)
    return MORE_OF_A_KIND if name.endswith((FILES, THREADS)) else None


def faults(samples, wal_mib):
    """What grows more than it may, a line each."""
    found = []
    for name, points in settled(samples).items():
        hours, first, bound = points[-1][0] - points[0][0], points[0][1], _bound(name, points[0][1])
        more = measure.slope(points) * hours
        if bound is not None and more > bound:
            found.append(f"{name}: {measure.number(more)} more than {measure.number(first)} in {60 * hours:.1f} min, "
                         f"at most {measure.number(bound)} allowed")
    if len(samples) < ENOUGH:
        found.append(f"{len(samples)} samples say nothing, {ENOUGH} would: more minutes, or a smaller --every")
    highest = max(seen[WAL] for _, seen in samples)
    if highest > wal_mib:
        found.append(f"{WAL}: {measure.number(highest)}, at most {measure.number(wal_mib)} allowed")
    return found
