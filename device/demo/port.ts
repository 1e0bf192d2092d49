import { once } from "node:events";
import { createServer } from "node:net";
import { GradelineError } from "../base/errors.ts";

/** Ports that are tried after the first. */
const TRIES = 50;

/**
 * The first free port of this machine's own address from `first` on, so that a page has the same address each time.
 *
 * @throws {GradelineError} CONFIG where none of fifty is free
 */
export async function freePortFrom(first: number): Promise<number> {
  for (let port = first; port < first + TRIES; port++) if (await isFree(port)) return port;
  throw new GradelineError("CONFIG", `the ports ${first} to ${first + TRIES - 1} are all in use`, {
    hint: "name another one: --port N",
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
