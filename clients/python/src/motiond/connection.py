"""One connection: Varlink, NUL-terminated JSON over a Unix socket."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

PREFIX = "io.motiond.v1."
SYSTEM_SOCKET = "/run/motiond/control.sock"


class MotiondError(Exception):
    """Whatever keeps a call from its answer."""


class ConnectionLost(MotiondError):
    """Nobody answers at the socket, or the connection ended before the answer."""


class TimedOut(MotiondError):
    """The answer did not come in time. The connection is closed: a late answer is nobody's."""


class RefusedByDaemon(MotiondError):
    """The daemon answered with an error: `name` as in its interface, `fields` as described there."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.name = name
        self.fields = fields
        told = ", ".join(f"{key} {value}" for key, value in fields.items() if key not in ("boot_id", "hint") and value is not None)
        hint = f": {fields['hint']}" if fields.get("hint") else ""
        super().__init__(f"{name.removeprefix(PREFIX)} ({told}){hint}")

    def __getattr__(self, field: str) -> Any:
        """A field of the error: `error.limit`; None where it has none of this name."""
        if field.startswith("_"):
            raise AttributeError(field)
        return self.__dict__.get("fields", {}).get(field)


class Refused(RefusedByDaemon):
    """The state of the machine or its limits forbid it; it changed nothing. Fields: reason, axis, requested, limit, unit …"""


class OutOfRange(RefusedByDaemon):
    """A number outside its range. Fields: parameter, requested, minimum, maximum, unit."""


class LeaseRequired(RefusedByDaemon):
    """What is asked for needs a lease of axis or group."""


class LeaseHeld(RefusedByDaemon):
    """Another client, holder, holds it."""


class NoSuchLease(RefusedByDaemon):
    """The lease is over: released, lost or taken over."""


class QueueFull(RefusedByDaemon):
    """Too much waits. Fields: queue, depth, capacity."""


class Unavailable(RefusedByDaemon):
    """No answer in time. With reason Unknown the command may have been carried out; with any other it will not be."""


_CLASSES: dict[str, type[RefusedByDaemon]] = {
    kind.__name__: kind for kind in (Refused, OutOfRange, LeaseRequired, LeaseHeld, NoSuchLease, QueueFull, Unavailable)
}


def default_socket() -> str:
    """As motionctl: $MOTIOND_SOCKET, else the service's, else the user's own."""
    named = os.environ.get("MOTIOND_SOCKET")
    if named:
        return named
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = os.path.join(runtime, "motiond") if os.path.isabs(runtime) else f"/tmp/motiond-{os.geteuid()}"
    own = os.path.join(folder, "control.sock")
    return next((path for path in (SYSTEM_SOCKET, own) if os.path.exists(path)), SYSTEM_SOCKET)


class Connection:
    """One connection, for one caller at a time; others wait."""

    def __init__(self, path: str, timeout: float | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise ConnectionLost(f"{path}: {error.strerror}: is the daemon running?") from error

    def close(self) -> None:
        """Ends it; whoever waits for an answer gets ConnectionLost."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Calls `Interface.Method`; what is None is left out."""
        with self._lock:
            self._send(method, parameters, more=False)
            return self._receive()[0]

    def stream(self, method: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The replies of a method that has several."""
        with self._lock:
            self._send(method, parameters, more=True)
            continues = True
            while continues:
                reply, continues = self._receive()
                yield reply

    def _send(self, method: str, parameters: dict[str, Any], more: bool) -> None:
        given = {name: value for name, value in parameters.items() if value is not None}
        call: dict[str, Any] = {"method": PREFIX + method, "parameters": given}
        if more:
            call["more"] = True
        try:
            self._socket.sendall(json.dumps(call, allow_nan=False).encode() + b"\0")
        except OSError as error:
            raise ConnectionLost(f"{self.path}: {error}") from error

    def _receive(self) -> tuple[dict[str, Any], bool]:
        while b"\0" not in self._buffer:
            try:
                received = self._socket.recv(65536)
            except TimeoutError as error:
                self.close()
                raise TimedOut(f"{self.path}: no answer in time") from error
            except OSError as error:
                raise ConnectionLost(f"{self.path}: {error}") from error
            if not received:
                raise ConnectionLost(f"{self.path}: the daemon closed the connection")
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        reply = json.loads(message)
        parameters: dict[str, Any] = reply.get("parameters") or {}
        if reply.get("error"):
            name = str(reply["error"])
            raise _CLASSES.get(name.rsplit(".", 1)[-1], RefusedByDaemon)(name, parameters)
        return parameters, bool(reply.get("continues"))
