"""A PostgreSQL of the bench's own, and what is measured on it without Alma."""

import os
import pathlib
import re
import statistics

import lab

SCRIPTS = pathlib.Path(__file__).resolve().parent / "pgbench"
# As an operator would set them on such a machine; the same for both sides of every ratio.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}


class Postgres:
    def __init__(self, the_lab):
        self._lab = the_lab
        self.folder = the_lab.folder / "pg"
        self._script("start")
        the_lab.at_end(self._script, "stop")
        for name, value in SETTINGS.items():
            self.sql("postgres", f"alter system set {name} = '{value}'")
        self._script("crash")
        self._script("restart")
        self.version = self.sql("postgres", "show server_version").strip()

    def _script(self, verb):
        lab.run([lab.ROOT / "tests/support/postgres", verb, self.folder])

    def _connection(self, database):
        return ["-h", self.folder, "-U", "alma", "-d", database]

    def url(self, database):
        return f"postgresql:///{database}?host={self.folder}&user=alma"

    def create(self, database):
        """Gone with the part of the lab that it is made in."""
        self.sql("postgres", f"create database {database}")
        self._lab.at_end(self.sql, "postgres", f"drop database {database} with (force)")

    def sql(self, database, text):
        return lab.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1",
                        *self._connection(database), "-c", text])

    def files(self, database):
        number = self.sql("postgres", f"select oid from pg_database where datname = '{database}'").strip()
        return (self.folder / "data/base" / number).iterdir()

    def checkpoint(self):
        """So that none pays for what was loaded before it."""
        self.sql("postgres", "checkpoint")

    def pid(self):
        return int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])

    def cpu_seconds(self):
        return lab.tree_cpu_seconds(self.pid())

    def log(self):
        return self.folder / "log"

    def wal_bytes(self):
        return int(self.sql("postgres", "select sum(size) from pg_ls_waldir()"))

    def pgbench(self, database, script, clients, seconds, each=False, **variables):
        """Transactions per second; with `each` also the median latency of a transaction."""
        command = ["pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2), "-T",
                   max(round(seconds), 1), "-f", SCRIPTS / f"{script}.sql"]
        for name, value in variables.items():
            command += ["-D", f"{name}={value}"]
        log = self._lab.folder / "pgbench_log"
        if each:
            command += ["-l", f"--log-prefix={log}"]
        environment = {**os.environ, "PGOPTIONS": "-c search_path=conversations,public"}
        out = lab.run([*command, "-h", self.folder, "-U", "alma", database], env=environment)
        if int(re.search(r"number of failed transactions: (\d+)", out).group(1)) > 0:
            raise lab.Failed(f"pgbench {script}: {out}")
        result = {"value": float(re.search(r"tps = ([\d.]+)", out).group(1)), "clients": clients,
                  "calls_in_all": int(re.search(r"actually processed: (\d+)", out).group(1)),
                  "mean_us": float(re.search(r"latency average = ([\d.]+)", out).group(1)) * 1e3}
        if each:
            result["p50_us"] = _median_of_logs(log)
        return result

    def copy(self, database, table, columns, path):
        """Rows per second of psql's \\copy from a file."""
        return self._copy(database, f"{table} ({columns}) from '{path}'", sum(1 for _ in open(path)))

    def copy_out(self, database, query, rows):
        """The same into a file that nobody reads."""
        return self._copy(database, f"({query}) to '/dev/null'", rows)

    def _copy(self, database, what, rows):
        out = lab.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", *self._connection(database),
                       "-c", r"\timing on", "-c", rf"\copy {what}"])
        milliseconds = float(re.search(r"Time: ([\d.]+) ms", out).group(1))
        return {"value": rows / milliseconds * 1e3, "rows": rows}


def _median_of_logs(prefix):
    times = []
    for path in prefix.parent.glob(prefix.name + ".*"):
        times += [int(line.split()[2]) for line in path.read_text().splitlines()]
        path.unlink()
    return statistics.median(times)
