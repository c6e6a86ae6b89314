"""Installs and builds what the measurements need."""

import lab
from servers import PROGRAMS

PRESET = "release"


def prepare(*purposes):
    """The folder of the built programs."""
    # What these print is progress.
    for command in (["deploy/packages", "build", "test", *purposes],
                    ["cmake", "--preset", PRESET, "-DALMA_TESTS=ON"],
                    ["cmake", "--build", "--preset", PRESET, "--target", *PROGRAMS]):
        lab.say("$ " + " ".join(command))
        lab.run(command, patience=3600, cwd=lab.ROOT)
    return lab.ROOT / "build" / PRESET / "bin"
