import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MAX_CLIENTS, MAX_WAITING_BYTES } from "../../../device/console/feed.ts";
import { ask, begin, eventsOf, listen, until } from "./asking.ts";
import { FakeStation } from "./station.ts";

test("a client first hears what there is, then each item as it passes, and the status every second", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const before = station.pass();
  const events = eventsOf(await begin(page, "/events"));
  const first = (await events.next()).value!;
  assert.equal(first.name, "snapshot");
  const { status, items } = first.data as { status: unknown; items: Record<string, { item: string }[]> };
  assert.deepEqual(status, station.status());
  assert.deepEqual(
    items.a!.map(({ item }) => item),
    [before.item],
  );
  const passed = station.pass({ late: true });
  const heard = new Map<string, unknown>();
  for await (const { name, data } of events) {
    heard.set(name, data);
    if (heard.size === 2) break;
  }
  assert.deepEqual(heard.get("item"), { ...passed, view: 2, thumb: `/thumb/${passed.item}`, spot: null });
  assert.deepEqual(heard.get("status"), station.status());
});

test("a client that does not read is cut off, and the others go on", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const reader = eventsOf(await begin(page, "/events"));
  await reader.next();
  const { port } = new URL(page.url);
  const deaf = connect({ host: "127.0.0.1", port: Number(port) }).pause();
  t.after(() => deaf.destroy());
  deaf.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until(() => page.clients === 2);
  const large = Array.from({ length: 1000 }, () => ({ grade: "x".repeat(60), distance: 1, pValue: null }));
  let sent = 0;
  let last = "";
  while (page.clients === 2) {
    assert.ok(sent < 64 * MAX_WAITING_BYTES, "it was never cut off");
    last = station.pass({ grades: large }).item;
    sent += 100_000;
    while ((((await reader.next()).value?.data ?? {}) as { item?: string }).item !== last);
  }
  assert.equal(page.clients, 1);
  // What the two kernels had taken by then still arrives, then the connection is over.
  const closed = once(deaf, "close");
  let received = 0;
  deaf.on("data", (bytes) => {
    received += bytes.length;
  });
  deaf.on("error", () => undefined);
  deaf.resume();
  await closed;
  assert.ok(received < sent);
});

test("no more pages than allowed may be open, and one that leaves makes room", async (t) => {
  const page = await listen(t);
  const open = await Promise.all(Array.from({ length: MAX_CLIENTS }, () => begin(page, "/events")));
  const refused = await ask(page, "/events");
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [503, "5"]);
  assert.match(refused.text, /16 pages are open already/);
  open[0]!.destroy();
  await until(() => page.clients === MAX_CLIENTS - 1);
  const events = eventsOf(await begin(page, "/events"));
  assert.equal((await events.next()).value!.name, "snapshot");
});

test("items pass quickly with nobody looking, and close ends the events of those who do", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  for (let i = 0; i < 500; i++) station.pass();
  const events = eventsOf(await begin(page, "/events"));
  await events.next();
  await page.close();
  await assert.rejects(events.next(), { code: "ECONNRESET" });
  assert.equal(page.clients, 0);
  station.pass();
  await turn();
});
