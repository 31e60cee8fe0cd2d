"""The client on the real daemon."""

from __future__ import annotations

import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import pytest

import motiond
from motiond import machine as module

from conftest import INTERFACES, ROOT, Daemon

CALL = re.compile(r'"((?:Machine|Axis|Group|Path|Lease|Command|Events|Telemetry)\.\w+)"|command\("(\w+)"')


def test_every_method_that_the_client_names_is_described() -> None:
    described = set()
    for path in INTERFACES.glob("*.varlink"):
        interface = path.stem.rsplit(".", 1)[-1]
        described |= {f"{interface}.{name}" for name in re.findall(r"^method (\w+)", path.read_text(), re.M)}
    source = "".join(file.read_text() for file in pathlib.Path(module.__file__).parent.glob("*.py"))
    named = {match[0] for match in CALL.findall(source) if match[0]}
    assert named and named <= described, named - described
    axis = {"Power", "MoveAbsolute", "MoveRelative", "MoveAdditive", "MoveVelocity", "SetPosition", "Jog", "Halt", "Reset"}
    group = {"Enable", "Disable", "MoveLinear", "MoveDirect", "Interrupt", "Continue", "Halt", "Reset", "Release"}
    commands = {match[1] for match in CALL.findall(source) if match[1]}
    assert axis | group <= commands
    assert {f"Axis.{name}" for name in axis} | {f"Group.{name}" for name in group} <= described
    assert all(f"Axis.{name}" in described or f"Group.{name}" in described for name in commands), commands


def test_a_move_comes_to_its_end_and_its_recording_has_every_cycle(machine: motiond.Machine) -> None:
    with machine.lease("x") as lease:
        x = machine.axis("x", lease)
        x.power(True).wait(30)
        handle = x.move_absolute(120.0, velocity=400.0)
        table = machine.record(["x"], ["setpoint", "actual"], samples=300)
        handle.wait(30)
        assert handle.progress()["state"] == "done"
        assert x.status()["setpoint"] == pytest.approx(120.0, abs=1e-9)
    cycles = list(table.cycle)
    assert cycles == list(range(cycles[0], cycles[0] + 300))
    assert table.units == {"x.setpoint": "mm", "x.actual": "mm"} and len(table["x.actual"]) == 300
    assert machine.call("Lease.List")["leases"] == []
    kinds = [event["kind"] for event in machine.events()]
    assert "power" in kinds


def enabled(machine: motiond.Machine, lease: motiond.Lease) -> motiond.Group:
    for axis in ("x", "y", "z"):
        machine.axis(axis, lease).power(True).wait(30)
    gantry = machine.group("gantry", lease)
    gantry.enable().wait(30)
    return gantry


def test_a_path_of_all_kinds_of_elements_comes_to_its_end(machine: motiond.Machine) -> None:
    with machine.lease(group="gantry") as lease:
        gantry = enabled(machine, lease)
        with gantry.path() as path:
            assert path.axes == ["x", "y", "z"]
            x, y, z = path.start
            # A circle of short chords: more of them than one request carries, and z goes along.
            angles = [math.tau * i / 5000 for i in range(1, 5001)]
            chords = [(x + 10 - 10 * math.cos(angle), y + 10 * math.sin(angle), z) for angle in angles]
            path.lines(chords, feed=200, corner=motiond.Tolerance(0.02))
            path.arc((x + 20, y, z), centre=(x + 10, y, z), left=False, turns=1)
            path.spline([(x + 30, y, z), (x + 30, y + 10, z), (x + 20, y + 10, z)], corner=motiond.Distance(1))
            path.line((x + 6, y + 5, z), caps=motiond.Caps(speed=40, acceleration=500), corner="stop")
            with pytest.raises(motiond.Refused) as refused:
                path.line((x + 7, y + 5, z), caps=motiond.Caps(jerk=-1))
            assert (refused.value.reason, refused.value.limit) == ("CapRange", 1.0)
            path.line((x + 5, y + 5, z), duration=0.5, caps=motiond.Caps(), corner="stop")
            assert path.status()["taken"] > 5000
        path.handle.wait(60)
        where = [machine.axis(name).status()["setpoint"] for name in path.axes]
        assert where == pytest.approx([x + 5, y + 5, z], abs=1e-6)


def test_paths_that_blend_are_one_motion(machine: motiond.Machine) -> None:
    with machine.lease(group="gantry") as lease:
        gantry = enabled(machine, lease)
        first = gantry.path()
        x, y, z = first.start
        first.line((x + 60, y, z), feed=40)
        with pytest.raises(motiond.Refused) as refused:
            gantry.path()
        assert refused.value.reason == "StillMoving"
        with gantry.path(buffer="blending", transition=motiond.Distance(5)) as second:
            assert (second.buffer, second.start[0]) == ("blending", pytest.approx(x + 60))
            second.line((x, y, z), feed=40, corner="stop")
        first.handle.wait(60)
        second.handle.wait(60)


def test_the_block_of_a_path_that_another_one_went_on_from_is_left_without_its_end(machine: motiond.Machine) -> None:
    with machine.lease(group="gantry") as lease:
        gantry = enabled(machine, lease)
        with gantry.path() as first:
            x, y, z = first.start
            first.line((x + 60, y, z), feed=100)
            with gantry.path(buffer="blending", transition=motiond.Distance(5)) as second:
                second.line((x, y, z), feed=100, corner="stop")
            assert second.buffer == "blending"
        first.handle.wait(60)
        second.handle.wait(60)
        # One that was halted is another matter, whatever came behind it.
        with pytest.raises(motiond.Refused) as refused, gantry.path() as first:
            first.line((x + 60, y, z), feed=10)
            with gantry.path(buffer="aborting") as second:
                second.line(second.start, feed=10)
        assert refused.value.reason == "ProgramEnded"
        second.handle.wait(60)
        with pytest.raises(KeyError), gantry.path() as first, gantry.path(buffer="blending"):
            raise KeyError
        with pytest.raises(motiond.CommandFailed):
            first.handle.wait(60)


def test_a_path_whose_block_fails_is_halted(machine: motiond.Machine) -> None:
    with machine.lease(group="gantry") as lease:
        gantry = enabled(machine, lease)
        with pytest.raises(motiond.Refused) as refused, gantry.path() as path:
            x, y, z = path.start
            path.lines([(x + 50, y, z), (1e6, y, z)], feed=10)
        assert (refused.value.reason, refused.value.axis, refused.value.element) == ("SoftLimit", "x", 1)
        with pytest.raises(motiond.CommandFailed) as failed:
            path.handle.wait(30)
        assert failed.value.state == "aborted"
        with pytest.raises(ValueError, match="x, y, z"), gantry.path() as path:
            path.line((1.0, 2.0), feed=10)


def test_timed_points_are_passed_at_their_times(machine: motiond.Machine) -> None:
    with machine.lease(group="gantry") as lease:
        gantry = enabled(machine, lease)
        with gantry.stream(stop=0.3) as stream:
            x, y, z = stream.start
            # Two waves of 2 s, in points of positions, then of velocities, too; both from rest to rest.
            wave = [(i / 100, (x + 10 * (1 - math.cos(math.pi * i / 100)) ** 2, y, z)) for i in range(1, 201)]
            told = stream.points(wave)
            assert (told["taken"], told["late"]) == (200, 0)
            rise = [(2 + i / 100, (x, y + 20 * math.sin(math.pi * i / 200) ** 4, z),
                     (0.0, 40 * math.pi * math.sin(math.pi * i / 200) ** 3 * math.cos(math.pi * i / 200), 0.0)) for i in range(1, 201)]
            stream.points(rise)
            assert stream.status()["end"] == pytest.approx(4.0)
            with pytest.raises(motiond.Refused) as refused:
                stream.point(4.1, (x + 100, y, z), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
            assert (refused.value.axis, refused.value.fields["point"]) == ("x", 401)
        stream.handle.wait(60)
        where = [machine.axis(name).status()["setpoint"] for name in stream.axes]
        assert where == pytest.approx([x, y, z], abs=1e-6)


def test_refusals_are_exceptions_with_their_fields(machine: motiond.Machine) -> None:
    x = machine.axis("x")
    with pytest.raises(motiond.LeaseRequired) as required:
        x.power(True)
    assert required.value.axis == "x"
    with machine.lease("x") as lease:
        x = machine.axis("x", lease)
        with pytest.raises(motiond.Refused) as unpowered:
            x.move_absolute(10.0)
        assert (unpowered.value.reason, unpowered.value.axis) == ("NotPowered", "x")
        x.power(True).wait(30)
        with pytest.raises(motiond.Refused) as limit:
            x.move_absolute(1e6)
        assert (limit.value.reason, limit.value.requested, limit.value.unit) == ("SoftLimit", 1e6, "mm")
        with pytest.raises(motiond.LeaseHeld) as held, motiond.Machine(machine.path) as other:
            other.lease("x", holder="other")
        assert held.value.holder == "python"
        with pytest.raises(motiond.OutOfRange) as range_:
            machine.call("Events.Read", max=1000)
        assert (range_.value.parameter, range_.value.maximum) == ("max", 40)
        with motiond.Machine(machine.path) as other, other.lease("x", take_over=True, on_loss="finish"):
            with pytest.raises(motiond.NoSuchLease):
                x.halt()
    with pytest.raises(ValueError):
        machine.call("Axis.SetOverride", axis="x", ratio=float("nan"))


def test_a_stop_from_another_thread_ends_a_wait(machine: motiond.Machine) -> None:
    with machine.lease("x") as lease:
        x = machine.axis("x", lease)
        x.power(True).wait(30)
        handle = x.move_velocity(20.0)
        failures: list[motiond.CommandFailed] = []

        def wait() -> None:
            try:
                handle.wait(30)
            except motiond.CommandFailed as failed:
                failures.append(failed)

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert machine.stop() == 1
        waiting.join()
        assert [failed.state for failed in failures] == ["aborted"]


def test_a_daemon_that_dies_in_a_wait_is_told(daemon: Daemon, machine: motiond.Machine) -> None:
    lease = machine.lease("x")
    x = machine.axis("x", lease)
    x.power(True).wait(30)
    handle = x.move_velocity(20.0)
    killing = threading.Timer(0.0, daemon.kill)
    killing.start()
    with pytest.raises(motiond.ConnectionLost):
        handle.wait(30)
    killing.join()
    with pytest.raises(motiond.ConnectionLost):
        machine.status()


def test_a_jog_ends_with_its_process(machine: motiond.Machine) -> None:
    program = """
import sys, motiond
with motiond.Machine(sys.argv[1]) as machine, machine.lease("x", on_loss="finish") as lease:
    x = machine.axis("x", lease)
    x.power(True).wait(30)
    with x.jog(20.0):
        print("jogging", flush=True)
        sys.stdin.read()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program, machine.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout and child.stdout.readline() == "jogging\n"
    samples = machine.stream("Telemetry.Record", 30, axes=["x"], quantities=["velocity"])

    def velocities() -> list[float]:
        return [sample["values"][0] for sample in next(samples)["samples"]]

    next(samples)
    while max(velocities(), default=0.0) < 20.0:
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    while velocities()[-1:] != [0.0]:
        pass
    assert machine.axis("x").status()["velocity"] == 0.0


def test_the_example_moves_the_machine_and_draws_it(machine: motiond.Machine, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "move.png"
    example = ROOT / "clients/python/examples/plot_move.py"
    subprocess.run([sys.executable, example, "--socket", machine.path, "--output", picture], check=True, timeout=120)
    assert picture.read_bytes().startswith(b"\x89PNG")
