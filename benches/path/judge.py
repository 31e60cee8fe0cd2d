#!/usr/bin/env python3
"""What a controller made of a path, from the positions it commanded in every cycle:

    benches/path/judge.py POINTS SAMPLES [PERIOD_S]

SAMPLES has one line a cycle, the commanded coordinates separated by spaces, in the order of POINTS. The samples before the first
and after the last change are rest. Prints JSON:

- `cycles`, `duration_s`: from the first cycle that moved to the last one;
- `velocity`, `acceleration`, `jerk`: the peak of each axis, from first, second and third differences of the samples;
- `off_path`: how far a sample was from the programmed lines; `off_points`: how far a programmed point was from the commanded path
  (straight between samples). Both in the order in which the path is run: sample and line are matched so that neither goes back, and
  the largest distance that the best such matching has is what counts. All axes are taken as one space, deg beside mm.
"""

import json
import sys


def peaks(samples, period):
    """Peaks of each axis: of velocity, acceleration and jerk."""
    at_rest = [samples[0]] * 3
    samples = at_rest + samples + [samples[-1]] * 3
    found = []
    for axis in zip(*samples):
        difference, of_axis = axis, []
        for order in range(1, 4):
            difference = [b - a for a, b in zip(difference, difference[1:])]
            of_axis.append(max(map(abs, difference)) / period**order)
        found.append(of_axis)
    return [list(kind) for kind in zip(*found)]


def within(points, lines, distance):
    """Whether every point finds a place on the lines that is no further, and none before that of the point before it."""
    # The earliest place is the best one: it leaves the most to the points that follow.
    bound = distance * distance
    line, since = 0, 0.0
    for point in points:
        while True:
            if line == len(lines):
                return False
            start, along, square = lines[line]
            projection, rest = 0.0, 0.0
            for p, s, d in zip(point, start, along):
                projection += (p - s) * d
                rest += (p - s) * (p - s)
            if square == 0.0:
                if rest <= bound:
                    break
            else:
                nearest = projection / square
                beyond = bound - (rest - nearest * projection)
                if beyond >= 0.0:
                    reach = (beyond / square) ** 0.5
                    first = max(nearest - reach, since)
                    if first <= min(nearest + reach, 1.0):
                        since = first
                        break
            line, since = line + 1, 0.0
    return True


def furthest(points, polyline, resolution=1e-6):
    """The smallest distance for which `within` holds, to the resolution."""
    lines = []
    for start, end in zip(polyline, polyline[1:]):
        along = tuple(e - s for s, e in zip(start, end))
        lines.append((start, along, sum(d * d for d in along)))
    low, high = 0.0, 1e-3
    while not within(points, lines, high):
        low, high = high, high * 2
    while high - low > resolution:
        middle = (low + high) / 2
        if within(points, lines, middle):
            high = middle
        else:
            low = middle
    return high


def judge(points, samples, period=1e-3):
    changes = [i for i in range(1, len(samples)) if samples[i] != samples[i - 1]]
    if not changes:
        raise ValueError("nothing moved")
    cycles = changes[-1] - changes[0] + 1
    samples = samples[changes[0] - 1 : changes[-1] + 1]
    velocity, acceleration, jerk = peaks(samples, period)
    return {
        "cycles": cycles,
        "duration_s": cycles * period,
        "velocity": velocity,
        "acceleration": acceleration,
        "jerk": jerk,
        "off_path": furthest(samples, points),
        "off_points": furthest(points, samples),
        "end_error": max(abs(a - b) for a, b in zip(samples[-1], points[-1])),
    }


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    from paths import read

    period = float(sys.argv[3]) if len(sys.argv) == 4 else 1e-3
    print(json.dumps(judge(read(sys.argv[1]), read(sys.argv[2]), period), indent=1))


if __name__ == "__main__":
    main()
