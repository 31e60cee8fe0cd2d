"""The PyPI `varlink` client as a peer: it knows nothing of motiond but what the socket tells it.

Arguments: the socket, the folder of the interface descriptions. Prints a line "passed: …" for each claim; a traceback and exit
code 1 where one does not hold.
"""

import pathlib
import sys

import varlink

PREFIX = "io.motiond.v1."
# Served only to tests.
TEST_ONLY = PREFIX + "Test"


def passed(claim):
    print(f"passed: PyPI varlink: {claim}", flush=True)


def refused(call, name):
    try:
        call()
    except varlink.VarlinkError as error:
        assert error.error() == PREFIX + name, error
        return error.parameters()
    raise AssertionError(f"{name} was expected")


def main(socket, folder):
    client = varlink.Client(address=f"unix:{socket}")
    files = {path.stem: path.read_text() for path in pathlib.Path(folder).glob("*.varlink")}
    files.pop(TEST_ONLY)
    with client.open("org.varlink.service") as service:
        told = service.GetInfo()["interfaces"]
        assert set(told) == set(files), (told, sorted(files))
        for name, text in files.items():
            assert service.GetInterfaceDescription(name)["description"] == text, name
    passed(f"introspection of {len(files)} interfaces equals the files")

    with (
        client.open(PREFIX + "Lease") as leases,
        client.open(PREFIX + "Axis") as axis,
        client.open(PREFIX + "Command") as command,
        client.open(PREFIX + "Telemetry") as telemetry,
    ):
        lacking = refused(lambda: axis.Power(axis="x", on=True), "Lease.LeaseRequired")
        assert lacking["axis"] == "x" and lacking["hint"], lacking
        lease = leases.Acquire(axis="x", ttl_ms=60000, on_loss="stop", holder="pypi")["lease"]

        def follow(handle):
            states = [reply["progress"]["state"] for reply in command.Wait(handle=handle, _more=True)]
            assert states[-1] == "done", states
            return states

        follow(axis.Power(axis="x", on=True, lease=lease)["handle"])
        states = follow(axis.MoveAbsolute(axis="x", position=120.0, velocity=400.0, lease=lease)["handle"])
        status = axis.Status(axis="x")["status"]
        assert abs(status["setpoint"] - 120.0) < 1e-9, status
        passed(f"a lease, power, and a move followed to its end ({', '.join(states)})")

        limit = refused(lambda: axis.MoveAbsolute(axis="x", position=1e6, lease=lease), "Axis.Refused")
        assert (limit["reason"], limit["axis"], limit["requested"]) == ("SoftLimit", "x", 1e6), limit
        passed("a refusal comes with its fields")

        recording = telemetry.Record(axes=["x"], quantities=["setpoint"], _more=True)
        columns = next(recording)["columns"]
        assert columns == [{"axis": "x", "quantity": "setpoint", "unit": "mm"}], columns
        cycles = []
        while len(cycles) < 500:
            cycles += [sample["cycle"] for sample in next(recording)["samples"]]
        assert cycles == list(range(cycles[0], cycles[0] + len(cycles))), "a cycle is missing"
        passed("a stream has every cycle once")


if __name__ == "__main__":
    main(*sys.argv[1:])
