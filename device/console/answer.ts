import type { IncomingMessage, ServerResponse } from "node:http";

export const PLAIN = "text/plain; charset=utf-8";

/** Answers with a whole body; not kept by caches unless the caller has said otherwise. */
export function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  if (!response.hasHeader("cache-control")) response.setHeader("cache-control", "no-store");
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, "application/json", JSON.stringify(value));
}

/** Says in plain words why not. The connection of a refused body ends: what may still come on it is not read. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  const { method } = response.req;
  if (method !== "GET" && method !== "HEAD") response.setHeader("connection", "close");
  answer(response, status, PLAIN, `${message}\n`);
}

/** @param to a path of this server */
export function redirect(response: ServerResponse, to: string): void {
  response.setHeader("location", to);
  answer(response, 303, PLAIN, "");
}

/** @returns the request's body as text; undefined where it is longer than `maxBytes` */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A reader that stops early would destroy the socket and with it the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}
