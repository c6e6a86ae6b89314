"""Alma's programs as an operator starts them, on unix sockets."""

import dataclasses
import json
import os
import pathlib
import secrets

import lab
from driver import Target

# Those of the built programs.
PROGRAMS = ("alma", "alma-organizations", "alma-conversations", "alma-gateway", "alma_load", "alma_streams",
            "alma_echo")


@dataclasses.dataclass
class Server:
    process: lab.Process
    address: str


class Alma:
    """One place of storage with its organization and key, and the servers on it."""

    def __init__(self, the_lab: lab.Lab, programs: pathlib.Path, location: list):
        self._lab = the_lab
        self._programs = programs
        # The flag that says where the databases are.
        self.location = location
        self.folder = the_lab.new_folder("alma")
        self._services = 0
        self.secret_file = self._write("secret", secrets.token_hex(32))
        lab.run([programs / "alma", "migrate", *location])
        made = json.loads(lab.run([programs / "alma", "bootstrap", "--organization=Bench", *location]))
        self.organization = made["organization"]["uuid"]
        self.key_file = self._write("key", made["secret"])

    def _write(self, name, text):
        path = self.folder / name
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(text + "\n")
        return path

    def _launch(self, command):
        process = self._lab.start(command)
        return Server(process, process.wait_for_ready_line())

    def _start(self, program, flags, listen):
        return self._launch([self._programs / program, *flags, f"--listen={listen}",
                             "--metrics_listen=", "--log_level=error"])

    def socket(self, name):
        return f"unix:{self.folder}/{name}"

    def service(self, name):
        """Any number of times: each process has a socket of its own."""
        self._services += 1
        return self._start(f"alma-{name}", [*self.location, f"--principal_secret_file={self.secret_file}"],
                           self.socket(f"{name}.{self._services}"))

    def gateway(self, organizations, conversations, *flags):
        return self._start("alma-gateway",
                           [f"--organizations={organizations}", f"--conversations={conversations}",
                            f"--principal_secret_file={self.secret_file}", *flags], self.socket("gateway"))

    def serve_command(self, listen):
        """`alma serve`, for who wants to time its start."""
        return [self._programs / "alma", "serve", *self.location, "--metrics_listen=", "--log_level=error",
                f"--listen={listen}", f"--principal_secret_file={self.secret_file}"]

    def serve(self, *flags):
        return self._launch([*self.serve_command(self.socket("alma")), *flags])

    def echo(self):
        """A backend that answers what it is sent, in place of alma-conversations."""
        return self._launch([self._programs / "alma_echo", f"--listen_on={self.socket('echo')}"])

    def direct(self, address):
        return Target(self._programs / "alma_load", address, secret_file=self.secret_file,
                      organization=self.organization)

    def with_key(self, address):
        return Target(self._programs / "alma_load", address, key_file=self.key_file)
