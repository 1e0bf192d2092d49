/**
 * A process that offers items to a queue: without end, or until the disk takes none any more. Arguments: the folder, and
 * the bytes of the queue. Standard output: one JSON line per event.
 */

import { statfs } from "node:fs/promises";
import { createLog } from "../../device/base/log.ts";
import { UnknownQueue } from "../../device/teach/queue.ts";
import { queueItem } from "./queue-items.ts";

const queue = await UnknownQueue.open(
  process.argv[2]!,
  { maxItems: process.argv[3] === undefined ? 12 : 10_000, maxBytes: Number(process.argv[3] ?? 1_048_576) },
  118,
  createLog("silent"),
  { perMinute: 1e9, burst: 1e9 },
);
process.stdout.write(`${JSON.stringify({ event: "open", items: queue.stats.items })}\n`);
for (let n = queue.stats.items + 1; ; n++) {
  queue.offer(queueItem((Date.now() % 1_000_000_000) + n, 5, process.argv[3] === undefined ? undefined : 96));
  await queue.settled();
  if (queue.stats.problem !== null) {
    const { bavail, bsize } = await statfs(queue.folder);
    process.stdout.write(`${JSON.stringify({ event: "full", ...queue.stats, free: bavail * bsize })}\n`);
    break;
  }
  process.stdout.write(`${JSON.stringify({ event: "kept", n })}\n`);
}
