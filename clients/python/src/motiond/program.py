"""What a group is given in parts while the machine follows it: a path, or a stream."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .connection import QueueFull

if TYPE_CHECKING:
    from .machine import Group, Handle

#: Values that one request carries: it stays below what the daemon takes.
VALUES = 2400
#: Between two questions for room, s.
PAUSE = 0.01


class Program:
    """One under way; a block that ends by an exception halts the group."""

    #: The interface that takes its parts.
    _interface: str

    def __init__(self, group: Group, **how: Any) -> None:
        from .machine import Handle

        self._group = group
        self._lease = group.lease.token if group.lease else None
        #: What the daemon answered.
        self._begun = group.machine.call(f"{self._interface}.Begin", group=group.name, lease=self._lease, **how)
        #: The command, to wait for its end.
        self.handle: Handle = Handle(group.machine, self._begun["handle"], self._begun["cycle"])
        #: Names, in the order of values.
        self.axes: list[str] = self._begun["axes"]
        #: Where it begins.
        self.start: list[float] = self._begun["start"]

    def status(self) -> dict[str, Any]:
        """How far it is, and what it is late or behind where it has times."""
        return self._group.machine.call(f"{self._interface}.Status", group=self._group.name)

    def end(self) -> None:
        """Nothing follows."""
        self._group.machine.call(f"{self._interface}.End", group=self._group.name, handle=self.handle.number, lease=self._lease)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.end()
        else:
            self._group.halt()

    def _append(self, method: str, **part: Any) -> dict[str, Any]:
        while True:
            try:
                return self._group.machine.call(f"{self._interface}.{method}", group=self._group.name, handle=self.handle.number,
                                                lease=self._lease, **part)
            except QueueFull as full:
                if not full.depth:
                    raise
                time.sleep(PAUSE)
