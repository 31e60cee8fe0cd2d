"""SOEM (PyPI pysoem) as the master of a simulated segment of two drives and a terminal: scan, objects, mapping, distributed
clocks, OP and exchange.

    soem.py INTERFACE

Prints one "passed:" or "failed:" line for each claim; ends with 1 where one failed.
"""

import struct
import sys
import time

import pysoem

PERIOD_NS = 1_000_000
CYCLES = 1000
STATUSWORD, CONTROLWORD = 0, 0
failed = 0


def claim(what, holds, found=""):
    global failed
    print(f"{'passed' if holds else 'failed'}: SOEM: {what}" + (f": {found}" if found != "" and not holds else ""))
    failed |= not holds


def refused(action):
    """The abort code with which something is refused; None where it is not."""
    try:
        action()
    except pysoem.SdoError as error:
        return error.abort_code
    return None


def exchange(master):
    master.send_processdata()
    return master.receive_processdata(20_000)


def main():
    master = pysoem.Master()
    master.open(sys.argv[1])
    found = master.config_init()
    names = [slave.sdo_read(0x1008, 0).rstrip(b"\0").decode() for slave in master.slaves]
    claim("finds the devices, each with its name", found == 3 and names == ["x-drive", "y-drive", "io"], (found, names))
    drives = master.slaves[:2]

    drive = drives[0]
    claim("reads an expedited object", struct.unpack("<I", drive.sdo_read(0x1000, 0)) == (0x0002_0192,))
    drive.sdo_write(0x6065, 0, struct.pack("<I", 123_456))
    claim("writes an object", struct.unpack("<I", drive.sdo_read(0x6065, 0)) == (123_456,))
    whole = drive.sdo_read(0x1600, 0, ca=True)
    claim("reads an object with complete access", len(whole) == 2 + 4 * whole[0] and whole[0] > 0, whole)
    notes = b"longer than the mailbox of the device holds: " * 9
    drive.sdo_write(0x2000, 0, notes)
    read = drive.sdo_read(0x2000, 0, 512)
    claim("writes and reads an object in segments", read.rstrip(b"\0") == notes, read)
    claim("is told of an object that is not there", refused(lambda: drive.sdo_read(0x5FFF, 0)) == 0x0602_0000)
    claim("is told of one that cannot be written", refused(lambda: drive.sdo_write(0x6041, 0, b"\0\0")) == 0x0601_0002)

    def to_safe_operational(position):
        slave = master.slaves[position]
        if position < 2:
            # Controlword, mode and target; statusword, mode display, position and torque.
            for pdo, entries in [
                (0x1600, [0x6040_0010, 0x6060_0008, 0x607A_0020]),
                (0x1A00, [0x6041_0010, 0x6061_0008, 0x6064_0020, 0x6077_0010]),
            ]:
                slave.sdo_write(pdo, 0, struct.pack(f"<BB{len(entries)}I", len(entries), 0, *entries), ca=True)
            slave.sdo_write(0x1C12, 0, struct.pack("<BBH", 1, 0, 0x1600), ca=True)
            slave.sdo_write(0x1C13, 0, struct.pack("<BBH", 1, 0, 0x1A00), ca=True)
        # This program is not real-time: it may be held up.
        slave.set_watchdog("processdata", 2000)
        slave.dc_sync(True, PERIOD_NS)

    # Files, as its own FoE reads and writes them: ends within a packet, at its end, and none at all.
    for length in [3, 116, 1000]:
        content = bytes(place % 251 for place in range(length))
        written = drives[0].foe_write("notes", 0, content, 2_000_000)
        read = drives[0].foe_read("notes", 0, length + 1, 2_000_000)
        claim(f"writes and reads a file of {length} bytes (FoE)", written and read == content, (written, len(read)))

    for slave in master.slaves:
        slave.config_func = to_safe_operational
    master.config_dc()
    master.config_map()
    lengths = [(len(slave.output), len(slave.input)) for slave in master.slaves]
    claim("maps what it wrote with complete access", lengths == [(7, 9), (7, 9), (1, 1)], lengths)
    state = master.state_check(pysoem.SAFEOP_STATE, 5_000_000)
    claim("brings all to SAFEOP", state == pysoem.SAFEOP_STATE, [hex(slave.al_status) for slave in master.slaves])

    master.send_processdata()
    master.receive_processdata(20_000)
    master.state = pysoem.OP_STATE
    master.write_state()
    for _ in range(500):
        exchange(master)
        time.sleep(0.001)
        if master.state_check(pysoem.OP_STATE, 1_000) == pysoem.OP_STATE:
            break
    master.read_state()
    states = [(slave.state, hex(slave.al_status)) for slave in master.slaves]
    claim("brings all to OP with SYNC0", all(state == pysoem.OP_STATE for state, _ in states), states)

    counters, enabled = [], False
    for cycle in range(CYCLES):
        for slave in drives:
            status = struct.unpack_from("<H", slave.input, STATUSWORD)[0]
            position = struct.unpack_from("<i", slave.input, 3)[0]
            word = {0x40: 0x06, 0x21: 0x07, 0x23: 0x0F, 0x27: 0x0F}.get(status & 0x6F, 0x06)
            if status & 0x4F == 0x08:
                # A drive that was left while it was enabled has a fault, which the rising edge of bit 7 resets.
                word = 0x80 if cycle % 20 < 10 else 0x00
            slave.output = struct.pack("<Hbi", word, 8, position)
        counters.append(exchange(master))
        enabled |= all(struct.unpack_from("<H", slave.input, 0)[0] & 0x6F == 0x27 for slave in drives)
        time.sleep(0.001)
    short = sum(counter != master.expected_wkc for counter in counters)
    claim(f"exchanges with the expected working counter ({master.expected_wkc})", short <= CYCLES // 100, f"{short} of {CYCLES} short")
    claim("enables both drives", enabled)
    # Sign and magnitude, nanoseconds.
    behind = [struct.unpack("<I", slave._fprd(0x092C, 4))[0] & 0x7FFF_FFFF for slave in master.slaves]
    claim("clocks run together", max(behind) < 1000, behind)
    master.state = pysoem.INIT_STATE
    master.write_state()
    master.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
