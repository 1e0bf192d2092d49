import { createServer } from "node:net";

/** Below the range from which systems take the ports of outgoing connections, so that none of those takes it first. */
const FIRST = 20_000;
const LAST = 32_000;

/** A loopback port that nothing listens on at the moment, for a program that must be told one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
