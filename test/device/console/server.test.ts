import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { createLog } from "../../../device/base/log.ts";
import { ITEMS_PER_LANE } from "../../../device/console/recent.ts";
import { Console } from "../../../device/console/server.ts";
import { ask, listen, TOKEN } from "./asking.ts";
import { FakeStation } from "./station.ts";

test("the page and every file it names are served, in less than 200 kB, and nothing is inline", async (t) => {
  const page = await listen(t);
  const { status, headers, text } = await ask(page, "/");
  assert.equal(status, 200);
  assert.match(headers["content-type"]!, /^text\/html/);
  assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
  let bytes = text.length;
  const seen = new Set<string>();
  const wanted = ["/words/en.js", ...[...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1]!)];
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const { pathname, search } = new URL(path, page.url);
    const file = await ask(page, pathname + search);
    assert.equal(file.status, 200, path);
    // The same page in other languages takes the place of this one.
    if (search !== "") continue;
    bytes += file.body.length;
    for (const match of file.text.matchAll(/from "\.(\/[^"]+)"/g)) wanted.push(match[1]!);
  }
  assert.ok(seen.size > 5 && bytes < 200_000, `${seen.size} files, ${bytes} bytes`);
});

test("a file that the browser has already is not sent again", async (t) => {
  const page = await listen(t);
  const { etag } = (await ask(page, "/page.css")).headers;
  const again = await ask(page, "/page.css", { headers: { "if-none-match": etag! } });
  assert.equal(again.status, 304);
  assert.equal(again.body.length, 0);
});

test("every answer forbids frames, foreign scripts, sniffing and referrers", async (t) => {
  const page = await listen(t);
  for (const path of ["/", "/page.js", "/api/status", "/nothing", "/healthz"]) {
    const { headers } = await ask(page, path);
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-resource-policy"], "same-origin");
  }
});

test("no text of a URL becomes a path on disk", async (t) => {
  const page = await listen(t);
  for (const path of [
    "/../server.ts",
    "/%2e%2e/server.ts",
    "/page/../server.ts",
    "//etc/passwd",
    "/page.js%00.css",
    "/index.html",
    "/constructor",
    "/__proto__",
    "/thumb/../../../etc/passwd",
    "/thumb/%2e%2e%2f%2e%2e",
    "/thumb/%ff",
    "/thumb/",
  ]) {
    assert.equal((await ask(page, path)).status, 404, path);
  }
});

test("nothing but GET is taken, and a login of a megabyte is turned away", async (t) => {
  const page = await listen(t);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const { status, headers } = await ask(page, "/api/status", { method });
    assert.deepEqual([status, headers.allow], [405, "GET, HEAD"], method);
  }
  const head = await ask(page, "/api/status", { method: "HEAD" });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
  const large = await ask(page, "/login", { method: "POST", body: Buffer.alloc(1024 * 1024, "x") });
  assert.equal(large.status, 413);
});

test("on loopback only names of loopback are answered, whatever a foreign name points at", async (t) => {
  const page = await listen(t);
  for (const host of ["localhost", "localhost:9000", "127.0.0.1:8480", "LOCALHOST", "[::1]:8480", "127.0.0.9"]) {
    assert.equal((await ask(page, "/api/status", { headers: { host } })).status, 200, host);
  }
  for (const host of ["evil.example", "localhost.evil.example:8480", "127.0.0.1.evil.example", "10.0.0.1", "a b"]) {
    assert.equal((await ask(page, "/api/status", { headers: { host } })).status, 421, host);
  }
});

test("another site's page cannot make the browser ask, but a link from it may be followed", async (t) => {
  const page = await listen(t);
  const from = (mode: string) => ({ headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": mode } });
  assert.equal((await ask(page, "/api/status", from("no-cors"))).status, 403);
  assert.equal((await ask(page, "/events", from("cors"))).status, 403);
  assert.equal((await ask(page, "/login", { method: "POST", ...from("navigate") })).status, 403);
  assert.equal((await ask(page, "/", from("navigate"))).status, 200);
});

test("status and the last items of each lane come as JSON, newest first and bounded", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  for (let i = 0; i < ITEMS_PER_LANE + 10; i++) station.pass();
  const last = station.pass({ lane: "b", item: "b-1", outcome: "empty", grade: null, margin: null }, null);
  assert.deepEqual(JSON.parse((await ask(page, "/api/status")).text), station.status());
  const items = JSON.parse((await ask(page, "/api/items")).text);
  assert.equal(items.a.length, ITEMS_PER_LANE);
  assert.equal(items.a[0].seq, ITEMS_PER_LANE + 10);
  assert.equal(items.a.at(-1).seq, 11);
  assert.deepEqual([items.a[0].view, items.a[0].thumb], [2, `/thumb/${items.a[0].item}`]);
  assert.deepEqual(items.b, [{ ...last, view: null, thumb: null, spot: null }]);
});

test("an item's picture is a JPEG of its crop, for as long as the item is kept", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const first = station.pass({}, [200, 40, 30]);
  const bare = station.pass({ outcome: "no-image", grade: null }, null);
  const { status, headers, body } = await ask(page, `/thumb/${first.item}`);
  assert.deepEqual([status, headers["content-type"]], [200, "image/jpeg"]);
  const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [96, 96]);
  for (const [channel, wanted] of [200, 40, 30].entries()) assert.ok(Math.abs(data[channel]! - wanted) <= 3);
  assert.deepEqual((await ask(page, `/thumb/${first.item}`)).body, body);
  assert.equal((await ask(page, `/thumb/${bare.item}`)).status, 404);
  for (let i = 0; i < ITEMS_PER_LANE; i++) station.pass();
  // Neither the page nor the station has it any more.
  station.kept.delete(first.item);
  assert.equal((await ask(page, `/thumb/${first.item}`)).status, 404);
});

test("metrics are valid Prometheus text", async (t) => {
  const page = await listen(t);
  const { status, headers, text } = await ask(page, "/metrics");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  const name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
  const label = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
  const sample = new RegExp(
    `^(${name})(?:\\{${label}(?:,${label})*,?\\})? (?:-?[0-9.]+(?:e[+-]?[0-9]+)?|[+-]Inf|NaN)$`,
  );
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    const type = new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary|untyped)$`).exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1]!), `${type[1]} twice`);
      types.set(type[1]!, type[2]!);
    } else if (line !== "" && !line.startsWith("# HELP ")) {
      const match = sample.exec(line);
      assert.ok(match !== null, line);
      assert.ok(types.has(match[1]!) || types.has(match[1]!.replace(/_(bucket|sum|count)$/, "")), line);
    }
  }
  for (const [metric, type] of types) {
    if (type === "counter" && metric.startsWith("gradeline_")) assert.match(metric, /_total$/);
  }
  assert.match(text, /gradeline_verdicts_total\{lane="a",outcome="graded",grade="Class I"\} 1/);
});

test("health is well while the station grades, and not when it has stopped", async (t) => {
  const station = new FakeStation({ state: "degraded", reasons: ["the broker is away"] });
  const page = await listen(t, station);
  const degraded = await ask(page, "/healthz");
  assert.deepEqual([degraded.status, degraded.text], [200, '{"state":"degraded"}']);
  station.status_ = { ...station.status_, state: "stopped" };
  assert.equal((await ask(page, "/healthz")).status, 503);
});

test("a station that fails gives an answer that says so, and the page goes on", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const good = station.status_;
  Object.defineProperty(station, "status_", {
    configurable: true,
    get: () => {
      throw new Error("secret inside");
    },
  });
  const failed = await ask(page, "/api/status");
  assert.equal(failed.status, 500);
  assert.doesNotMatch(failed.text, /secret/);
  Object.defineProperty(station, "status_", { value: good });
  assert.equal((await ask(page, "/api/status")).status, 200);
});

test("a port that is taken and a host that is not ours are said with what to do", async (t) => {
  const page = await listen(t);
  const port = Number(new URL(page.url).port);
  const open = (host: string, at: number) =>
    Console.listen({ host, port: at, token: TOKEN }, new FakeStation(), createLog("silent"));
  await assert.rejects(open("127.0.0.1", port), {
    code: "CONFIG",
    message: `console.port ${port} on 127.0.0.1 is in use`,
    hint: /another port/,
  });
  await assert.rejects(open("192.0.2.1", 0), { code: "CONFIG", message: /192\.0\.2\.1 is not an address/ });
  await assert.rejects(open("no such host", 0), { code: "CONFIG", message: /"no such host" is not an address/ });
});

test("after close nothing listens, and the station is let go", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  assert.equal(station.listeners, 1);
  await page.close();
  await page.close();
  assert.equal(station.listeners, 0);
  await assert.rejects(ask(page, "/"), { code: "ECONNREFUSED" });
});
