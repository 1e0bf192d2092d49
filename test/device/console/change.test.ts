import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { GradelineError } from "../../../device/base/errors.ts";
import type { Console } from "../../../device/console/server.ts";
import { type Answer, ask, listen, TOKEN } from "./asking.ts";
import { FakeStation } from "./station.ts";

const JSON_TYPE = { "content-type": "application/json" };

function change(page: Console, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(page, path, { method: "POST", headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });
}

test("items are enrolled and dismissed by a POST of JSON", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const [first, second] = [station.pass({ outcome: "unknown", grade: null }), station.pass({ outcome: "unsure" })];
  const enrolled = await change(page, "/api/enroll", { grade: "Class I", items: [first.item] });
  assert.deepEqual([enrolled.status, JSON.parse(enrolled.text).grade], [200, "Class I"]);
  const queue = JSON.parse((await ask(page, "/api/queue")).text);
  assert.deepEqual([queue.total, queue.items[0].item], [1, second.item]);
  assert.equal((await change(page, "/api/dismiss", { items: [second.item, "not there"] })).text, '{"dismissed":1}');
  assert.deepEqual(station.taught, [
    { grade: "Class I", items: [first.item] },
    { grade: null, items: [second.item, "not there"] },
  ]);
});

test("what changes something is taken from this board's own page alone, in JSON, by POST, and short", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const good = { grade: "sound", items: [station.pass().item] };
  const { host, port } = new URL(page.url);
  const tried = async (headers: Record<string, string>) => (await change(page, "/api/enroll", good, headers)).status;
  assert.equal(await tried({ "sec-fetch-site": "cross-site" }), 403);
  // A page on another port of this machine.
  assert.equal(await tried({ "sec-fetch-site": "same-site" }), 403);
  assert.equal(await tried({ origin: "http://127.0.0.1:1" }), 403);
  assert.equal(await tried({ origin: "null" }), 403);
  assert.equal(await tried({ origin: `http://evil.example:${port}` }), 403);
  assert.equal(await tried({ "content-type": "text/plain" }), 415);
  assert.equal(await tried({ "content-type": "application/x-www-form-urlencoded" }), 415);
  assert.equal(await tried({ "content-type": "application/jsonp" }), 415);
  for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
    const { status, headers } = await ask(page, "/api/enroll", { method });
    assert.deepEqual([status, headers.allow], [405, "POST"], method);
  }
  const long = await change(page, "/api/dismiss", { items: Array(200).fill("x".repeat(1000)) });
  assert.equal(long.status, 413);
  assert.deepEqual(station.taught, []);
  assert.equal(await tried({ origin: `http://${host}`, "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await tried({ "content-type": "application/json; charset=utf-8" }), 200);
});

test("a body that is not what is wanted is refused with the reason, and nothing happens", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const bad: [unknown, RegExp][] = [
    [undefined, /the body/],
    [[], /the body/],
    [{ items: ["a"] }, /grade/],
    [{ grade: "sound", items: [] }, /items/],
    [{ grade: "sound", items: [1] }, /items\.0/],
    [{ grade: "../x", items: ["a"] }, /grade: 1 to 40 letters/],
    [{ grade: "a\u0000b", items: ["a"] }, /grade/],
    [{ grade: "unknown", items: ["a"] }, /belongs to no grade/],
    [{ grade: "sound", items: Array(201).fill("a") }, /items/],
    [{ grade: "sound", items: ["a"], more: 1 }, /more/],
    [JSON.parse('{"__proto__": {"grade": "sound"}, "items": ["a"]}'), /grade|__proto__/],
  ];
  for (const [body, reason] of bad) {
    const { status, text } = await change(page, "/api/enroll", body);
    assert.equal(status, 422, JSON.stringify(body));
    assert.match(text, reason);
  }
  assert.deepEqual(station.taught, []);
});

test("without the token nothing is changed and no item is shown", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station, { token: TOKEN });
  const { item } = station.pass();
  assert.equal((await change(page, "/api/enroll", { grade: "sound", items: [item] })).status, 401);
  for (const path of [`/api/item/${item}`, "/api/map", "/api/queue", `/views/${item}`, "/reference/ref-1"]) {
    assert.equal((await ask(page, path)).status, 401, path);
  }
  const authorization = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await change(page, "/api/enroll", { grade: "sound", items: [item] }, authorization)).status, 200);
});

test("why an enrollment is refused is told with what to do", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  station.refusal = new GradelineError("REQUEST", 'item "a" is not kept', { hint: "look into the queue" });
  const refused = await change(page, "/api/enroll", { grade: "sound", items: ["a"] });
  assert.equal(refused.status, 422);
  assert.deepEqual(JSON.parse(refused.text).error, {
    code: "REQUEST",
    message: 'item "a" is not kept',
    hint: "look into the queue",
  });
  station.refusal = new GradelineError("GALLERY", "another process writes to the gallery", { retry: true });
  assert.equal((await change(page, "/api/enroll", { grade: "sound", items: ["a"] })).status, 503);
});

test("an item's views and a reference's come as one picture each; other names are not looked for", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const { item } = station.pass();
  for (const path of [`/views/${item}`, "/reference/ref-1"]) {
    const { status, headers, body } = await ask(page, path);
    assert.deepEqual([status, headers["content-type"]], [200, "image/jpeg"]);
    const { width, height } = await sharp(body).metadata();
    assert.deepEqual([width, height], [192, 192]);
  }
  for (const path of ["/views/none", "/reference/..%2f..%2fgallery.bin", "/reference/", "/api/item/", "/views/%ff"]) {
    assert.equal((await ask(page, path)).status, 404, path);
  }
});
