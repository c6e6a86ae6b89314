"""R1-R6: what a durable write costs, and the curves of latency against load."""

import statistics

import bulk
import lab
import measure
from driver import latency, with_cpu
from postgres import Postgres
from servers import Alma

CONVERSATIONS = 1000
COLUMNS = ("alma_internal_organization, uuid, sender_uuid, conversation_uuid, content, type, channel, "
           "created_at, updated_at, origin, message_index, revision")


class Writes:
    """The servers of this group, and a case for each side of its ratios."""

    def __init__(self, the_lab, settings, postgres: Postgres):
        self.lab, self.settings, self.postgres = the_lab, settings, postgres
        messages = CONVERSATIONS * bulk.MESSAGES_EACH
        for database in ("plain", "same", "alma"):
            postgres.create(database)
        postgres.sql("plain", (lab.ROOT / "tests/bench/pgbench/table.sql").read_text())
        # The tables and the rows of pgbench that does the same work are those of Alma.
        self.same = Alma(the_lab, settings.programs, [f"--database={postgres.url('same')}"])
        bulk.fill_postgresql(postgres, "same", self.same.organization, messages)
        self.alma = Alma(the_lab, settings.programs, [f"--database={postgres.url('alma')}"])
        bulk.fill_postgresql(postgres, "alma", self.alma.organization, messages)
        for statement in bulk.many_organizations(settings.organizations):
            postgres.sql("alma", f"set search_path = conversations; {statement}")
        service = self.alma.service("conversations")
        gateway = self.alma.gateway(self.alma.service("organizations").address, service.address)
        self.service = service.process
        self.direct = self.alma.direct(service.address)
        self.gateway = self.alma.with_key(gateway.address)
        data = the_lab.new_folder("data")
        on_sqlite = Alma(the_lab, settings.programs, [f"--data_dir={data}"])
        bulk.fill_sqlite(data / "conversations.db", on_sqlite.organization, messages)
        serve = on_sqlite.serve()
        self.sqlite = on_sqlite.with_key(serve.address)
        # Who works for a call to each of them.
        self.processes = {self.direct: [service.process, postgres], self.sqlite: [serve.process],
                          self.gateway: [gateway.process, service.process, postgres]}
        self.copies = 0

    def pgbench(self, database, script, clients, seconds=None, **options):
        organization = self.same.organization if database == "same" else self.alma.organization
        return self.postgres.pgbench(database, script, clients, seconds or self.settings.seconds,
                                     organization=organization, conversations=CONVERSATIONS, **options)

    def best_pgbench(self, name, database, script):
        clients = measure.best(name, self.settings.clients, lambda tried: self.pgbench(
            database, script, tried, self.settings.try_seconds))
        return lambda: with_cpu([self.postgres], lambda: self.pgbench(database, script, clients))

    def best_create(self, name, target, **flags):
        flags = {"conversations": CONVERSATIONS, **flags}
        in_flight = measure.best(name, self.settings.in_flight, lambda tried: target.call(
            in_flight=tried, **self.settings.trying(), **flags))
        return lambda: with_cpu(self.processes[target], lambda: target.call(
            in_flight=in_flight, **self.settings.timing(), **flags))

    def best_batch(self):
        def rows(in_flight, timing):
            result = self.direct.call(calls="batch", in_flight=in_flight, conversations=CONVERSATIONS, **timing)
            return {**result, "value": result["value"] * 1000}

        in_flight = measure.best("BatchCreateMessages", self.settings.batches_in_flight,
                                 lambda tried: rows(tried, self.settings.trying()))
        return lambda: rows(in_flight, self.settings.timing())

    def import_messages(self):
        return measure.several(self.settings.copies_in, lambda: self.direct.stream(
            CONVERSATIONS, **{"import": self.settings.copied}), statistics.harmonic_mean)

    def export_messages(self):
        result = measure.several(self.settings.copies_out, lambda: self.direct.stream(
            CONVERSATIONS, export=self.settings.copied), statistics.harmonic_mean)
        return {**result, "peak_mib": self.service.peak_mib()}

    def copy_out(self):
        query = f"select {COLUMNS} from conversations.messages limit {self.settings.copied}"
        return measure.several(self.settings.copies_out, lambda: self.postgres.copy_out(
            "alma", query, self.settings.copied), statistics.harmonic_mean)

    def copy(self):
        return measure.several(self.settings.copies_in, self.copy_once, statistics.harmonic_mean)

    def copy_once(self):
        self.copies += 1
        organization = bulk.nth_uuid(7, self.copies)
        path = self.lab.folder / "rows"
        with open(path, "w") as file:
            for i in range(self.settings.copied):
                conversation, index = i % CONVERSATIONS, i // CONVERSATIONS
                file.write("\t".join((
                    organization, bulk.nth_uuid(2, i), bulk.nth_uuid(3, 1), bulk.nth_uuid(1, conversation),
                    "Do you have a course that starts in March? I would like to know what it costs, thank you.",
                    "TEXT", "WHATSAPP", "2026-01-01 00:00:00+00", "2026-01-01 00:00:00+00", "bench",
                    str(index), str(i + 1))) + "\n")
        result = self.postgres.copy("alma", "conversations.messages", COLUMNS, path)
        path.unlink()
        return result


def cases(group):
    """Name: case; only those that a row that is asked for needs."""
    wants, alone = group.settings.wants, group.settings.timing()
    made = {}
    if wants("R1", "R1b", "R3", "R4"):
        made["pgbench insert"] = group.best_pgbench("pgbench insert", "plain", "insert")
    if wants("R2"):
        made["pgbench same work"] = group.best_pgbench("pgbench same work", "same", "create")
        made["pgbench same work in steps"] = group.best_pgbench("in steps", "same", "create_in_steps")
    if wants("R1", "R2"):
        made["direct"] = group.best_create("direct", group.direct)
    if wants("R1b"):
        made["1,000 organizations"] = group.best_create(
            "organizations", group.direct, organizations=group.settings.organizations, conversations=1)
    if wants("R3"):
        made["gateway"] = group.best_create("gateway", group.gateway)
    if wants("R4"):
        made["SQLite"] = group.best_create("SQLite", group.sqlite)
    if wants("R5"):
        made["one caller"] = lambda: latency(group.direct.call(
            in_flight=1, connections=1, conversations=CONVERSATIONS, **alone))
        made["one pgbench"] = lambda: latency(group.pgbench("same", "create", 1, each=True))
        made["one pgbench in steps"] = lambda: latency(group.pgbench("same", "create_in_steps", 1, each=True))
    if wants("R6"):
        made["batches"] = group.best_batch()
        made["import"] = group.import_messages
        made["copy"] = group.copy
        made["export"] = group.export_messages
        made["copy out"] = group.copy_out
    return made


def rows(figures, wants):
    """The table's lines of these figures."""
    table = []
    cpu = "; ".join(f"{name} {measure.number(statistics.median(one['cpu_us'] for one in figures[name].details))} us"
                    for name in ("pgbench insert", "direct", "1,000 organizations", "gateway", "SQLite")
                    if name in figures)

    def ratio(id, what, ours, theirs, *target, **options):
        if wants(id):
            table.append(measure.ratio(id, what, figures[ours], figures[theirs], *target, **options))

    ratio("R1", "CreateMessage, PostgreSQL, direct / pgbench INSERT", "direct", "pgbench insert", 1.2,
          note=f"processor time a call, servers and database: {cpu}")
    ratio("R2", "the same / pgbench doing the same work", "direct", "pgbench same work", 5,
          note="one statement a transaction; in steps: " + figures["pgbench same work in steps"].text()
          if "pgbench same work in steps" in figures else "")
    ratio("R1b", "R1 over many organizations", "1,000 organizations", "pgbench insert", 0.8)
    ratio("R3", "CreateMessage through the gateway, with key / R1's pgbench", "gateway", "pgbench insert", 0.8)
    ratio("R4", "CreateMessage, SQLite, with key / R1's pgbench", "SQLite", "pgbench insert", 1.5)
    ratio("R5", "one caller, p50 / pgbench -c 1 doing the same work", "one caller", "one pgbench", 1.6,
          at_least=False, note="in steps: " + figures["one pgbench in steps"].text()
          if "one pgbench in steps" in figures else "")
    ratio("R6", "BatchCreateMessages of 1000 / \\copy into the same table", "batches", "copy", 0.5)
    ratio("R6", "ImportMessages / \\copy into the same table", "import", "copy", 0.5)
    ratio("R6", "ExportMessages / \\copy out of the same table", "export", "copy out", 0.5,
          note=f"the service's memory was never above "
               f"{measure.number(figures['export'].details[-1]['peak_mib'])} MiB" if "export" in figures else "")
    return table


def curve(target, peak, settings):
    """(offered, answered, p50, p99) by calls per second and microseconds."""
    points = []
    for share in settings.offered:
        result = target.call(rate=peak * share, conversations=CONVERSATIONS, warmup="0.5s",
                             duration=f"{settings.offered_seconds}s")
        points.append({"offered": peak * share, "answered": result["answered_per_second"], "p50_us": result["p50_us"],
                       "p99_us": result["p99_us"]})
    return points


UNITS = {"one caller": "us", "one pgbench": "us", "one pgbench in steps": "us", "batches": "rows/s",
         "copy": "rows/s", "import": "rows/s", "export": "rows/s", "copy out": "rows/s"}


def measure_writes(the_lab, settings, postgres, report):
    if not settings.wants("R1", "R1b", "R2", "R3", "R4", "R5", "R6"):
        return
    lab.say("Writes")
    with the_lab.part():
        group = Writes(the_lab, settings, postgres)
        made = cases(group)
        postgres.checkpoint()
        results = measure.interleave(made, settings.repeats)
        figures = {name: measure.figure(name, UNITS.get(name, "/s"), result)
                   for name, result in results.items()}
        report.figures.update(figures)
        report.rows += rows(figures, settings.wants)
        for name, target in (("direct", group.direct), ("gateway", group.gateway), ("SQLite", group.sqlite)):
            if name in figures:
                lab.say(f"    latency against load: {name}")
                report.curves[name] = curve(target, figures[name].median, settings)
