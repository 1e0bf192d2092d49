import { RingRecorder } from "../../device/capture/record-ring.ts";

/** Records frames into the folder of its argument, one line each, until it is killed. */
const ring = await RingRecorder.open(process.argv[2] ?? "", { maxBytes: 20_000, maxAgeMs: 1e9 });
const data = Uint8Array.from({ length: 32 * 16 * 3 }, (_, at) => (at * 31) & 255);
for (let seq = 0; ; seq++) {
  const exposedAt = 1_790_000_000_000_000 + seq * 1000;
  ring.offer({ seq, exposedAt, status: "ok", widthPx: 32, heightPx: 16, data });
  await ring.flush();
  process.stdout.write(`${seq}\n`);
}
