"""Which blocks the statements of a call touch, as PostgreSQL says itself: by auto_explain, so that the
plans are those of the statements that the service sends."""

import dataclasses
import re
import statistics

CALLS = 20
# The first calls of a connection prepare, plan and fill caches.
WARM_UP = 20
SETTINGS = {"session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0",
            "auto_explain.log_analyze": "on", "auto_explain.log_buffers": "on",
            "auto_explain.log_timing": "off"}


@dataclasses.dataclass
class Plan:
    statement: str
    # The median over the calls.
    blocks: float
    indexes: set


def plans_of(postgres, table, calls):
    """The plans of one call's statements, by a service process of its own."""
    for name, value in SETTINGS.items():
        postgres.sql("postgres", f"alter database {table.database} set {name} = '{value}'")
    try:
        target = table.start()
        rows = {"conversations": table.conversations, "messages": table.messages}
        target.call(calls=calls, in_flight=1, connections=1, number=WARM_UP, **rows)
        read = postgres.log().stat().st_size
        target.call(calls=calls, in_flight=1, connections=1, number=CALLS, **rows)
        with open(postgres.log()) as log:
            log.seek(read)
            plans = parse(log.read())
    finally:
        for name in SETTINGS:
            postgres.sql("postgres", f"alter database {table.database} reset {name}")
    if calls == "create":
        of_table = postgres.sql(table.database, "select indexname from pg_indexes where tablename = 'messages'")
        for plan in plans:
            if "into messages" in plan.statement:
                plan.indexes |= set(of_table.split())
    return plans


def parse(log):
    """The statements that every second call at least has run."""
    found = {}
    for entry in re.split(r"\n(?!\t)", log):
        text = re.search(r"Query Text: ([^\n]*)", entry)
        if not text or "plan:" not in entry or "schema_migrations" in entry:
            continue
        # The first line of buffers is that of the whole.
        buffers = re.search(r"Buffers: shared([^\n]*)", entry)
        counts = re.findall(r"(?:hit|read)=(\d+)", buffers.group(1)) if buffers else []
        blocks, indexes = found.setdefault(text.group(1), ([], set()))
        blocks.append(sum(int(count) for count in counts))
        indexes |= set(re.findall(r"(?:using|Index Scan on) (\w+)", entry))
    return [Plan(text, statistics.median(blocks), indexes) for text, (blocks, indexes) in found.items()
            if len(blocks) >= CALLS / 2]
