"""Timed points for groups: where all axes are at which time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from .program import VALUES, Program

if TYPE_CHECKING:
    from .machine import Group

#: Time, positions, and, where a point says them, velocities and accelerations: one value an axis each.
Point = Sequence[Any]


class Stream(Program):
    """A stream under way: `with group.stream() as stream:`.

    It begins where the group is, `start`, and moves as soon as `lead` seconds of it are known. Times are seconds since then. At the end of
    the block nothing follows, and the machine goes on to the last point, which `handle.wait()` waits for; a block that ends by an exception
    halts the group. A point whose curve would need more than the limits is refused, with everything that was given with it.
    """

    _interface = "Stream"

    def __init__(self, group: Group, *, stop: float | None = None, lead: float | None = None, catch_up: float | None = None,
                 buffer: str | None = None) -> None:
        super().__init__(group, stop=stop, lead=lead, catch_up=catch_up, buffer=buffer)
        #: Points may be no closer than this, s.
        self.spacing: float = self._begun["spacing"]

    def point(self, when: float, positions: Sequence[float], velocities: Sequence[float] | None = None,
              accelerations: Sequence[float] | None = None) -> dict[str, Any]:
        """One point; otherwise as `points`."""
        said = [values for values in (velocities, accelerations) if values is not None]
        return self.points([(when, positions, *said)])

    def points(self, points: Iterable[Point]) -> dict[str, Any]:
        """Points, each a tuple of its time and its positions, and, where it says them, its velocities and accelerations. Returns what the
        daemon answered to the last batch: `buffered`, how many came `late`, and the greatest `lateness`, s."""
        waiting = iter(points)
        answer: dict[str, Any] = {}
        while batch := list(islice(waiting, max(1, VALUES // (3 * len(self.axes))))):
            parts = len(batch[0])
            if any(len(point) != parts or any(len(values) != len(self.axes) for values in point[1:]) for point in batch):
                raise ValueError(f"points of a batch say the same, and {len(self.axes)} values each: {', '.join(self.axes)}")
            told = [[float(value) for point in batch for value in point[part]] if part < parts else None for part in (1, 2, 3)]
            times = [float(point[0]) for point in batch]
            answer = self._append("Points", times=times, positions=told[0], velocities=told[1], accelerations=told[2])
        return answer
