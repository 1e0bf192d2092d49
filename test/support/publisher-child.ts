/**
 * A small daemon: opens a journal, publishes one verdict after the other on two lanes, stops on SIGTERM.
 * Arguments: the journal's path, the broker's port, number of the first verdict, number of the last, port of a further
 * broker where there is one.
 */
import pino from "pino";
import { nowMicros } from "../../device/base/time.ts";
import { configSchema } from "../../device/config/schema.ts";
import { stateMessage } from "../../device/contract/state.ts";
import { Journal } from "../../device/publish/journal.ts";
import { Publisher } from "../../device/publish/publisher.ts";
import { mqttConfig, QUICK } from "./publishing.ts";
import { draft, journalConfig } from "./verdicts.ts";

const [path, port, first, last, further] = process.argv.slice(2);
const say = (event: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(event)}\n`);

const brokers = configSchema.shape.brokers.parse(
  further === undefined ? [] : [{ name: "cloud", url: `mqtt://127.0.0.1:${further}`, topic: "cloud/{lane}" }],
);
const journal = await Journal.open(journalConfig({ path: path! }), { sinks: brokers.map(({ name }) => name) });
const publisher = await Publisher.open({
  mqtt: mqttConfig(Number(port)),
  brokers,
  device: "board",
  journal,
  log: pino({ level: "info" }, { write: (line) => say({ event: "log", msg: JSON.parse(line).msg }) }),
  handlers: {},
  timing: QUICK,
  acked: ({ item, seq }) => say({ event: "acked", item, seq }),
});
publisher.retain("state", stateMessage("online", [], nowMicros()));

let stopping = false;
const stop = new Promise<void>((resolve) => {
  process.once("SIGTERM", () => {
    stopping = true;
    resolve();
  });
});
for (let n = Number(first); n <= Number(last) && !stopping; n++) {
  const made = await Promise.all(["a", "b"].map((lane) => publisher.take(draft(lane, n)).durable));
  for (const { row } of made) say({ event: "durable", lane: row.lane, seq: row.seq, item: row.item });
}
say({ event: "made" });
await stop;
await publisher.close();
await journal.close();
say({ event: "closed" });
