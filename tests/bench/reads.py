"""R9 and R10: reading by key and by page."""

import bulk
import lab
import measure
from servers import Alma


def measure_reads(the_lab, settings, postgres, report):
    if not settings.wants("R9", "R10"):
        return
    lab.say("Reads")
    with the_lab.part():
        postgres.create("reads")
        alma = Alma(the_lab, settings.programs, [f"--database={postgres.url('reads')}"])
        bulk.fill_postgresql(postgres, "reads", alma.organization, settings.messages)
        conversations = bulk.conversation_count(settings.messages, bulk.MESSAGES_EACH)
        direct = alma.direct(alma.service("conversations").address)
        rows = {"messages": settings.messages, "conversations": conversations}

        def pgbench(script):
            # On which processors clients and backends meet is settled at the start and moves a whole run by a
            # third: a second each from several starts.
            def run(clients, seconds):
                return measure.several(max(round(seconds), 1), lambda: postgres.pgbench(
                    "reads", script, clients, 1, organization=alma.organization, **rows))
            clients = measure.best(f"pgbench {script}", settings.clients,
                                   lambda tried: run(tried, 2 * settings.try_seconds))
            return lambda: run(clients, settings.seconds)

        cases = {}
        if settings.wants("R9"):
            cases["GetMessage"] = lambda: direct.call(calls="get", in_flight=64, **rows, **settings.timing())
            cases["pgbench get"] = pgbench("get")
        if settings.wants("R10"):
            in_flight = measure.best("ListMessages", settings.in_flight, lambda tried: direct.call(
                calls="list", in_flight=tried, **rows, **settings.trying()))
            cases["ListMessages"] = lambda: direct.call(calls="list", in_flight=in_flight, **rows,
                                                        **settings.timing())
            cases["pgbench list"] = pgbench("list")
        postgres.checkpoint()
        results = measure.interleave(cases, settings.repeats)
    figures = {name: measure.figure(name, "/s", result) for name, result in results.items()}
    report.figures.update(figures)
    if settings.wants("R9"):
        report.rows.append(measure.ratio("R9", "GetMessage, 64 in flight / pgbench SELECT by key",
                                         figures["GetMessage"], figures["pgbench get"], 0.6))
    if settings.wants("R10"):
        report.rows.append(measure.ratio("R10", "ListMessages of 50 / pgbench page of 50",
                                         figures["ListMessages"], figures["pgbench list"], 0.6))
