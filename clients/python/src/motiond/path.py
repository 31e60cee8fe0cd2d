"""Paths of groups, given while the machine follows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .connection import Refused
from .program import VALUES, Program

if TYPE_CHECKING:
    from .machine import Group


@dataclass(frozen=True)
class Tolerance:
    """Corners are passed within so much of the path: mm, and deg (as `linear` if left out)."""

    linear: float
    rotary: float | None = None

    def _told(self) -> dict[str, Any]:
        return {"mode": "tolerance", "linear": self.linear, "rotary": self.linear if self.rotary is None else self.rotary}


@dataclass(frozen=True)
class Distance:
    """Corners are rounded from this distance before to the same behind them; mm, or deg where only rotary axes move."""

    distance: float

    def _told(self) -> dict[str, Any]:
        return {"mode": "distance", "distance": self.distance}


@dataclass(frozen=True)
class Caps:
    """What the tool does at most on an element, whatever the override; per s, s² and s³, in any direction. None or 0 caps nothing."""

    speed: float | None = None
    acceleration: float | None = None
    jerk: float | None = None

    def _told(self) -> dict[str, Any]:
        return {"speed": self.speed, "acceleration": self.acceleration, "jerk": self.jerk}


#: How an element ends: "stop", "exact" (on the path, with a stop in each corner that turns by more than a thousandth), or rounded.
Corner = str | Tolerance | Distance


def _told(corner: Corner | None) -> dict[str, Any] | None:
    if corner is None or isinstance(corner, str):
        return None if corner is None else {"mode": corner}
    return corner._told()


class Path(Program):
    """A path under way: `with group.path() as path:`.

    It begins where the group is, `start`, and moves as soon as enough of it is known. At the end of the block nothing follows, and the
    machine goes on to the end of the path, which `handle.wait()` waits for; a block that ends by an exception halts the group.
    Places are one value an axis, in the order of `axes`. What an element leaves out (feed or duration, caps, corner) is as in the one
    before it. Where the daemon has no room, an element waits until it has. One that goes on from another ("blending") is begun while that is
    open, before its `end`, which it then needs no more: its block may be left all the same. `buffer` is what it came to.
    """

    _interface = "Path"

    def __init__(self, group: Group, *, buffer: str | None = None, transition: Corner | None = None) -> None:
        super().__init__(group, buffer=buffer, transition=_told(transition))
        self._line = 0
        #: "aborting" (at rest), "buffered" or "blending".
        self.buffer: str = self._begun["buffer"]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            super().__exit__(kind, error, trace)
        except Refused as refused:
            if kind is not None or refused.reason != "ProgramEnded" or not self._is_gone_on_from():
                raise

    def _is_gone_on_from(self) -> bool:
        """Another program has taken its place, and it was not aborted for that."""
        return self.status()["newest"] != self.handle.number and self.handle.progress()["state"] not in ("aborted", "error")

    def lines(self, places: Iterable[Sequence[float]], *, feed: float | None = None, duration: float | None = None,
              caps: Caps | None = None, corner: Corner | None = None, line: int | None = None) -> None:
        """Straight to each of the places. `feed` in mm/s of the tool (deg/s where no linear axis moves), or `duration` of each in s.
        `line` numbers the first for whoever watches; the others follow."""
        if line is not None:
            self._line = line
        waiting: Iterator[Sequence[float]] = iter(places)
        count = max(1, VALUES // len(self.axes))
        while batch := list(islice(waiting, count)):
            points = [float(value) for place in batch for value in self._place(place)]
            self._append("Lines", points=points, feed=feed, duration=duration, caps=caps and caps._told(),
                         corner=_told(corner), line=self._line)
            self._line += len(batch)

    def line(self, place: Sequence[float], **how: Any) -> None:
        """Straight to a place; otherwise as `lines`."""
        self.lines([place], **how)

    def arc(self, end: Sequence[float], *, centre: Sequence[float] | None = None, via: Sequence[float] | None = None,
            radius: float | None = None, normal: Sequence[float] | None = None, left: bool | None = None,
            turns: int | None = None, feed: float | None = None, duration: float | None = None,
            caps: Caps | None = None, corner: Corner | None = None, line: int | None = None) -> None:
        """Along a circle or helix in the first three linear axes: about a centre (to the left unless `left` is False, `turns` whole
        turns more), through a point, or with a radius; all other axes go along."""
        self._append("Arc", end=_floats(self._place(end)), centre=_floats(centre), via=_floats(via), radius=radius,
                     normal=_floats(normal), left=left, turns=turns, feed=feed, duration=duration, caps=caps and caps._told(),
                     corner=_told(corner),
                     line=self._next(line))

    def spline(self, places: Iterable[Sequence[float]], *, degree: int | None = None, weights: Sequence[float] | None = None,
               knots: Sequence[float] | None = None, feed: float | None = None, duration: float | None = None,
               caps: Caps | None = None, corner: Corner | None = None, line: int | None = None) -> None:
        """A B-spline with these control points behind the place where the path is, which is its first; `weights` (one more than
        `places`) and `knots` make it a NURBS."""
        points = [float(value) for place in places for value in self._place(place)]
        self._append("Spline", points=points, degree=degree, weights=_floats(weights), knots=_floats(knots), feed=feed,
                     duration=duration, caps=caps and caps._told(), corner=_told(corner), line=self._next(line))

    def _place(self, place: Sequence[float]) -> Sequence[float]:
        if len(place) != len(self.axes):
            raise ValueError(f"a place of {len(place)} values, where {len(self.axes)} are needed: {', '.join(self.axes)}")
        return place

    def _next(self, line: int | None) -> int:
        number = self._line if line is None else line
        self._line = number + 1
        return number


def _floats(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]
