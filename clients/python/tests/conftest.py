"""The built daemon on its simulated machine, one for each test that asks for it."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Iterator

import pytest

import motiond

ROOT = pathlib.Path(__file__).parents[3]
INTERFACES = ROOT / "src/control/interface"


class Daemon:
    """A running daemon."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.socket = str(folder / "control.sock")
        program = pathlib.Path(os.environ.get("MOTIOND_BIN", ROOT / "target/debug")) / "motiond"
        arguments = [program, "run", ROOT / "config/demo.toml", "--simulate", "--socket", self.socket, "--metrics", "127.0.0.1:0"]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
        assert self.process.stderr
        for line in self.process.stderr:
            if " ready" in line:
                return
        raise AssertionError("the daemon ended")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def daemon(tmp_path: pathlib.Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.kill()


@pytest.fixture
def machine(daemon: Daemon) -> Iterator[motiond.Machine]:
    with motiond.Machine(daemon.socket) as machine:
        yield machine
