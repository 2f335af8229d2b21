import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";

import { addresses } from "../src/listening.ts";

const address = (ip: string, internal = false): NetworkInterfaceInfo => {
  const rest = { address: ip, netmask: "", mac: "", cidr: null, internal };
  return ip.includes(":") ? { ...rest, family: "IPv6", scopeid: 0 } : { ...rest, family: "IPv4" };
};
const MACHINE = {
  lo: [address("127.0.0.1", true), address("::1", true)],
  eth0: [address("192.0.2.7"), address("2001:db8::7"), address("fe80::1")],
};

test("without a wish every address is offered that others can reach", () => {
  assert.deepEqual(addresses(null, MACHINE), [{ ip: "192.0.2.7" }, { ip: "2001:db8::7" }]);
});

test("a machine with loopback alone offers that", () => {
  assert.deepEqual(addresses(null, { lo: MACHINE.lo }), [{ ip: "127.0.0.1" }]);
});

test("an address of the machine is offered alone", () => {
  assert.deepEqual(addresses("192.0.2.7", MACHINE), [{ ip: "192.0.2.7" }]);
  assert.deepEqual(addresses("127.0.0.2", MACHINE), [{ ip: "127.0.0.2" }]);
});

test("another address stands for ours behind a NAT", () => {
  assert.deepEqual(addresses("198.51.100.1", MACHINE), [{ ip: "0.0.0.0", announcedAddress: "198.51.100.1" }]);
  assert.deepEqual(addresses("2001:db8::99", MACHINE), [{ ip: "::", announcedAddress: "2001:db8::99" }]);
});
