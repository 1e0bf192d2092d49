import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { ask, listen, TOKEN } from "./asking.ts";

test("a thousand connections that ask ever so slowly lock nobody out", async (t) => {
  const page = await listen(t);
  const { hostname, port } = new URL(page.url);
  const slow = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const socket = connect(Number(port), hostname).on("error", () => {});
      t.after(() => socket.destroy());
      await Promise.race([once(socket, "connect"), once(socket, "close")]);
      socket.write("GET / HTTP/1.1\r\nhost: ");
      return socket;
    }),
  );
  for (const path of ["/", "/metrics", "/api/status"]) assert.equal((await ask(page, path)).status, 200, path);
  assert.equal(slow.length, 1000);
});

test("wrong logins are limited by address and logged once a minute", async (t) => {
  const page = await listen(t, undefined, { token: TOKEN });
  const login = () => ask(page, "/login", { method: "POST", body: Buffer.from("token=wrong") });
  const statuses = new Set<number>();
  for (let n = 0; n < 45; n++) statuses.add((await login()).status);
  // Where a minute ends in between, there are twice as many before the limit.
  assert.ok(statuses.has(429), [...statuses].join());
});
