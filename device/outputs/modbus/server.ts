import type { Server } from "node:net";
import type { IServiceVector } from "modbus-serial/ServerTCP.js";
import ServerTCP from "modbus-serial/servers/servertcp.js";
import type { Closable } from "../../base/lifecycle.ts";
import type { Log } from "../../base/log.ts";
import type { ModbusConfig } from "../../config/outputs.ts";
import type { Reason } from "../../contract/reasons.ts";
import type { RegisterImage } from "./image.ts";

/** PLCs and people that look at the same time. */
const MAX_CLIENTS = 16;
const RETRY_MS = 5000;
/** Modbus exception: illegal data address. */
const NO_SUCH_ADDRESS = 2;
/** How long the state tells of results that were overwritten. */
const OVERRUN_MS = 60_000;

export interface Outlets {
  /** Whether outlet `n` is closed; undefined where there is none. */
  closed(n: number): boolean | undefined;
  close(n: number, closed: boolean): void;
}

/** Answers PLCs by Modbus/TCP. A port that is taken is tried again; the line grades on. */
export class ModbusServer implements Closable {
  readonly #config: ModbusConfig;
  readonly #image: RegisterImage;
  readonly #outlets: Outlets;
  readonly #log: Log;
  readonly #retryMs: number;
  #server: ServerTCP | undefined;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #overruns = 0;
  #overrunAt = Number.NEGATIVE_INFINITY;

  constructor(config: ModbusConfig, image: RegisterImage, outlets: Outlets, log: Log, retryMs = RETRY_MS) {
    this.#config = config;
    this.#image = image;
    this.#outlets = outlets;
    this.#log = log;
    this.#retryMs = retryMs;
  }

  /** Listens, or begins to try again. */
  open(): void {
    if (this.#closed) return;
    const { host, port, unit } = this.#config;
    const server = new ServerTCP(this.#vector(), { host, port, unitID: unit });
    this.#server = server;
    (server as unknown as { readonly _server: Server })._server.maxConnections = MAX_CLIENTS;
    server.on("initialized", () => {
      if (this.#problem !== undefined) this.#log.info({ host, port }, "Modbus: listening");
      this.#problem = undefined;
    });
    // A client that goes away is no matter.
    server.on("socketError", () => {});
    server.on("error", () => {});
    server.on("serverError", (error) => this.#failed(error?.message ?? "unknown"));
  }

  *reasons(): Iterable<Reason> {
    const where = `Modbus on ${this.#config.host}:${this.#config.port}`;
    if (this.#problem !== undefined) yield { code: "modbus", message: `${where} cannot be served: ${this.#problem}` };
    const lanes = [...this.#image.overruns()];
    const total = lanes.reduce((sum, [, count]) => sum + count, 0);
    if (total > this.#overruns) this.#overrunAt = performance.now();
    this.#overruns = total;
    if (performance.now() - this.#overrunAt > OVERRUN_MS) return;
    const words = lanes.map(([lane, count]) => `${count} of lane ${lane}`).join(", ");
    yield { code: "modbus-overrun", message: `${where}: results were overwritten before they were read: ${words}` };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #failed(reason: string): void {
    if (this.#problem !== reason) {
      this.#log.error({ reason }, "Modbus: the server cannot listen; it is tried again");
    }
    this.#problem = reason;
    this.#server?.close(() => {});
    this.#server = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), this.#retryMs);
    this.#timer.unref();
  }

  #vector(): IServiceVector {
    const read = (at: number, count: number): number[] => {
      const found = this.#image.read(at, count);
      if (found === undefined) throw exception();
      return [...found];
    };
    const write = (at: number, values: readonly number[]): void => {
      if (!this.#image.write(at, values)) throw exception();
    };
    const one = (at: number): number => read(at, 1)[0]!;
    return {
      getInputRegister: one,
      getHoldingRegister: one,
      getMultipleInputRegisters: read,
      getMultipleHoldingRegisters: read,
      setRegister: (at: number, value: number) => write(at, [value]),
      setRegisterArray: (at: number, values: number[]) => write(at, values),
      getCoil: (at: number) => {
        const closed = this.#outlets.closed(at);
        if (closed === undefined) throw exception();
        return closed;
      },
      setCoil: (at: number, value: boolean) => {
        if (this.#outlets.closed(at) === undefined) throw exception();
        this.#outlets.close(at, value);
      },
    };
  }
}

function exception(): Error {
  return Object.assign(new Error("no such address"), { modbusErrorCode: NO_SUCH_ADDRESS });
}
