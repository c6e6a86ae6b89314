"""R12 and R13: memory while idle, under load and over many writes, and how soon a start answers."""

import json
import statistics
import time

import bulk
import driver
import lab
import measure
from servers import Alma

CONVERSATIONS = 1000
BATCH = 1000


def watch(the_lab, command, probe, every=0.25):
    """Runs the driver and returns its result with what `probe` said meanwhile."""
    with the_lab.part():
        load = the_lab.start(command)
        seen = []
        while load.running():
            seen.append(probe())
            time.sleep(every)
        return driver.read(load.output()), seen


def measure_memory(the_lab, settings, postgres, report):
    if not settings.wants("R12"):
        return
    lab.say("Memory")
    with the_lab.part():
        postgres.create("memory")
        alma = Alma(the_lab, settings.programs, [f"--database={postgres.url('memory')}"])
        bulk.fill_postgresql(postgres, "memory", alma.organization, CONVERSATIONS * bulk.MESSAGES_EACH)
        service = alma.service("conversations")
        direct = alma.direct(service.address)
        time.sleep(min(settings.seconds, 2))
        idle = measure.Figure("idle", "MiB", [service.process.resident_mib()])
        loaded, seen = watch(the_lab, direct.command(conversations=CONVERSATIONS, in_flight=max(settings.in_flight),
                                                     **settings.timing()), service.process.resident_mib)
        under_load = measure.Figure("highest", "MiB", [max(seen)], [loaded])
        written, seen = watch(the_lab, direct.command(
            calls="batch", batch_size=BATCH, in_flight=2, conversations=CONVERSATIONS, warmup="0s",
            duration=f"{settings.writes_seconds}s"), service.process.resident_mib)
    fifth = max(len(seen) // 5, 1)
    late = measure.Figure("last fifth", "MiB", [statistics.median(seen[-fifth:])], [written])
    early = measure.Figure("second fifth", "MiB", [statistics.median(seen[fifth:2 * fifth] or seen)])
    report.figures.update({"memory idle": idle, "memory under load": under_load, "memory late": late,
                           "memory early": early})
    report.rows += [
        measure.limit("R12", "resident memory of alma-conversations, idle", idle, 40),
        measure.limit("R12", "the same under R1's load", under_load, 120),
        measure.ratio("R12", "the same over many writes, late / early", late, early, 1.05, at_least=False,
                      note=f"{written['calls'] * BATCH:,} messages written in {written['seconds']:.0f} s")]


def time_start(the_lab, alma, messages):
    """Milliseconds from the start of `alma serve` to its first answer, which is a row."""
    with the_lab.part():
        address = alma.socket("alma")
        waiting = the_lab.start(alma.with_key(address).command(calls="get", messages=messages, connections=1,
                                                               until_ok="30s"))
        time.sleep(0.2)
        begun = time.monotonic()
        the_lab.start(alma.serve_command(address))
        answered = json.loads(waiting.output())["monotonic_seconds"]
    return {"value": (answered - begun) * 1e3}


def measure_start(the_lab, settings, postgres, report):
    if not settings.wants("R13"):
        return
    lab.say("Starts")
    with the_lab.part():
        data = the_lab.new_folder("data")
        postgres.create("starts")
        cases = {}
        for name, flag in (("SQLite", f"--data_dir={data}"), ("PostgreSQL", f"--database={postgres.url('starts')}")):
            alma = Alma(the_lab, settings.programs, [flag])
            if name == "SQLite":
                bulk.fill_sqlite(data / "conversations.db", alma.organization, settings.messages)
            else:
                bulk.fill_postgresql(postgres, "starts", alma.organization, settings.messages)
            cases[name] = lambda alma=alma: time_start(the_lab, alma, settings.messages)
        results = measure.interleave(cases, settings.starts)
    for name, result in results.items():
        figure = measure.figure(f"start on {name}", "ms", result)
        report.figures[figure.name] = figure
        report.rows.append(measure.limit("R13", f"start of alma serve to the first answer, {name}", figure, 150,
                                         note=f"{settings.messages:,} messages, median of {settings.starts}"))
