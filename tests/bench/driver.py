"""alma_load: who calls what how often, and its answer as a case's result."""

import collections
import dataclasses
import json
import pathlib
import statistics

import lab


@dataclasses.dataclass(frozen=True)
class Target:
    """A server that can be called, and on whose behalf."""

    load: pathlib.Path
    address: str
    # Either the file of a key, or that of the principals' secret with the organization.
    key_file: pathlib.Path = None
    secret_file: pathlib.Path = None
    organization: str = ""

    def command(self, **flags):
        flags["target"] = self.address
        if self.key_file:
            flags["key_file"] = self.key_file
        else:
            flags["principal_secret_file"] = self.secret_file
            flags["organization"] = self.organization
        return [self.load] + [f"--{name}={value}" for name, value in flags.items()]

    def stream(self, conversations, **count):
        """Rows per second of an import or an export of so many messages, through gRPC's client."""
        flags = {"target": self.address, "principal_secret_file": self.secret_file, "organization": self.organization,
                 "conversations": conversations, **count}
        result = json.loads(lab.run([self.load.with_name("alma_streams")] +
                                    [f"--{name}={value}" for name, value in flags.items()]))
        return {**result, "value": result["rows"] / result["seconds"]}

    def call(self, **flags):
        """One run, flags as alma_load has them; `value` is the calls per second."""
        return read(lab.run(self.command(**flags)))


def read(output):
    result = json.loads(output)
    result["value"] = result.get("per_second", 0)
    # The warm-up's is among it.
    if result.get("client_cpu_seconds", 0) > 1.1 * result.get("seconds", 1):
        lab.say("    alma_load had no processor time left: it may be what is measured")
    return result


def together(results):
    """Of runs one after another: sums, the median of their medians, and the highest of the rest."""
    errors = collections.Counter()
    for result in results:
        errors.update(result["errors"])
    calls, seconds = (sum(result[name] for result in results) for name in ("calls", "seconds"))
    return {"value": calls / seconds, "calls": calls, "seconds": seconds, "per_second": calls / seconds,
            "errors": dict(errors), "unanswered": sum(result["unanswered"] for result in results),
            "p50_us": statistics.median(result["p50_us"] for result in results),
            **{name: max(result[name] for result in results) for name in ("p99_us", "max_us")}}


def latency(result, name="p50_us"):
    """The same run, judged by a latency."""
    return {**result, "value": result[name]}


def with_cpu(processes, run):
    """The result of `run` with the processor time of a call in these processes, in microseconds."""
    before = sum(process.cpu_seconds() for process in processes)
    result = run()
    used = sum(process.cpu_seconds() for process in processes) - before
    result["cpu_us"] = used / max(result["calls_in_all"], 1) * 1e6
    return result
