import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createLog } from "../../../device/base/log.ts";
import { Console, type ConsoleOptions } from "../../../device/console/server.ts";
import { inTime } from "../../support/wait.ts";
import { FakeStation } from "./station.ts";

export const TOKEN = "0123456789abcdef0123456789abcdef";
const log = createLog("silent");

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A console on loopback that ends with the test. */
export async function listen(
  t: Pick<TestContext, "after">,
  station = new FakeStation(),
  options: Partial<ConsoleOptions> = {},
): Promise<Console> {
  const opened = await Console.listen({ host: "127.0.0.1", port: 0, token: undefined, ...options }, station, log);
  t.after(() => opened.close());
  return opened;
}

/** Asks with the path exactly as it is written, as no browser would. */
export async function ask(page: Console, path: string, question: Question = {}): Promise<Answer> {
  const response = await begin(page, path, question);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode!, headers: response.headers, body, text: body.toString("utf8") };
}

/** As {@link ask}, but leaves the body to be read. */
export async function begin(page: Console, path: string, question: Question = {}): Promise<IncomingMessage> {
  const { port } = new URL(page.url);
  const { method = "GET", headers = {}, body } = question;
  const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return response;
}

/** Reads Server-Sent Events one by one. */
export async function* eventsOf(response: IncomingMessage): AsyncGenerator<{ name: string; data: unknown }> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const messages = (rest + chunk).split("\n\n");
    rest = messages.pop()!;
    for (const message of messages) {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(message);
      if (match === null) throw new Error(`no event: ${message}`);
      yield { name: match[1]!, data: JSON.parse(match[2]!) };
    }
  }
}

/** Resolves when it holds; the end of a connection reaches the server some turns of the event loop later. */
export async function until(holds: () => boolean): Promise<void> {
  let over = false;
  const held = (async () => {
    while (!over && !holds()) await turn();
  })();
  await inTime(held, String(holds), () => "nothing of the kind").finally(() => {
    over = true;
  });
}
