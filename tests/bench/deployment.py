"""Alma on either engine with messages in it, as those measure it who are not after a single row."""

import dataclasses
from typing import Callable

import bulk
import lab
from driver import Target
from postgres import Postgres
from servers import Alma

MESSAGES = 100_000
# What alma_load has to know of the rows.
ROWS = {"messages": MESSAGES, "conversations": MESSAGES // bulk.MESSAGES_EACH}


@dataclasses.dataclass
class Deployment:
    # With a key.
    target: Target
    # Those of Alma.
    processes: list
    wal_bytes: Callable[[], int]


def on_sqlite(the_lab: lab.Lab, programs, *flags):
    """`alma serve`."""
    data = the_lab.new_folder("data")
    alma = Alma(the_lab, programs, [f"--data_dir={data}"])
    bulk.fill_sqlite(data / "conversations.db", alma.organization, MESSAGES)
    server = alma.serve(*flags)
    return Deployment(alma.with_key(server.address), [server.process],
                      lambda: sum(path.stat().st_size for path in data.glob("*-wal")))


def on_postgresql(the_lab: lab.Lab, programs, *flags):
    """Services behind the gateway, which takes the flags."""
    postgres = Postgres(the_lab)
    postgres.create("deployed")
    alma = Alma(the_lab, programs, [f"--database={postgres.url('deployed')}"])
    bulk.fill_postgresql(postgres, "deployed", alma.organization, MESSAGES)
    service, organizations = alma.service("conversations"), alma.service("organizations")
    gateway = alma.gateway(organizations.address, service.address, *flags)
    return Deployment(alma.with_key(gateway.address),
                      [gateway.process, service.process, organizations.process], postgres.wal_bytes)


ENGINES = {"sqlite": on_sqlite, "postgresql": on_postgresql}
