import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { freePortFrom } from "../../../device/demo/port.ts";

test("a port that is in use is passed over", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    assert.ok((await freePortFrom(port)) > port);
  } finally {
    server.close();
  }
});
