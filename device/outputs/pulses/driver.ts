import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { OutputConfig } from "../../config/outputs.ts";
import { openGpioLine } from "./gpio.ts";

/** Of whom a frame tells. */
export interface Fired {
  readonly lane: string;
  readonly seq: number;
  readonly item: string;
}

/** One thing that acts at the gate. */
export interface Driver {
  /** Must not wait. @throws what keeps it from acting */
  on(fired: Fired): void;
  off(): void;
  /** The state in which nothing moves; resolves when it was told, or cannot be. */
  safe(): Promise<void>;
  close(): Promise<void>;
}

/** @param told why it cannot act, undefined: it can again */
export function openDriver(output: OutputConfig, told: (problem: string | undefined) => void): Driver {
  switch (output.kind) {
    case "udp":
      return udpDriver(output, told);
    case "modbus":
      return new CoilDriver(output, told);
    case "gpio":
      return openGpioLine(output, told);
  }
}

type Of<K extends OutputConfig["kind"]> = Extract<OutputConfig, { kind: K }>;

/** A frame per pulse, JSON in one datagram: the receiver times the pulse. */
function udpDriver({ id, host, port, pulseMs }: Of<"udp">, told: (problem: string | undefined) => void): Driver {
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
  socket.unref();
  socket.on("error", (error) => told(error.message));
  // Once: a name that is looked up for each frame takes its time then.
  socket.connect(port, host, () => told(undefined));
  const send = (frame: object, done: () => void = () => {}): void => {
    socket.send(JSON.stringify(frame), (error) => {
      told(error?.message);
      done();
    });
  };
  return {
    on: (fired) => send({ output: id, on: true, pulseMs, ...fired }),
    off: () => {},
    safe: () => new Promise((resolve) => send({ output: id, on: false }, resolve)),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

const WRITE_COIL = 5;
const RECONNECT_MS = 500;
const ANSWER_MS = 1000;

/** A coil of a remote I/O, over a connection that stays. */
class CoilDriver implements Driver {
  readonly #output: Of<"modbus">;
  readonly #told: (problem: string | undefined) => void;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #transaction = 0;
  #closed = false;
  #problem = "not connected yet";
  readonly #waiting: (() => void)[] = [];

  constructor(output: Of<"modbus">, told: (problem: string | undefined) => void) {
    this.#output = output;
    this.#told = told;
    this.#connect();
  }

  on(): void {
    this.#write(true);
  }

  off(): void {
    this.#write(false);
  }

  async safe(): Promise<void> {
    try {
      this.#write(false);
    } catch {
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      setTimeout(resolve, ANSWER_MS);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(): void {
    const { host, port } = this.#output;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    socket.unref();
    socket.setTimeout(ANSWER_MS, () => {
      if (this.#socket === undefined) socket.destroy(new Error("no answer"));
    });
    socket.on("connect", () => {
      socket.setTimeout(0);
      this.#socket = socket;
      this.#told(undefined);
      // Whatever it was when the connection went: nothing is owed any more.
      this.#write(false);
    });
    socket.on("data", (answer: Buffer) => {
      // An exception: the coil is not there, or not ours.
      if (answer.length >= 9 && (answer[7]! & 0x80) !== 0) this.#told(`Modbus exception ${answer[8]}`);
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    socket.on("error", (error) => {
      this.#problem = error.message;
    });
    socket.on("close", () => {
      this.#socket = undefined;
      if (this.#closed) return;
      this.#told(this.#problem);
      this.#timer = setTimeout(() => this.#connect(), RECONNECT_MS);
      this.#timer.unref();
    });
  }

  #write(on: boolean): void {
    if (this.#socket === undefined) throw new Error(this.#problem);
    const { unit, coil } = this.#output;
    const frame = Buffer.alloc(12);
    this.#transaction = (this.#transaction + 1) % 65_536;
    frame.writeUInt16BE(this.#transaction, 0);
    frame.writeUInt16BE(6, 4);
    frame[6] = unit;
    frame[7] = WRITE_COIL;
    frame.writeUInt16BE(coil, 8);
    frame.writeUInt16BE(on ? 0xff00 : 0, 10);
    this.#socket.write(frame);
  }
}
