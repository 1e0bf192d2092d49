import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A wire to a broker that can be cut: takes connections on a port of its own and passes the bytes on while open. */
export class Gate {
  readonly #server: Server;
  readonly #pairs = new Set<Socket>();
  #open = true;
  /** Connections that came while the gate was shut. */
  refused = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<Gate> {
    const server = createServer();
    const gate = new Gate(server);
    server.on("connection", (near) => gate.#pass(near, port));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection and lets none through. */
  shut(): void {
    this.#open = false;
    for (const socket of this.#pairs) socket.destroy();
  }

  open(): void {
    this.#open = true;
  }

  /** Lets nothing pass in either direction; the connections stay. */
  hold(): void {
    for (const socket of this.#pairs) socket.pause();
  }

  release(): void {
    for (const socket of this.#pairs) socket.resume();
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(near: Socket, port: number): void {
    near.on("error", () => {});
    if (!this.#open) {
      this.refused++;
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    far.on("error", () => {});
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#pairs.add(from);
      from.setNoDelay();
      from.pipe(to);
      from.once("close", () => {
        this.#pairs.delete(from);
        to.destroy();
      });
    }
  }
}
