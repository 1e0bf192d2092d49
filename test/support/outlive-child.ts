/**
 * A process under the rule for what is thrown in callbacks: in each kind of callback, one after the other, something is
 * thrown first. Standard output: one JSON line for what was logged, and one once the same callback does its work again.
 */
import { EventEmitter } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import pino from "pino";
import { outliveCallbacks } from "../../device/base/outlive.ts";
import { AedesBroker } from "./broker-aedes.ts";
import { Publishing } from "./publishing.ts";
import { draft } from "./verdicts.ts";

const say = (event: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
const log = pino(
  { level: "error" },
  { write: (line: string) => say({ event: "logged", kind: now, ...JSON.parse(line) }) },
);
let now = "";

/** Throws the first time. */
function thrower(): () => void {
  let first = true;
  return () => {
    if (!first) return;
    first = false;
    throw new TypeError("nobody catches this");
  };
}

const kinds: Readonly<Record<string, (maybeThrow: () => void) => Promise<void>>> = {
  timer: (maybeThrow) =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        maybeThrow();
        clearInterval(timer);
        resolve();
      }, 5);
    }),
  http: async (maybeThrow) => {
    const asked = Promise.withResolvers<void>();
    const server = createServer((_, response) => {
      setImmediate(asked.resolve);
      maybeThrow();
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    // The first is never answered.
    const first = get({ port, host: "127.0.0.1", agent: false }).on("error", () => {});
    await asked.promise;
    await new Promise<void>((resolve) => get({ port, host: "127.0.0.1", agent: false }, () => resolve()));
    first.destroy();
    server.closeAllConnections();
    server.close();
  },
  worker: (maybeThrow) =>
    new Promise((resolve) => {
      const code =
        "const { parentPort } = require('node:worker_threads'); parentPort.postMessage(1); parentPort.postMessage(2)";
      new Worker(code, { eval: true }).on("message", () => {
        maybeThrow();
        resolve();
      });
    }),
  mqtt: async (maybeThrow) => {
    const broker = await AedesBroker.start();
    // Thrown in the client's callback on an acknowledgement: what it was about to read of others is gone.
    const line = await Publishing.open({ port: broker.port, timing: { ackMs: 300 }, acked: maybeThrow });
    for (let n = 1; n <= 40; n++) line.publisher.take(draft("a", n));
    await line.until(() => new Set(line.acked.map(({ seq }) => seq)).size === 40);
    await line.close();
    await broker.close();
  },
  promise: async (maybeThrow) => {
    void Promise.resolve().then(maybeThrow);
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.resolve().then(maybeThrow);
  },
  event: async () => {
    const emitter = new EventEmitter();
    for (const error of [new TypeError("nobody catches this"), "not even an error"]) {
      queueMicrotask(() => emitter.emit("error", error));
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
};

const end = outliveCallbacks(log);
for (const [kind, work] of Object.entries(kinds)) {
  now = kind;
  await work(thrower());
  say({ event: "works", kind });
}
end();
say({
  event: "ended",
  rules: process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection"),
});
process.stdin.destroy();
