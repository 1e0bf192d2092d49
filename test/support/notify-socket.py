"""Listens on a Unix datagram socket, which Node cannot, and prints each datagram as a line of JSON; with `deaf` it reads none."""
import json
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps({"event": "listening"}), flush=True)
if "deaf" in sys.argv:
    sys.stdin.read()
while True:
    print(json.dumps({"event": "told", "lines": listener.recv(65536).decode().split("\n")}), flush=True)
