"""A temporary folder and the processes that a measurement starts; both are gone when it ends."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """What was to be measured did not run; the text says why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Process:
    """A program that runs until it is stopped, and what /proc says of it."""

    def __init__(self, command, log, environment=None):
        self.name = pathlib.Path(command[0]).name
        self.log = log
        with open(log, "ab") as errors:
            self._popen = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, env=environment, start_new_session=True, text=True)

    @property
    def pid(self):
        return self._popen.pid

    def wait_for_ready_line(self):
        """The address of the first ready line that Alma's programs print."""
        line = self._popen.stdout.readline()
        if not line:
            raise Failed(f"{self.name} ended: {tail(self.log)}")
        return json.loads(line)["address"]

    def output(self):
        """What it printed, once it has ended by itself."""
        out = self._popen.stdout.read()
        if self._popen.wait() != 0:
            raise Failed(f"{self.name} failed: {tail(self.log)}")
        return out

    def running(self):
        return self._popen.poll() is None

    def stop(self, patience=20):
        if self.running():
            self._popen.terminate()
            try:
                self._popen.wait(patience)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()
        self._popen.stdout.close()

    def cpu_seconds(self):
        return tree_cpu_seconds(self.pid)

    def resident_mib(self):
        return self._status("VmRSS") / 1024

    def peak_mib(self):
        return self._status("VmHWM") / 1024

    def threads(self):
        return self._status("Threads")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _status(self, name):
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
        raise Failed(f"{self.name} is gone: {tail(self.log)}")


def tail(path):
    with contextlib.suppress(OSError):
        return " | ".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-3:])
    return ""


def tree_cpu_seconds(root):
    """Processor time of the process, of those below it and of the ones that it has waited for."""
    parents, ticks = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            parents[int(entry)] = int(fields[1])
            ticks[int(entry)] = sum(int(field) for field in fields[11:15])
    tree = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        if not more:
            return sum(ticks.get(pid, 0) for pid in tree) / TICKS
        tree |= more


class Lab:
    """To be used in a `with`: its end, by an exception or ^C too, ends what it started."""

    def __init__(self, parent="/tmp"):
        # PostgreSQL's own user has to pass.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alma-bench-", dir=parent))
        self.folder.chmod(0o755)
        self._endings = contextlib.ExitStack()

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        return self

    def __exit__(self, *_):
        handlers = [(number, signal.signal(number, signal.SIG_IGN))
                    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        try:
            self._endings.close()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            for number, handler in handlers:
                signal.signal(number, handler)

    @contextlib.contextmanager
    def part(self):
        """What is started in such a `with` ends with it, rather than with the whole."""
        outer, self._endings = self._endings, contextlib.ExitStack()
        try:
            yield
        finally:
            inner, self._endings = self._endings, outer
            inner.close()

    def at_end(self, function, *arguments):
        self._endings.callback(function, *arguments)

    def start(self, command, environment=None):
        log = self.folder / f"{pathlib.Path(command[0]).name}.log"
        process = Process(command, log, environment)
        self.at_end(process.stop)
        return process

    def new_folder(self, name):
        """A folder that goes when the part does."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir=self.folder))
        self.at_end(shutil.rmtree, folder, True)
        return folder


def run(command, patience=900, **options):
    """The output of a program that has to succeed."""
    popen = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             start_new_session=True, **options)
    try:
        out, errors = popen.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} took more than {patience} s") from None
    finally:
        if popen.poll() is None:
            # With what it has started, such as a build's compilers.
            os.killpg(popen.pid, signal.SIGTERM)
            popen.wait()
    if popen.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\nexit code {popen.returncode}: {errors[-2000:]}")
    return out


@contextlib.contextmanager
def one_processor(*pids):
    """What is started in such a `with`, by the processes of one thread, too, has the last processor alone."""
    before = {pid: os.sched_getaffinity(pid) for pid in (0, *pids)}
    try:
        for pid in before:
            os.sched_setaffinity(pid, {max(before[0])})
        yield
    finally:
        for pid, processors in before.items():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(pid, processors)


def read_all(paths):
    """So that the kernel has them in memory: some, this machine's may be one, write out what has not been used
    for half a minute, which is most of a large table."""
    buffer = bytearray(1 << 20)
    for path in paths:
        with contextlib.suppress(OSError), open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def fdatasync_micros(folder):
    """The median of 200 writes of 8 KiB with fdatasync: what a commit waits for at least."""
    path = folder / "fdatasync"
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        os.pwrite(file, b"x" * 8192, 0)
        os.fdatasync(file)
        times.append(time.perf_counter() - begun)
    os.close(file)
    path.unlink()
    return sorted(times)[100] * 1e6
