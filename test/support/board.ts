import { afterEach, beforeEach } from "node:test";
import { nowMicros } from "../../device/base/time.ts";
import type { ConfigInput } from "../../device/config/schema.ts";
import type { StateMessage } from "../../device/contract/messages.ts";
import { aroundFile } from "./around-file.ts";
import { AedesBroker } from "./broker-aedes.ts";
import { Mosquitto, withoutMosquitto } from "./broker-mosquitto.ts";
import { Daemon, daemonFolder } from "./daemon.ts";
import { type SmallLine, smallLine } from "./line-config.ts";
import { Subscriber } from "./subscriber.ts";

/** `aedes` is in this process and knows MQTT 3.1.1; where `mosquitto` is not installed, nothing is set up. */
type BrokerKind = "aedes" | "mosquitto";

/** Nothing is wrong with the device but, at most, that the machine of the tests is too busy for its line. */
export function isWell({ state, causes }: StateMessage): boolean {
  const busy = ["verdicts-late", "frames-dropped", "views-waiting"];
  return state === "online" || (state === "degraded" && causes.every(({ code }) => busy.includes(code)));
}

/** What a daemon answers to a request. */
export interface Answer<Data = Record<string, unknown>> {
  readonly status: "ok" | "error";
  readonly transaction?: number;
  readonly data: Data;
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/**
 * What tests of a whole daemon stand on: a folder with a gallery, a broker, ears for everything that the daemon
 * publishes, and whatever a test opens besides.
 */
export class Board {
  readonly #kind: BrokerKind;
  readonly #closing: (() => Promise<unknown>)[] = [];
  #folder = "";
  #brokerPort = 0;
  #ears: Subscriber | undefined;
  #transactions = 0;

  private constructor(kind: BrokerKind) {
    this.#kind = kind;
  }

  /**
   * A new one before each test of the file or the suite; after it everything is closed, the newest first.
   *
   * @param begin what each test needs besides; not called where the broker is not installed
   */
  static forEachTest(kind: BrokerKind, begin: () => unknown = () => {}): Board {
    const board = new Board(kind);
    beforeEach(() => board.#open(begin));
    afterEach(() => board.#close());
    return board;
  }

  /**
   * The same one for all tests of the file or the suite.
   *
   * @param begin what they need besides; Node would start another hook of the file without waiting for this one
   */
  static forAllTests(kind: BrokerKind, begin: () => unknown = () => {}): Board {
    const board = new Board(kind);
    aroundFile(
      () => board.#open(begin),
      () => board.#close(),
    );
    return board;
  }

  get folder(): string {
    return this.#folder;
  }

  get brokerPort(): number {
    return this.#brokerPort;
  }

  /** Hears everything that the daemon publishes. */
  get ears(): Subscriber {
    return this.#ears!;
  }

  get states(): StateMessage[] {
    return this.ears.json("board/state") as unknown as StateMessage[];
  }

  /** Closes a part after the test. */
  async keep<T extends { close(): Promise<unknown> }>(opening: T | Promise<T>): Promise<T> {
    const part = await opening;
    this.#closing.push(() => part.close());
    return part;
  }

  /** Configuration of a daemon with a small simulated line, which begins now. */
  line(changes: Partial<SmallLine> = {}): ConfigInput {
    const own = { folder: this.#folder, brokerPort: this.#brokerPort };
    return smallLine({ ...own, pace: "real", startAt: nowMicros(), ...changes });
  }

  /** Starts a daemon; killed after the test. */
  async start(config: ConfigInput | object, environment: Readonly<Record<string, string>> = {}): Promise<Daemon> {
    const daemon = await Daemon.start(this.#folder, config, [], environment);
    this.#closing.push(() => daemon.kill());
    return daemon;
  }

  /** Starts a daemon and waits until everything runs and requests are heard. */
  async started(config: ConfigInput | object): Promise<Daemon> {
    const daemon = await this.start(config);
    await daemon.ready();
    await this.ears.until(() => /online|degraded/.test(this.states.at(-1)?.state ?? "") || undefined);
    return daemon;
  }

  /** Asks the daemon. @returns waits for what it answers */
  async send<Data>(verb: string, request: object = {}): Promise<() => Promise<Answer<Data>>> {
    const transaction = ++this.#transactions;
    await this.ears.ask(`gradeline/board/request/${verb}`, JSON.stringify({ ...request, transaction }));
    const answers = () => this.ears.json(`board/response/${verb}`) as unknown as Answer<Data>[];
    return () => this.ears.until(() => answers().find((answer) => answer.transaction === transaction));
  }

  /** Asks the daemon and waits for its answer. */
  async ask<Data = Record<string, unknown>>(verb: string, request: object = {}): Promise<Answer<Data>> {
    return (await this.send<Data>(verb, request))();
  }

  async #open(begin: () => unknown): Promise<void> {
    if (this.#kind === "mosquitto" && withoutMosquitto !== false) return;
    this.#folder = (await this.keep(daemonFolder())).folder;
    const broker = await this.keep(await (this.#kind === "mosquitto" ? Mosquitto.start() : AedesBroker.start()));
    this.#brokerPort = broker.port;
    const version = this.#kind === "mosquitto" ? 5 : 4;
    this.#ears = await this.keep(Subscriber.connect(broker.port, ["gradeline/board/#"], { protocolVersion: version }));
    await begin();
  }

  async #close(): Promise<void> {
    for (let close = this.#closing.pop(); close !== undefined; close = this.#closing.pop()) await close();
  }
}
