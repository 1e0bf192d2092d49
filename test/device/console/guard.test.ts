import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { Guard, isLoopback } from "../../../device/console/guard.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const open = new Guard("127.0.0.1", undefined);
const lan = new Guard("0.0.0.0", TOKEN);

function asks(headers: Record<string, string>, more: { method?: string; port?: number } = {}): IncomingMessage {
  const { method = "GET", port } = more;
  return { headers, method, socket: { localPort: port } } as unknown as IncomingMessage;
}

test("only an address of this machine is loopback", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "127.255.0.1", "::1"])
    assert.equal(isLoopback(address), true, address);
  for (const address of ["128.0.0.1", "126.255.255.255", "10.0.0.1", "::2", "0.0.0.0"]) {
    assert.equal(isLoopback(address), false, address);
  }
});

test("on loopback a request is meant for this server where its host is loopback, by whatever name and port", () => {
  for (const host of ["localhost", "LocalHost:8080", "127.0.0.1", "127.200.1.1:80", "[::1]", "[::1]:8080"]) {
    assert.equal(open.meant(asks({ host })), true, host);
  }
  for (const host of ["evil.example", "evil.example:8080", "192.168.1.5", "[::2]", "localhost.evil.example"]) {
    assert.equal(open.meant(asks({ host })), false, host);
  }
  for (const host of ["", "a b", "localhost:", "localhost:123456", "user@localhost", "localhost/x"]) {
    assert.equal(open.meant(asks({ host })), false, host);
    assert.equal(lan.meant(asks({ host })), false, host);
  }
  assert.equal(open.meant(asks({})), false);
});

test("an address that others reach is asked for by any name, with a token", () => {
  for (const host of ["board.local", "192.168.1.5:8080", "localhost"])
    assert.equal(lan.meant(asks({ host })), true, host);
  assert.throws(() => new Guard("0.0.0.0", undefined), { code: "CONFIG" });
});

test("another site's page may link to this one and nothing else", () => {
  const from = (mode: string, method: string) =>
    open.foreign(asks({ "sec-fetch-site": "cross-site", "sec-fetch-mode": mode }, { method }));
  assert.equal(from("navigate", "GET"), false);
  assert.equal(from("navigate", "POST"), true);
  assert.equal(from("cors", "GET"), true);
  assert.equal(open.foreign(asks({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" })), false);
  assert.equal(open.foreign(asks({})), false);
});

test("a change is taken from this server's own page, or from a program that is no browser", () => {
  const host = "Board.local:8080";
  assert.equal(open.own(asks({ host })), true);
  assert.equal(open.own(asks({ host, origin: "http://board.local:8080" })), true);
  assert.equal(open.own(asks({ host, origin: "http://board.local:8080", "sec-fetch-site": "same-origin" })), true);
  for (const origin of ["http://board.local:8081", "http://evil.example", "null", ""]) {
    assert.equal(open.own(asks({ host, origin })), false, origin);
  }
  for (const site of ["same-site", "cross-site", "none"]) {
    assert.equal(open.own(asks({ host, "sec-fetch-site": site })), false, site);
  }
  assert.equal(open.own(asks({ origin: "http://board.local" })), false);
});

test("the shortest and the longest token are 16 and 256 characters", () => {
  for (const length of [16, 256]) assert.ok(new Guard("127.0.0.1", "x".repeat(length)).accepts("x".repeat(length)));
  for (const length of [0, 15, 257])
    assert.throws(() => new Guard("127.0.0.1", "x".repeat(length)), { code: "CONFIG" });
});

test("with a token nobody is let in by less than the token or the cookie that it gave", () => {
  assert.equal(lan.allowed(asks({})), false);
  assert.equal(lan.allowed(asks({ authorization: `Bearer ${TOKEN}` })), true);
  assert.equal(lan.allowed(asks({ authorization: `bearer   ${TOKEN}` })), true);
  for (const authorization of ["", "Bearer", `Bearer x${TOKEN}`, `Basic ${TOKEN}`, TOKEN, "Bearer undefined"]) {
    assert.equal(lan.allowed(asks({ authorization })), false, authorization);
  }
  const cookie = lan.login(asks({}, { port: 8080 })).split(";")[0]!;
  assert.equal(lan.allowed(asks({ cookie }, { port: 8080 })), true);
  assert.equal(lan.allowed(asks({ cookie: `a=1; ${cookie};b=2` }, { port: 8080 })), true);
  for (const bad of [`${cookie}0`, cookie.slice(0, -1), "gradeline-8080=", "gradeline-8080", `x${cookie}`]) {
    assert.equal(lan.allowed(asks({ cookie: bad }, { port: 8080 })), false, bad);
  }
  // A header that is wrong is not made good by a cookie.
  assert.equal(lan.allowed(asks({ cookie, authorization: "Bearer wrong" }, { port: 8080 })), false);
  // The cookie of the daemon at another port of this board.
  assert.equal(lan.allowed(asks({ cookie }, { port: 8081 })), false);
  assert.equal(
    lan.allowed(asks({ cookie: new Guard("0.0.0.0", `${TOKEN}0`).login(asks({}, { port: 8080 })) }, { port: 8080 })),
    false,
  );
});

test("without a token everybody on this machine is let in, and any token is accepted", () => {
  assert.equal(open.allowed(asks({})), true);
  assert.equal(open.allowed(asks({ authorization: "Bearer wrong" })), true);
  assert.equal(open.accepts(""), true);
  assert.equal(lan.accepts(""), false);
  assert.equal(lan.accepts(TOKEN), true);
});

test("the cookie lives for thirty days, for this server's port alone, out of reach of scripts and other sites", () => {
  const cookie = lan.login(asks({}, { port: 8080 }));
  assert.match(cookie, /^gradeline-8080=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=2592000$/);
  assert.equal(new Guard("10.0.0.1", TOKEN).login(asks({}, { port: 8080 })), cookie);
  assert.ok(!cookie.includes(TOKEN));
  // A connection that is gone already has no port any more.
  assert.match(lan.login(asks({})), /^gradeline-0=/);
  assert.match(open.login(asks({})), /^gradeline-0=; /);
});
