import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { Console } from "../../../device/console/server.ts";
import { ask, listen, TOKEN } from "./asking.ts";
import { FakeStation } from "./station.ts";

const open = { host: "0.0.0.0", token: TOKEN };
const form = { "content-type": "application/x-www-form-urlencoded" };

test("an address that others can reach is refused without a token", async () => {
  for (const host of ["0.0.0.0", "::"]) {
    const listening = Console.listen({ host, port: 0, token: undefined }, new FakeStation(), createLog("silent"));
    await assert.rejects(listening, { code: "CONFIG", message: /has no token/, hint: /console\.token/ });
  }
});

test("a token that is short, or that a header cannot carry, is refused and not repeated", async () => {
  for (const token of ["short", "with a space in it and long", "ümlaut-ümlaut-ümlaut"]) {
    const listening = Console.listen({ host: "127.0.0.1", port: 0, token }, new FakeStation(), createLog("silent"));
    await assert.rejects(listening, (error: Error) => {
      assert.match(error.message, /16 to 256 printable/);
      assert.ok(!error.message.includes(token));
      return true;
    });
  }
});

test("without the token nothing about the line is told", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station, open);
  const { item } = station.pass();
  for (const path of ["/api/status", "/api/items", "/events", "/metrics", `/thumb/${item}`, "/nothing"]) {
    const { status, headers, text } = await ask(page, path);
    assert.deepEqual([status, headers["www-authenticate"]], [401, "Bearer"], path);
    assert.doesNotMatch(text, /board-1/);
  }
  const root = await ask(page, "/");
  assert.equal(root.status, 401);
  assert.match(root.text, /<form method="post" action="\/login">/);
  assert.equal((await ask(page, "/healthz")).text, '{"state":"online"}');
});

test("the token opens by header; a wrong, shortened or lengthened one does not", async (t) => {
  const page = await listen(t, new FakeStation(), open);
  const bearer = (token: string) => ask(page, "/api/status", { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await bearer(TOKEN)).status, 200);
  for (const token of [TOKEN.slice(1), `${TOKEN}0`, TOKEN.toUpperCase(), "", "x"]) {
    assert.equal((await bearer(token)).status, 401);
  }
  const basic = await ask(page, "/api/status", { headers: { authorization: `Basic ${TOKEN}` } });
  assert.equal(basic.status, 401);
});

test("a login gives a cookie that scripts and other sites cannot use and that does not hold the token", async (t) => {
  const page = await listen(t, new FakeStation(), open);
  const login = await ask(page, "/login", { method: "POST", headers: form, body: `token=${TOKEN}` });
  assert.deepEqual([login.status, login.headers.location], [303, "/"]);
  const cookie = login.headers["set-cookie"]![0]!;
  assert.match(cookie, /; HttpOnly; SameSite=Strict/);
  assert.ok(!cookie.includes(TOKEN));
  const own = cookie.split(";")[0]!;
  const status = (value: string) => ask(page, "/api/status", { headers: { cookie: value } });
  assert.equal((await status(own)).status, 200);
  assert.equal((await status(`other=1; ${own}`)).status, 200);
  assert.equal((await status(own.slice(0, -1))).status, 401);
  assert.equal((await status(`x${own}`)).status, 401);
});

test("a wrong token gives no cookie and leads back to the form", async (t) => {
  const page = await listen(t, new FakeStation(), open);
  for (const body of ["token=wrong", "", "token=", `Token=${TOKEN}`, `{"token":"${TOKEN}"}`]) {
    const login = await ask(page, "/login", { method: "POST", headers: form, body });
    assert.deepEqual([login.status, login.headers.location], [303, "/?wrong"]);
    assert.equal(login.headers["set-cookie"], undefined);
  }
});

test("a token that is set is asked for on loopback too", async (t) => {
  const page = await listen(t, new FakeStation(), { token: TOKEN });
  assert.equal((await ask(page, "/api/status")).status, 401);
});
