import type { IncomingMessage, ServerResponse } from "node:http";
import type { GradelineError } from "../base/errors.ts";

export const PLAIN = "text/plain; charset=utf-8";

/** Answers with a whole body; not kept by caches unless the caller has said otherwise. */
export function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  if (!response.hasHeader("cache-control")) response.setHeader("cache-control", "no-store");
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, "application/json", JSON.stringify(value));
}

/** Says in plain words why not. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  answer(response, status, PLAIN, `${message}\n`);
}

/** An answer that says no; thrown where a request is not what it should be. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Says an error that was thrown on purpose, with what to do about it. */
export function refuseFor(response: ServerResponse, { code, message, hint, retry }: GradelineError): void {
  const status = retry ? 503 : code === "REQUEST" || code === "GRADE" ? 422 : 500;
  answerJson(response, status, { error: { code, message, hint: hint ?? null } });
}

/** @param to a path of this server */
export function redirect(response: ServerResponse, to: string): void {
  response.setHeader("location", to);
  answer(response, 303, PLAIN, "");
}

/**
 * What is too much is read and let go, for as long as the server's time for a request lasts: a connection that is
 * closed on somebody who still sends takes the answer with it.
 *
 * @returns the request's body as text; undefined where it is longer than `maxBytes`
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
    });
    request.once("end", () => resolve(bytes > maxBytes ? undefined : Buffer.concat(chunks).toString("utf8")));
    request.once("error", reject);
  });
}
