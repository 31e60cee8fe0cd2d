"""The machine, its axes and groups, and what a client holds of them."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from .connection import Connection, ConnectionLost, MotiondError, NoSuchLease, default_socket
from .path import Corner, Path
from .stream import Stream

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]


class CommandFailed(MotiondError):
    """A command that was accepted did not come to its end: `state` is aborted or error, `fault` says why."""

    def __init__(self, progress: Mapping[str, Any]) -> None:
        self.state: str = progress["state"]
        self.fault: Mapping[str, Any] | None = progress.get("fault")
        why = f": {self.fault['cause']}; {self.fault['remedy']}" if self.fault else ""
        super().__init__(f"command {progress['handle']} ended as {self.state}{why}")


@dataclass(frozen=True)
class Table:
    """A recording: for each column one array, with `cycle` and `time_ns` of each sample, and the unit of each column."""

    cycle: Any
    time_ns: Any
    columns: dict[str, Any]
    units: dict[str, str]

    def __getitem__(self, column: str) -> Any:
        """By axis and quantity: `table["x.actual"]`."""
        return self.columns[column]

    def __len__(self) -> int:
        return len(self.cycle)


class Machine:
    """The machine behind a socket. Calls take turns on one connection; waiting, streams and stops use their own."""

    def __init__(self, path: str | None = None, timeout: float | None = 10.0) -> None:
        self.path = path or default_socket()
        self.timeout = timeout
        self._connection = Connection(self.path, timeout)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; leases that were shown on it alone are lost after their grace time."""
        self._connection.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls any method: `call("Axis.Status", axis="x")`. What is None is left out."""
        return self._connection.call(method, parameters)

    def stream(self, method: str, timeout: float | None = None, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The replies of any method that has several, on a connection of its own that ends with the iterator."""
        connection = Connection(self.path, timeout)
        try:
            yield from connection.stream(method, parameters)
        finally:
            connection.close()

    def describe(self) -> dict[str, Any]:
        """What the machine is."""
        return self.call("Machine.Describe")

    def status(self) -> dict[str, Any]:
        """How the machine is."""
        return self.call("Machine.Status")

    def stop(self) -> int:
        """Stops everything and locks it, with a lease or without, from any thread; returns the generation to release."""
        return self._stop("Machine.Stop")

    def _stop(self, method: str, **parameters: Any) -> int:
        # On a connection of its own: a stop waits for no call that is under way.
        connection = Connection(self.path, self.timeout)
        try:
            return int(connection.call(method, parameters)["generation"])
        finally:
            connection.close()

    def lease(self, axis: str | None = None, *, group: str | None = None, ttl: float = 2.0, on_loss: str = "stop",
              holder: str = "python", take_over: bool = False) -> Lease:
        """Takes axis, group, or (neither) the machine, and renews that until released. `on_loss`: stop or finish."""
        return Lease(self, axis, group, ttl, on_loss, holder, take_over)

    def axis(self, name: str, lease: Lease | None = None) -> Axis:
        """An axis, commanded under this lease."""
        return Axis(self, name, lease)

    def group(self, name: str, lease: Lease | None = None) -> Group:
        """A group, commanded under this lease."""
        return Group(self, name, lease)

    def events(self, after: int = 0, follow: bool = False) -> Iterator[dict[str, Any]]:
        """Events after a sequence number; with `follow`, those to come as well."""
        while True:
            batch = self.call("Events.Read", after=after)
            yield from batch["events"]
            if batch["next"] <= after:
                break
            after = batch["next"]
        if follow:
            for batch in self.stream("Events.Subscribe", after=after):
                yield from batch["events"]

    def record(self, axes: Sequence[str] | None = None, quantities: Sequence[str] | None = None, *, samples: int,
               decimation: int = 1) -> Table:
        """So many samples, one in every `decimation`-th cycle, none left out; numpy arrays where numpy is there."""
        stream = self.stream("Telemetry.Record", self.timeout, axes=axes, quantities=quantities, decimation=decimation)
        columns = next(stream)["columns"]
        taken: list[dict[str, Any]] = []
        for reply in stream:
            taken += reply["samples"]
            if len(taken) >= samples:
                break
        stream.close()  # type: ignore[attr-defined]
        del taken[samples:]
        names = [f"{column['axis']}.{column['quantity']}" for column in columns]
        values = {name: _floats([sample["values"][place] for sample in taken]) for place, name in enumerate(names)}
        units = {name: column["unit"] for name, column in zip(names, columns, strict=True)}
        return Table(_whole([s["cycle"] for s in taken]), _whole([s["time_ns"] for s in taken]), values, units)


def _floats(values: list[float]) -> Any:
    return array("d", values) if numpy is None else numpy.array(values, dtype=float)


def _whole(values: list[int]) -> Any:
    return array("q", values) if numpy is None else numpy.array(values, dtype="int64")


class Lease:
    """What this client holds. A thread of its own renews it on a connection of its own; leaving the block releases it."""

    def __init__(self, machine: Machine, axis: str | None, group: str | None, ttl: float, on_loss: str, holder: str,
                 take_over: bool) -> None:
        method = "Lease.TakeOver" if take_over else "Lease.Acquire"
        given = machine.call(method, axis=axis, group=group, ttl_ms=round(ttl * 1000), on_loss=on_loss, holder=holder)
        self.token: str = given["lease"]
        self.epoch: int = given["epoch"]
        #: Why it could no longer be renewed.
        self.lost: MotiondError | None = None
        self._machine = machine
        self._over = threading.Event()
        self._connection = Connection(machine.path, machine.timeout)
        self._thread = threading.Thread(target=self._renew, args=(ttl / 3,), daemon=True)
        self._thread.start()

    def _renew(self, pause: float) -> None:
        while not self._over.wait(pause):
            try:
                self._connection.call("Lease.Renew", {"lease": self.token})
            except MotiondError as error:
                self.lost = error
                return

    def release(self) -> None:
        """Gives it back; motion goes on. One that was lost is gone already."""
        self._over.set()
        self._thread.join()
        self._connection.close()
        try:
            self._machine.call("Lease.Release", lease=self.token)
        except NoSuchLease:
            pass

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.release()
        except ConnectionLost:
            if kind is None:
                raise


@dataclass(frozen=True)
class Handle:
    """An accepted command."""

    machine: Machine
    number: int
    cycle: int

    def progress(self) -> dict[str, Any]:
        """How far it has come."""
        progress: dict[str, Any] = self.machine.call("Command.Status", handle=self.number)["progress"]
        return progress

    def wait(self, timeout: float | None = None) -> None:
        """Until it is done. Raises CommandFailed where it was aborted or failed, TimedOut where that takes too long."""
        connection = Connection(self.machine.path, timeout)
        try:
            progress = connection.call("Command.Wait", {"handle": self.number})["progress"]
        finally:
            connection.close()
        if progress["state"] != "done":
            raise CommandFailed(progress)


class _Mover:
    """What axes and groups have in common."""

    _interface: str
    _kind: str

    def __init__(self, machine: Machine, name: str, lease: Lease | None) -> None:
        self.machine = machine
        self.name = name
        self.lease = lease

    def command(self, method: str, **parameters: Any) -> Handle:
        """Gives any command of the interface."""
        token = self.lease.token if self.lease else None
        reply = self.machine.call(f"{self._interface}.{method}", **{self._kind: self.name}, **parameters, lease=token)
        return Handle(self.machine, reply["handle"], reply["cycle"])

    def status(self) -> dict[str, Any]:
        """How it is."""
        status: dict[str, Any] = self.machine.call(f"{self._interface}.Status", **{self._kind: self.name})["status"]
        return status

    def stop(self) -> int:
        """Stops and locks it, with a lease or without, from any thread; returns the generation to release."""
        return self.machine._stop(f"{self._interface}.Stop", **{self._kind: self.name})

    def release(self, generation: int) -> Handle:
        """Ends the lock of a stop."""
        return self.command("Release", generation=generation)

    def reset(self) -> Handle:
        """Leaves ErrorStop."""
        return self.command("Reset")

    def halt(self) -> Handle:
        """Comes to rest; other motion may take over."""
        return self.command("Halt")

    def set_override(self, ratio: float) -> Handle:
        """Velocity override, 0 to 2."""
        return self.command("SetOverride", ratio=ratio)


class Axis(_Mover):
    """One axis; the parameters of moves are those of io.motiond.v1.Axis."""

    _interface = "Axis"
    _kind = "axis"

    def power(self, on: bool) -> Handle:
        """Enables or disables the drive."""
        return self.command("Power", on=on)

    def move_absolute(self, position: float, **dynamics: Any) -> Handle:
        """To a position."""
        return self.command("MoveAbsolute", position=position, **dynamics)

    def move_relative(self, distance: float, **dynamics: Any) -> Handle:
        """By a distance from where it is."""
        return self.command("MoveRelative", distance=distance, **dynamics)

    def move_additive(self, distance: float, **dynamics: Any) -> Handle:
        """By a distance from the end of the present move."""
        return self.command("MoveAdditive", distance=distance, **dynamics)

    def move_velocity(self, velocity: float, **dynamics: Any) -> Handle:
        """At a signed velocity until something else is asked for."""
        return self.command("MoveVelocity", velocity=velocity, **dynamics)

    def set_position(self, position: float) -> Handle:
        """Calls the present place so."""
        return self.command("SetPosition", position=position)

    def jog(self, velocity: float) -> Jog:
        """Moves for as long as the block runs; ramps down at its end, and when this process dies."""
        return Jog(self, velocity)


class Group(_Mover):
    """A group; targets are given by the name of the axis."""

    _interface = "Group"
    _kind = "group"

    def enable(self) -> Handle:
        """To GroupStandby."""
        return self.command("Enable")

    def disable(self) -> Handle:
        """To GroupDisabled; a moving group ramps down first."""
        return self.command("Disable")

    def move_linear(self, targets: Mapping[str, float], **dynamics: Any) -> Handle:
        """Along a straight line."""
        return self.command("MoveLinear", targets=_targets(targets), **dynamics)

    def move_direct(self, targets: Mapping[str, float], **dynamics: Any) -> Handle:
        """All axes arrive together, whatever the path."""
        return self.command("MoveDirect", targets=_targets(targets), **dynamics)

    def path(self, *, buffer: str | None = None, transition: Corner | None = None) -> Path:
        """A path from where it is: `with group.path() as path:`. Where the group moves, that is refused, unless `buffer` is "aborting" (it is
        halted first), "buffered" (behind what it does) or "blending" (on from the newest path without a rest, with this corner between them)."""
        return Path(self, buffer=buffer, transition=transition)

    def stream(self, *, stop: float | None = None, lead: float | None = None, catch_up: float | None = None,
               buffer: str | None = None) -> Stream:
        """Timed points from where it is: `with group.stream() as stream:`. Where the group moves, that is refused, unless `buffer` is
        "aborting": then it is halted first."""
        return Stream(self, stop=stop, lead=lead, catch_up=catch_up, buffer=buffer)

    def interrupt(self) -> Handle:
        """Comes to rest on the path and keeps the move."""
        return self.command("Interrupt")

    def resume(self) -> Handle:
        """Takes the interrupted move up again."""
        return self.command("Continue")


def _targets(targets: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"axis": axis, "value": value} for axis, value in targets.items()]


class Jog:
    """A jog that a thread refreshes; each refresh is valid for 150 ms and says when it was sent."""

    VALID_MS = 150

    def __init__(self, axis: Axis, velocity: float) -> None:
        self.axis = axis
        self.velocity = velocity
        #: Why it could no longer be refreshed.
        self.lost: MotiondError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._refresh, daemon=True)

    def _send(self) -> None:
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.axis.command("Jog", velocity=self.velocity, valid_ms=self.VALID_MS, sent_at_ns=now)

    def _refresh(self) -> None:
        while not self._over.wait(self.VALID_MS / 3000):
            try:
                self._send()
            except MotiondError as error:
                self.lost = error
                return

    def __enter__(self) -> Jog:
        self._send()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self.lost is None:
            self.axis.halt()
