/**
 * A process that offers items to a queue without end. Argument: the folder. Standard output: one JSON line per event.
 */

import { createLog } from "../../device/base/log.ts";
import { UnknownQueue } from "../../device/teach/queue.ts";
import { queueItem } from "./queue-items.ts";

const queue = await UnknownQueue.open(
  process.argv[2]!,
  { maxItems: 12, maxBytes: 1_048_576 },
  118,
  createLog("silent"),
  { perMinute: 1e9, burst: 1e9 },
);
process.stdout.write(`${JSON.stringify({ event: "open", items: queue.stats.items })}\n`);
for (let n = queue.stats.items + 1; ; n++) {
  queue.offer(queueItem((Date.now() % 1_000_000_000) + n, 5));
  await queue.settled();
  process.stdout.write(`${JSON.stringify({ event: "kept", n })}\n`);
}
