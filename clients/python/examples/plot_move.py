"""Moves the demo machine's axis x there and back and draws what happened, cycle by cycle, to a PNG file.

Needs matplotlib, and a daemon: `motiond demo`.
"""

import argparse
import threading

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import motiond  # noqa: E402

QUANTITIES = ["setpoint", "actual", "velocity", "following_error"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--socket", help="the daemon's socket [default: as motionctl]")
    arguments.add_argument("--output", default="move.png", help="the picture")
    options = arguments.parse_args()
    with motiond.Machine(options.socket) as machine, machine.lease("x") as lease:
        x = machine.axis("x", lease)
        x.power(True).wait(30)
        start = x.status()["setpoint"]
        tables: list[motiond.Table] = []
        recording = threading.Thread(target=lambda: tables.append(machine.record(["x"], QUANTITIES, samples=2000)))
        recording.start()
        x.move_relative(100.0, velocity=400.0).wait(30)
        x.move_absolute(start, velocity=400.0).wait(30)
        recording.join()
    (table,) = tables
    seconds = [(time - table.time_ns[0]) * 1e-9 for time in table.time_ns]
    _, (position, velocity, error) = plt.subplots(3, 1, sharex=True, figsize=(9, 8))
    position.plot(seconds, table["x.setpoint"], label="setpoint")
    position.plot(seconds, table["x.actual"], label="actual")
    position.set_ylabel("mm")
    position.legend()
    velocity.plot(seconds, table["x.velocity"])
    velocity.set_ylabel("velocity, mm/s")
    error.plot(seconds, table["x.following_error"])
    error.set_ylabel("following error, mm")
    error.set_xlabel("s")
    plt.savefig(options.output)
    print(f"{len(table)} cycles drawn to {options.output}")


if __name__ == "__main__":
    main()
