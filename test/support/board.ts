import { afterEach, beforeEach } from "node:test";
import type { ConfigInput } from "../../device/base/config.ts";
import { nowMicros } from "../../device/base/time.ts";
import { AedesBroker } from "./broker-aedes.ts";
import { Daemon, daemonFolder } from "./daemon.ts";
import { smallLine } from "./line-config.ts";
import { Subscriber } from "./subscriber.ts";

/** What tests of a whole daemon stand on: a folder with a gallery, a broker, and whatever a test opens besides. */
export class Board {
  #folder = "";
  #broker: AedesBroker | undefined;
  readonly #closing: (() => Promise<unknown>)[] = [];

  private constructor() {}

  /** A new one before each test of the file or the suite; after it everything is closed, the newest first. */
  static forEachTest(): Board {
    const board = new Board();
    beforeEach(async () => {
      board.#folder = (await board.keep(daemonFolder())).folder;
      board.#broker = await board.keep(AedesBroker.start());
    });
    afterEach(async () => {
      for (let close = board.#closing.pop(); close !== undefined; close = board.#closing.pop()) await close();
    });
    return board;
  }

  get folder(): string {
    return this.#folder;
  }

  get broker(): AedesBroker {
    return this.#broker!;
  }

  /** Closes a part after the test. */
  async keep<T extends { close(): Promise<unknown> }>(opening: T | Promise<T>): Promise<T> {
    const part = await opening;
    this.#closing.push(() => part.close());
    return part;
  }

  /** Hears everything that the daemon publishes. */
  ears(): Promise<Subscriber> {
    return this.keep(Subscriber.connect(this.broker.port, ["gradeline/board/#"], { protocolVersion: 4 }));
  }

  /**
   * Starts a daemon with a small simulated line; killed after the test.
   *
   * @param more members of the configuration
   * @param brokerPort of something between it and the broker
   */
  async start(
    more: Partial<ConfigInput>,
    environment: Readonly<Record<string, string>> = {},
    brokerPort = this.broker.port,
  ): Promise<Daemon> {
    const config = smallLine({ folder: this.#folder, brokerPort, pace: "real", startAt: nowMicros(), more });
    const daemon = await Daemon.start(this.#folder, config, [], environment);
    this.#closing.push(() => daemon.kill());
    return daemon;
  }
}
