#!/usr/bin/env python3
"""The paths of the comparison, written to a directory:

    benches/path/paths.py DIRECTORY [PATH...]

For each path PATH.points and PATH.ngc are written. In PATH.points lines that begin with `#` are its parameters; every other line is
a point, coordinates separated by spaces, mm for linear and deg for rotary axes; the first is the start. PATH.ngc is the same as
G-code: the same digits, the start left out (whoever runs it goes there first). The same files come out on every machine: numbers
are rounded to nine decimals, and the random ones are those of Python's Mersenne twister with the seed written down here.
"""

import math
import os
import random
import sys

LETTERS = "XYZABCUVW"
FEED_PER_S = 200.0
VELOCITY = 200.0
ACCELERATION = 2000.0
TOLERANCE = 0.02
SEED = 1


def contour():
    radius, chord = 30.0, 0.016
    chords = round(2 * math.pi * radius / chord)
    angles = (2 * math.pi * i / chords for i in range(chords + 1))
    return [(radius * math.cos(angle), radius * math.sin(angle), 0.0) for angle in angles]


def lissajous(axes):
    chords = 8000
    angles = [8 * math.pi * i / chords for i in range(chords + 1)]
    return [tuple(50 * math.sin((1 + 0.13 * k) * angle) for k in range(axes)) for angle in angles]


def random_box():
    numbers = random.Random(SEED)
    return [(0.0, 0.0, 0.0)] + [tuple(numbers.uniform(-1, 1) for _ in range(3)) for _ in range(3000)]


def random_walk():
    numbers = random.Random(SEED)
    points = [(0.0, 0.0, 0.0)]
    for _ in range(3000):
        points.append(tuple(at + numbers.uniform(-1, 1) for at in points[-1]))
    return points


# Name: what it is, its points.
PATHS = {
    "contour": ("circle of radius 30 mm, one turn, in chords of 0.016 mm", contour),
    "lissajous-3": ("q_k = 50 sin((1 + 0.13 k) phi), phi = 0 to 8 pi, 8000 chords", lambda: lissajous(3)),
    "lissajous-6": ("q_k = 50 sin((1 + 0.13 k) phi), phi = 0 to 8 pi, 8000 chords", lambda: lissajous(6)),
    "lissajous-9": ("q_k = 50 sin((1 + 0.13 k) phi), phi = 0 to 8 pi, 8000 chords", lambda: lissajous(9)),
    "random-box": ("3000 points, each coordinate uniform within 1 mm of 0", random_box),
    "random-walk": ("3000 steps, each coordinate of a step uniform within 1 mm of 0", random_walk),
}


def digits(number):
    text = f"{number:.9f}"
    return text[1:] if float(text) == 0 and text[0] == "-" else text


def read(name):
    """The points of a file, as tuples."""
    with open(name) as file:
        return [tuple(map(float, line.split())) for line in file if not line.startswith("#")]


def write(directory, name, smoothing=f"G64 P{TOLERANCE:g}"):
    """Writes both files of a path; `smoothing` is the G-code line that sets the tolerance."""
    what, make = PATHS[name]
    points = [tuple(map(digits, point)) for point in make()]
    letters = LETTERS[: len(points[0])]
    units = " ".join("deg" if letter in "ABC" else "mm" for letter in letters)
    header = [
        f"path: {name}: {what}",
        f"axes: {' '.join(letters)}",
        f"units: {units}",
        f"lines: {len(points) - 1}",
        f"feed: {FEED_PER_S:g} mm/s",
        f"velocity of each axis: {VELOCITY:g} units/s",
        f"acceleration of each axis: {ACCELERATION:g} units/s^2",
        f"tolerance: {TOLERANCE:g} mm",
    ]
    with open(os.path.join(directory, name + ".points"), "w") as file:
        file.writelines(f"# {line}\n" for line in header)
        file.writelines(" ".join(point) + "\n" for point in points)
    with open(os.path.join(directory, name + ".ngc"), "w") as file:
        file.writelines(f"; {line}\n" for line in header)
        file.write(f"G21 G90 G94 G17 G40 G49 G54\n{smoothing}\nF{FEED_PER_S * 60:g}\n")
        for point in points[1:]:
            file.write("G1 " + " ".join(letter + at for letter, at in zip(letters, point)) + "\n")
        file.write("M2\n")


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    unknown = [name for name in sys.argv[2:] if name not in PATHS]
    if unknown:
        sys.exit(f"no path {unknown[0]!r}; there are {', '.join(PATHS)}")
    os.makedirs(sys.argv[1], exist_ok=True)
    for name in sys.argv[2:] or PATHS:
        write(sys.argv[1], name)


if __name__ == "__main__":
    main()
