"""The client of PyPI's `canopen` on the simulated nodes of the shipped machine: every SDO transfer there is."""

import sys

import canopen
from canopen.objectdictionary import ODVariable, ObjectDictionary

checks = 0


def check(what, found, expected):
    global checks
    checks += 1
    if found != expected:
        sys.exit(f"{what}: found {found!r}, expected {expected!r}")


network = canopen.Network()
network.connect(interface="socketcan", channel=sys.argv[1])
od = ObjectDictionary()
for index in (0x1000, 0x1008, 0x2000, 0x3000):
    od.add_object(ODVariable(f"object {index:04X}", index, 0))
node = network.add_node(1, od)
node.sdo.RESPONSE_TIMEOUT = 5

check("device type, in one frame", node.sdo.upload(0x1000, 0), bytes([0x92, 0x01, 0x02, 0x00]))
check("name, in segments", node.sdo.upload(0x1008, 0), b"x-drive")
for length in (5, 7, 8, 100, 500):
    text = bytes(ord("a") + n % 26 for n in range(length))
    node.sdo.download(0x2000, 0, text, force_segment=True)
    check(f"{length} bytes there and back in segments", node.sdo.upload(0x2000, 0), text)
for length in (200, 441):
    text = bytes(ord("A") + n % 26 for n in range(length))
    with node.sdo.open(0x2000, 0, mode="wb", size=length, block_transfer=True, buffering=1024) as there:
        there.write(text)
    check(f"{length} bytes there in blocks", node.sdo.upload(0x2000, 0), text)
with node.sdo.open(0x2000, 0, mode="rb", block_transfer=True) as back:
    check("and back in blocks", back.read(), text)
try:
    node.sdo.upload(0x3000, 0)
    sys.exit("an object that is not there was read")
except canopen.SdoAbortedError as error:
    check("an object that is not there", error.code, 0x06020000)
# A device without a node id is found by the other stack's fast scan, and gets one.
print("ready for LSS", flush=True)
sys.stdin.readline()
network.lss.RESPONSE_TIMEOUT = 0.2
check("fast scan", network.lss.fast_scan(), (True, [0x0A5A, 402, 1, 2]))
network.lss.configure_node_id(50)
check("its node id", network.lss.inquire_node_id(), 255)
network.lss.send_switch_state_global(network.lss.WAITING_STATE)
node = network.add_node(50, od)
node.sdo.RESPONSE_TIMEOUT = 5
check("its name under its node id", node.sdo.upload(0x1008, 0), b"y-drive")
print(f"{checks} checks", flush=True)
