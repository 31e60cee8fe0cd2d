#!/usr/bin/python3
"""What LinuxCNC runs as its display: executes one program and keeps what was commanded in every cycle. Started by `linuxcnc`."""

import json
import os
import time

import hal
import linuxcnc

SAMPLER_KEY = 0x48534130
job = json.load(open("job.json"))
deadline = time.monotonic() + job["timeout_s"]
command, status, errors = linuxcnc.command(), linuxcnc.stat(), linuxcnc.error_channel()
samples, numbers, queued = [], [], []


def ask(what):
    """Takes what has been sampled, then says whether it is so; ends everything when the time is over."""
    while stream.readable:
        samples.append(stream.read())
        numbers.append(stream.sampleno)
    status.poll()
    error = errors.poll()
    if error:
        raise SystemExit(f"LinuxCNC says: {error[1].strip()}")
    if time.monotonic() > deadline:
        raise SystemExit(f"not done after {job['timeout_s']} s, line {status.motion_line}, {len(samples)} cycles sampled")
    return what()


def wait(what):
    while not ask(what):
        time.sleep(0.005)


def idle():
    return status.interp_state == linuxcnc.INTERP_IDLE and status.queue == 0 and status.inpos


def main():
    command.state(linuxcnc.STATE_ESTOP_RESET)
    command.wait_complete()
    command.state(linuxcnc.STATE_ON)
    command.wait_complete()
    command.home(-1)
    wait(lambda: all(status.homed[: status.joints]))
    command.mode(linuxcnc.MODE_MDI)
    command.wait_complete()
    command.mdi("G21 G90 G61 G0 " + " ".join(letter + at for letter, at in zip(job["letters"], job["start"])))
    command.wait_complete(job["timeout_s"])
    wait(lambda: idle() and max(abs(float(at) - status.joint_position[joint]) for joint, at in enumerate(job["start"])) < 1e-9)
    command.mode(linuxcnc.MODE_AUTO)
    command.wait_complete()
    command.program_open(os.path.abspath("path.ngc"))
    command.wait_complete()
    hal.set_p("sampler.0.enable", "1")
    wait(lambda: len(samples) > 100)
    if job["fill_queue"]:
        command.feedrate(0)
        command.wait_complete()
    command.auto(linuxcnc.AUTO_RUN, 0)
    if job["fill_queue"]:
        # Held by feed override 0 until the queue is full, or holds the whole program: it grows no more.
        grown, since = -1, time.monotonic()
        while time.monotonic() - since < 2:
            wait(lambda: True)
            if status.queue != grown:
                grown, since = status.queue, time.monotonic()
            time.sleep(0.005)
        command.feedrate(1)
    wait(lambda: status.interp_state != linuxcnc.INTERP_IDLE or status.queue)

    def done():
        queued.append(status.queue)
        return idle()

    wait(done)
    end = len(samples)
    wait(lambda: len(samples) > end + 300)


component = hal.component("path-bench")
stream = hal.stream(component, SAMPLER_KEY, "f" * len(job["letters"]))
component.ready()
result = {}
try:
    main()
    lost = sum(b - a - 1 for a, b in zip(numbers, numbers[1:]))
    result = {"lost_samples": lost, "queue_at_most": max(queued)}
    with open("samples", "w") as file:
        file.writelines(" ".join(map(repr, sample)) + "\n" for sample in samples)
except SystemExit as why:
    result = {"error": str(why)}
except Exception as why:
    result = {"error": f"{type(why).__name__}: {why}"}
with open("result.json", "w") as file:
    json.dump(result, file)
