import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { nowMicros } from "../../device/base/time.ts";
import type { StateMessage, Verdict } from "../../device/contract/messages.ts";
import { stateMessage } from "../../device/contract/state.ts";
import { Publishing, type PublishingOptions } from "./publishing.ts";
import type { Subscriber } from "./subscriber.ts";
import { draft } from "./verdicts.ts";

/** A folder and the parts of the test that runs; both are gone when it ends. */
export interface PublisherTest {
  readonly folder: string;
  keep<T extends { close(): Promise<unknown> }>(part: T): T;
  open(options: PublishingOptions): Promise<Publishing>;
}

export function forEachTest(): PublisherTest {
  let folder: string;
  let parts: { close(): Promise<unknown> }[];
  beforeEach(async () => {
    parts = [];
    folder = await mkdtemp(join(tmpdir(), "gradeline-publisher-"));
  });
  afterEach(async () => {
    for (const part of parts.reverse()) await part.close();
    await rm(folder, { recursive: true, force: true });
  });
  const keep = <T extends { close(): Promise<unknown> }>(part: T): T => {
    parts.push(part);
    return part;
  };
  return {
    get folder() {
      return folder;
    },
    keep,
    open: async (options) => keep(await Publishing.open(options)),
  };
}

/** Takes verdicts `from` to `to` of a lane; resolves when they are durable. */
export async function make(publishing: Publishing, from: number, to: number, lane = "a"): Promise<Verdict[]> {
  const made = [];
  for (let n = from; n <= to; n++) made.push(publishing.publisher.take(draft(lane, n)).durable);
  return (await Promise.all(made)).map(({ verdict }) => verdict);
}

export const online = (): StateMessage => stateMessage("online", [], nowMicros());
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);
export const seqs = (subscriber: Subscriber): number[] => subscriber.json("/verdict").map(({ seq }) => Number(seq));
