"""R11: what a call costs on tables of growing size, and how far down a page stands."""

import os

import bulk
import explain
import lab
import measure
from driver import latency
from servers import Alma

PAGE = 50


class Table:
    """A database with so many messages, half of them or `far_page` pages in one conversation."""

    def __init__(self, the_lab, settings, postgres, engine, messages):
        self.messages = messages
        self.of_the_first = min(messages // 2, settings.far_page * PAGE)
        self.conversations = bulk.conversation_count(messages, self.of_the_first)
        self.database = f"messages_{messages}"
        if engine == "postgresql":
            postgres.create(self.database)
            self.files = lambda: postgres.files(self.database)
            location = f"--database={postgres.url(self.database)}"
        else:
            data = the_lab.new_folder("data")
            self.files = lambda: data.iterdir()
            location = f"--data_dir={data}"
        self.alma = Alma(the_lab, settings.programs, [location])
        rows = (self.alma.organization, messages, self.of_the_first)
        if engine == "postgresql":
            bulk.fill_postgresql(postgres, self.database, *rows)
        else:
            bulk.fill_sqlite(data / "conversations.db", *rows)
        self.target = None

    def start(self):
        """A service process of its own, as a target."""
        return self.alma.direct(self.alma.service("conversations").address)

    def has_page(self, calls, page):
        rows = self.of_the_first if calls == "list" else self.conversations
        return rows >= page * PAGE


def one_caller(table, settings, **flags):
    """The median latency of one caller: what a call costs where none waits for another."""
    lab.read_all(table.files())
    timing = {"duration": f"{settings.size_seconds}s", "warmup": f"{settings.size_seconds / 5}s"}
    return measure.several(settings.size_starts, lambda: latency(table.target.call(
        in_flight=1, connections=1, page_size=PAGE, **timing, **flags)))


def cases_of(tables, settings):
    """By (kind of call, messages in the table, page)."""
    cases = {}
    for table in tables:
        for calls in ("list", "create", "get"):
            cases[calls, table.messages, None] = lambda table=table, calls=calls: one_caller(
                table, settings, calls=calls, conversations=table.conversations, messages=table.messages)
    for calls in ("list", "conversations"):
        if tables[-1].has_page(calls, settings.far_page):
            for page in (1, settings.far_page):
                cases[calls, tables[-1].messages, page] = lambda calls=calls, page=page: one_caller(
                    tables[-1], settings, calls=calls, page=page)
    return cases


def name_of(engine, key):
    calls, messages, page = key
    return f"{engine} {calls} at {messages:,}" + (f", page {page:,}" if page else "")


def ratios(engine, figures, settings):
    small, large = settings.compared
    for calls in ("list", "conversations"):
        if (calls, large, 1) in figures:
            yield measure.ratio("R11", f"{engine}: page {settings.far_page:,} / page 1, {calls}",
                                figures[calls, large, settings.far_page], figures[calls, large, 1], 1.2,
                                at_least=False)
    for calls in ("list", "create", "get"):
        yield measure.ratio("R11", f"{engine}: {calls} at {large:,} messages / at {small:,}",
                            figures[calls, large, None], figures[calls, small, None], 1.2, at_least=False)


def blocks(postgres, tables, settings):
    """How many more blocks the same call touches in the large table; allowed is one an index."""
    small, large = (next(table for table in tables if table.messages == messages)
                    for messages in settings.compared)
    for calls in ("list", "create", "get"):
        plans = [explain.plans_of(postgres, table, calls) for table in (small, large)]
        counts = [sum(plan.blocks for plan in of_table) for of_table in plans]
        indexes = set().union(*(plan.indexes for plan in plans[1]))
        more = counts[1] - counts[0]
        yield measure.Row("R11", f"postgresql: more blocks of a {calls} (indexes: {len(indexes)})", more, more,
                          more, len(indexes), False, unit="blocks",
                          ours=f"at {large.messages:,} messages: {counts[1]:g} blocks",
                          theirs=f"at {small.messages:,} messages: {counts[0]:g} blocks",
                          note="explain (analyze, buffers), median of 20 calls")


def measure_sizes(the_lab, settings, postgres, report):
    if not settings.wants("R11"):
        return
    for engine in ("postgresql", "sqlite"):
        lab.say(f"Sizes, {engine}")
        with the_lab.part():
            tables = []
            for messages in settings.sizes:
                lab.say(f"    loading {messages:,} messages")
                tables.append(Table(the_lab, settings, postgres, engine, messages))
            postgres.checkpoint()
            # Nor may what was loaded still be on its way to the disk.
            os.sync()
            cases = cases_of(tables, settings)
            # One caller keeps one busy. Between two, what a call costs is whether the other one slept.
            with lab.one_processor(postgres.pid()):
                for table in tables:
                    table.target = table.start()
                results = measure.interleave({name_of(engine, key): case for key, case in cases.items()},
                                             settings.repeats)
            figures = {key: measure.figure(name_of(engine, key), "us", results[name_of(engine, key)])
                       for key in cases}
            report.figures.update({one.name: one for one in figures.values()})
            report.rows += ratios(engine, figures, settings)
            if engine == "postgresql":
                report.rows += blocks(postgres, tables, settings)
        for calls in ("list", "create", "get"):
            report.sizes[f"{engine} {calls}"] = [
                {"messages": table.messages, "p50_us": figures[calls, table.messages, None].median}
                for table in tables]
