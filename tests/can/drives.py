"""CiA 402 drives on a CAN interface by PyPI's `canopen`: another stack than motiond's, with a drive written here.

    drives.py INTERFACE NODE...

Says "N drives on INTERFACE" when they are there, and then takes lines: "state NODE", "mode NODE", "note NODE", "emergency NODE
CODE", "restart NODE", "quit". A drive knows profile, interpolated and cyclic synchronous position (PP, IP, CSP). It follows a
target or record one SYNC later; in PP it goes there by a trapezoid of its own. It stops where it misses its master's heartbeat.
"""

import math
import struct
import sys
import threading
import time

import can
import canopen
from canopen.objectdictionary import (INTEGER8, INTEGER16, INTEGER32, UNSIGNED8, UNSIGNED16, UNSIGNED32,
                                      VISIBLE_STRING, ODArray, ODRecord, ODVariable, ObjectDictionary)

NOTE = 0x2001
OFF = 1 << 31


def dictionary(node):
    od = ObjectDictionary()

    def variable(index, subindex, name, kind, value=0, access="rw"):
        entry = ODVariable(name, index, subindex)
        entry.data_type, entry.access_type, entry.default = kind, access, value
        return entry

    def single(index, name, kind, value=0, access="rw"):
        od.add_object(variable(index, 0, name, kind, value, access))

    def record(index, name, entries, holder=ODRecord):
        whole = holder(name, index)
        for subindex, (entry, kind, value, access) in enumerate(entries):
            whole.add_member(variable(index, subindex, entry, kind, value, access))
        od.add_object(whole)

    single(0x1000, "Device type", UNSIGNED32, 0x00020192, "ro")
    single(0x1001, "Error register", UNSIGNED8, 0, "ro")
    single(0x1005, "COB-ID SYNC", UNSIGNED32, 0x80)
    single(0x1006, "Communication cycle period", UNSIGNED32)
    single(0x1008, "Manufacturer device name", VISIBLE_STRING, "a drive of another make", "ro")
    single(0x1014, "COB-ID EMCY", UNSIGNED32, 0x80 + node)
    single(0x1017, "Producer heartbeat time", UNSIGNED16)
    record(0x1016, "Consumer heartbeat time", [("count", UNSIGNED8, 1, "ro"), ("node 1", UNSIGNED32, 0, "rw")], ODArray)
    record(0x1018, "Identity", [("count", UNSIGNED8, 4, "ro"), ("vendor", UNSIGNED32, 0x02E5, "ro"),
                                ("product", UNSIGNED32, 402, "ro"), ("revision", UNSIGNED32, 3, "ro"),
                                ("serial", UNSIGNED32, 1000 + node, "ro")])
    for first, mapping, base in [(0x1400, 0x1600, 0x200), (0x1800, 0x1A00, 0x180)]:
        # Two PDOs each way: a device need not have four.
        for number in range(2):
            record(first + number, "PDO parameter",
                   [("count", UNSIGNED8, 2, "ro"), ("cob", UNSIGNED32, OFF | base + 0x100 * number + node, "rw"),
                    ("type", UNSIGNED8, 255, "rw")])
            record(mapping + number, "PDO mapping",
                   [("count", UNSIGNED8, 0, "rw")] + [(f"entry {n}", UNSIGNED32, 0, "rw") for n in range(1, 9)])
    single(NOTE, "Note", VISIBLE_STRING, "-")
    single(0x603F, "Error code", UNSIGNED16, 0, "ro")
    single(0x6007, "Abort connection option code", INTEGER16, 1)
    single(0x6040, "Controlword", UNSIGNED16)
    single(0x6041, "Statusword", UNSIGNED16, 0, "ro")
    single(0x6060, "Modes of operation", INTEGER8)
    single(0x6061, "Modes of operation display", INTEGER8, 0, "ro")
    single(0x6064, "Position actual value", INTEGER32, 0, "ro")
    single(0x607A, "Target position", INTEGER32)
    single(0x6081, "Profile velocity", UNSIGNED32)
    single(0x6083, "Profile acceleration", UNSIGNED32)
    single(0x6084, "Profile deceleration", UNSIGNED32)
    single(0x60C0, "Interpolation sub mode select", INTEGER16, -1)
    record(0x60C1, "Interpolation data record", [("count", UNSIGNED8, 1, "ro"), ("position", INTEGER32, 0, "rw")])
    record(0x60C2, "Interpolation time period", [("count", UNSIGNED8, 2, "ro"), ("value", UNSIGNED8, 1, "rw"),
                                                 ("exponent", INTEGER8, -3, "rw")])
    single(0x6502, "Supported drive modes", UNSIGNED32, 1 << 0 | 1 << 6 | 1 << 7, "ro")
    return od


PROFILE, INTERPOLATED, CYCLIC = 1, 7, 8
BY_MODE, IMMEDIATELY = 1 << 4, 1 << 5


class Drive:
    """A node and what is behind it."""

    SIZES = {8: "b", 16: "h", 32: "i"}

    def __init__(self, network, number):
        self.node = canopen.LocalNode(number, dictionary(number))
        network.add_node(self.node)
        self.network, self.number = network, number
        self.lock = threading.RLock()
        self.received, self.signs, self.exchanged, self.listens = {}, {}, None, set()
        self.state, self.target, self.heard = "disabled", 0, None
        self.last_control = 0
        self.answer, self.place, self.speed = False, 0.0, 0.0
        self.restart()

    def get(self, index, subindex=0):
        """A number as its type has it. A SYNC asks for many, so not by way of the SDO classes."""
        signed = self.signs.get((index, subindex))
        if signed is None:
            entry = self.node.object_dictionary[index]
            entry = entry if isinstance(entry, ODVariable) else entry[subindex]
            signed = self.signs[index, subindex] = entry.data_type in (INTEGER8, INTEGER16, INTEGER32)
        held = self.node.data_store.get(index, {}).get(subindex)
        return int.from_bytes(self.node.get_data(index, subindex) if held is None else held, "little", signed=signed)

    def put(self, index, value):
        bits = len(self.node.object_dictionary[index])
        self.hold(index, 0, struct.pack("<" + self.SIZES[bits], value))

    def hold(self, index, subindex, data):
        self.node.data_store.setdefault(index, {})[subindex] = data

    def restart(self):
        """As after power-on, but for the position."""
        with self.lock:
            position = self.node.data_store.get(0x6064)
            self.node.nmt.stop_heartbeat()
            self.node.data_store.clear()
            if position:
                self.node.data_store[0x6064] = position
            self.received.clear()
            self.exchanged = None
            self.state, self.heard, self.last_control = "disabled", None, 0
            self.answer, self.speed = False, 0.0
            self.node.nmt._state = 0
            self.network.send_message(0x700 + self.number, [0])
            self.node.nmt._state = 127

    def mapped(self, mapping):
        entries = [self.get(mapping, place) for place in range(1, self.get(mapping, 0) + 1)]
        return [(entry >> 16, entry >> 8 & 0xFF, entry & 0xFF) for entry in entries]

    def pdos(self, first, mapping):
        for number in range(2):
            cob = self.get(first + number, 1)
            if not cob & OFF:
                yield cob & 0x7FF, self.mapped(mapping + number)

    def message(self, message):
        with self.lock:
            identifier, data = message.arbitration_id, bytes(message.data)
            if identifier == 0 and len(data) == 2 and data[1] in (0, self.number):
                if data[0] in (129, 130):
                    self.restart()
                elif data[0] != 1 and self.state == "enabled":
                    self.state = "disabled"
                return
            if identifier > 0x700:
                consumed = self.get(0x1016, 1)
                if identifier == 0x700 + (consumed >> 16) and consumed & 0xFFFF:
                    self.heard = time.monotonic()
                return
            if identifier != 0x80 and identifier not in self.listens:
                return
            if self.node.nmt.state != "OPERATIONAL":
                self.exchanged = None
                return
            if identifier == 0x80 and not data:
                self.sync()
            else:
                self.received[identifier] = data

    def sync(self):
        # What is mapped does not change in Operational.
        if self.exchanged is None:
            self.exchanged = list(self.pdos(0x1800, 0x1A00)), list(self.pdos(0x1400, 0x1600))
            self.listens = {identifier for identifier, _ in self.exchanged[1]}
        transmitted, received = self.exchanged
        for identifier, entries in transmitted:
            content = b"".join(struct.pack("<" + self.SIZES[bits], self.signed(self.get(index, sub), bits))
                               for index, sub, bits in entries)
            self.network.send_message(identifier, content)
        for identifier, entries in received:
            data = self.received.pop(identifier, None)
            if data is None:
                continue
            for index, sub, bits in entries:
                self.hold(index, sub, data[:bits // 8])
                data = data[bits // 8:]
        self.step()

    @staticmethod
    def signed(value, bits):
        return value - (1 << bits) if value >= 1 << bits - 1 else value

    def step(self):
        """CiA 402, once a SYNC."""
        control, mode = self.get(0x6040), self.get(0x6060)
        rising = control & ~self.last_control
        self.last_control = control
        if self.state == "enabled":
            self.move(mode, control, rising)
        else:
            self.answer, self.speed, self.place = False, 0.0, float(self.get(0x6064))
            self.target = self.get(0x6064)
        if self.state == "fault":
            if rising & 0x80:
                self.state = "disabled"
                self.node.emcy.reset()
        elif control & 0x02 == 0:
            self.state = "disabled"
        elif control & 0x04 == 0:
            self.state = "disabled"
        elif control & 0x07 == 0x06:
            self.state = "ready"
        elif control & 0x0F == 0x07 and self.state in ("ready", "on", "enabled"):
            self.state = "on"
        elif control & 0x0F == 0x0F and self.state in ("ready", "on", "enabled"):
            self.state = "on" if self.state == "ready" else "enabled"
        word = {"disabled": 0x0240, "ready": 0x0221, "on": 0x0233, "enabled": 0x0237, "fault": 0x0208}[self.state]
        if self.state == "enabled" and (self.answer or mode == CYCLIC):
            word |= 1 << 12
        self.put(0x6041, word)
        self.put(0x6061, mode)

    def move(self, mode, control, rising):
        """One period in operation: bit 4 of the controlword and bit 12 of the statusword are what the mode makes of them."""
        if mode == CYCLIC:
            self.put(0x6064, self.target)
            self.target = self.get(0x607A)
        elif mode == INTERPOLATED:
            # Between records it holds; a rising edge begins, and only a straight line is known.
            if self.answer:
                self.put(0x6064, self.target)
            self.answer = self.get(0x60C0) == 0 and bool(control & BY_MODE) and (self.answer or bool(rising & BY_MODE))
            if self.answer:
                self.target = self.get(0x60C1, 1)
        elif mode == PROFILE:
            self.profile()
            if rising & BY_MODE and control & IMMEDIATELY:
                self.target, self.answer = self.get(0x607A), True
            if not control & BY_MODE:
                self.answer = False

    def profile(self):
        """Goes on by one period along the trapezoid to the target."""
        period = self.get(0x60C2, 1) * 10.0 ** self.get(0x60C2, 2)
        highest, up, down = self.get(0x6081), self.get(0x6083), self.get(0x6084)
        if not (highest and up and down):
            return
        steps = 20
        dt = period / steps
        for _ in range(steps):
            left = self.target - self.place
            if abs(left) <= 4 * down * dt * dt and abs(self.speed) <= 4 * down * dt:
                self.place, self.speed = float(self.target), 0.0
                break
            # The fastest from which it still stops there.
            wanted = math.copysign(min(highest, math.sqrt(2 * down * abs(left))), left)
            faster = up if wanted * self.speed >= 0 and abs(wanted) > abs(self.speed) else down
            self.speed += max(-faster * dt, min(faster * dt, wanted - self.speed))
            self.place += self.speed * dt
        self.put(0x6064, round(self.place))

    def watch(self):
        with self.lock:
            patience = self.get(0x1016, 1) & 0xFFFF
            if self.heard and patience and time.monotonic() > self.heard + patience / 1000:
                self.heard = None
                if self.state == "enabled":
                    self.state = "fault"
                self.node.nmt._state = 127
                self.node.nmt.update_heartbeat()
                self.node.emcy.send(0x8130, 0x11)


class Ear(can.Listener):
    def __init__(self, drives):
        self.drives = drives

    def on_message_received(self, msg):
        if not msg.is_error_frame and not msg.is_remote_frame:
            for drive in self.drives.values():
                drive.message(msg)


def main():
    interface, numbers = sys.argv[1], [int(number) for number in sys.argv[2:]]
    network = canopen.Network()
    drives = {}
    network.connect(interface="socketcan", channel=interface)
    network.notifier.add_listener(Ear(drives))
    for number in numbers:
        drives[number] = Drive(network, number)

    def watch():
        while True:
            time.sleep(0.01)
            for drive in drives.values():
                drive.watch()

    threading.Thread(target=watch, daemon=True).start()
    print(f"{len(numbers)} drives on {interface}", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        if len(words) == 2 and words[0] == "state":
            drive = drives[int(words[1])]
            print(f"{drive.state} {drive.node.nmt.state}", flush=True)
        elif len(words) == 2 and words[0] == "mode":
            drive = drives[int(words[1])]
            print(f"{drive.get(0x6061)} {drive.get(0x6081)}", flush=True)
        elif len(words) == 2 and words[0] == "note":
            print(drives[int(words[1])].node.sdo[NOTE].raw, flush=True)
        elif len(words) == 3 and words[0] == "emergency":
            drives[int(words[1])].node.emcy.send(int(words[2], 0), 1)
            print("ok: " + line.strip(), flush=True)
        elif len(words) == 2 and words[0] == "restart":
            drives[int(words[1])].restart()
            print("ok: " + line.strip(), flush=True)
        else:
            print("error: not understood", flush=True)


main()
