import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { asGradelineError, GradelineError } from "../base/errors.ts";

/**
 * @param host a name or an address, as the configuration gives it
 * @returns the address to listen on
 * @throws {GradelineError} CONFIG when the name leads nowhere
 */
export async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new GradelineError("CONFIG", `console.host ${JSON.stringify(host)} is not an address of this machine`, {
      hint: "127.0.0.1 for this machine alone, 0.0.0.0 for all its networks",
      cause: error,
    });
  }
}

/** @throws {GradelineError} CONFIG when the port is taken, forbidden, or the address not of this machine */
export async function listenOn(server: Server, address: string, port: number): Promise<void> {
  server.listen(port, address);
  try {
    await once(server, "listening");
  } catch (error) {
    throw listenError(error, address, port);
  }
}

function listenError(error: unknown, address: string, port: number): GradelineError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const at = `console.port ${port} on ${address}`;
  const because = (message: string, hint: string) => new GradelineError("CONFIG", message, { hint, cause: error });
  switch (code) {
    case "EADDRINUSE":
      return because(`${at} is in use`, "another daemon may be running; or choose another port, 0 takes any free one");
    case "EACCES":
      return because(`${at} may not be used by this user`, "ports from 1024 on are open to everyone");
    case "EADDRNOTAVAIL":
      return because(`console.host ${address} is not an address of this machine`, "`ip address` lists them");
    default:
      return because(`${at} cannot be listened on: ${asGradelineError(error).message}`, "check console.host and port");
  }
}

/** Where a browser finds the server. */
export function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  if (address === "0.0.0.0" || address === "::") return `http://${hostname()}:${port}/`;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/`;
}
