"""Client of the motion controller daemon motiond.

    import motiond

    with motiond.Machine() as machine, machine.lease("x") as lease:
        x = machine.axis("x", lease)
        x.power(True).wait()
        x.move_absolute(120.0, velocity=400.0).wait()
        table = machine.record(["x"], ["setpoint", "actual"], samples=500)

Every method of the daemon can be called by its name, too: `machine.call("Axis.Status", axis="x")`. Units are those of the
axis, mm or degrees, and s; times are nanoseconds of CLOCK_MONOTONIC.
"""

from .connection import (
    ConnectionLost,
    LeaseHeld,
    LeaseRequired,
    MotiondError,
    NoSuchLease,
    OutOfRange,
    QueueFull,
    Refused,
    RefusedByDaemon,
    TimedOut,
    Unavailable,
)
from .machine import Axis, CommandFailed, Group, Handle, Jog, Lease, Machine, Table
from .path import Caps, Distance, Path, Tolerance
from .stream import Stream

__all__ = [
    "Axis", "Caps", "CommandFailed", "ConnectionLost", "Distance", "Group", "Handle", "Jog", "Lease", "LeaseHeld", "LeaseRequired", "Machine",
    "MotiondError", "NoSuchLease", "OutOfRange", "Path", "QueueFull", "Refused", "RefusedByDaemon", "Stream", "Table", "TimedOut", "Tolerance",
    "Unavailable",
]
