import { fork } from "node:child_process";
import { once } from "node:events";
import { connectAsync } from "mqtt";
import type { Closable } from "../../../device/base/lifecycle.ts";
import { Mosquitto, mosquittoPath } from "../../support/broker-mosquitto.ts";

export interface BenchBroker extends Closable {
  readonly name: string;
  readonly url: string;
}

/** mosquitto where it is installed, else aedes; in a process of its own either way. */
export async function startBroker(): Promise<BenchBroker> {
  if (mosquittoPath !== undefined) {
    const broker = await Mosquitto.start();
    return { name: "mosquitto", url: `mqtt://127.0.0.1:${broker.port}`, close: () => broker.close() };
  }
  const child = fork(new URL("./broker-child.ts", import.meta.url));
  const [url] = (await once(child, "message")) as [string];
  return {
    name: "aedes",
    url,
    close: async () => {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** Counts the verdicts of a device as a controller would. */
export async function countVerdicts(url: string): Promise<Closable & { readonly count: number }> {
  const client = await connectAsync(url, { clean: true });
  let count = 0;
  client.on("message", () => count++);
  await client.subscribeAsync("gradeline/bench/lane/+/verdict", { qos: 1 });
  return {
    get count() {
      return count;
    },
    close: () => client.endAsync(),
  };
}
