import type { AsideJob } from "./aside.ts";

interface Slot {
  readonly qos: 0 | 1;
  payload: string;
  /** Not with the broker of this connection yet. */
  dirty: boolean;
}

/** The latest message of each retained topic: the newest wins, and all are sent again on each connection. */
export class Retained {
  readonly #slots = new Map<string, Slot>();
  #sending: string | undefined;
  #connected = false;
  #skip: (topic: string) => boolean = () => false;
  #clean: (() => void)[] = [];

  set(topic: string, payload: string, qos: 0 | 1): void {
    const slot = this.#slots.get(topic);
    if (slot === undefined) this.#slots.set(topic, { qos, payload, dirty: true });
    else {
      slot.payload = payload;
      slot.dirty = true;
    }
  }

  up(): void {
    this.#connected = true;
    this.#sending = undefined;
    for (const slot of this.#slots.values()) slot.dirty = true;
  }

  down(): void {
    this.#connected = false;
    this.#sending = undefined;
    this.#checkClean();
  }

  /** The next message that the broker does not have. @param skip topics that are left alone */
  next(skip: (topic: string) => boolean): AsideJob | undefined {
    this.#skip = skip;
    for (const [topic, slot] of this.#slots) {
      if (!slot.dirty || skip(topic)) continue;
      return { topic, send: (session, done) => this.#send(topic, slot, session, done) };
    }
    this.#checkClean();
    return undefined;
  }

  /** Resolves when the broker has the latest of every topic that it takes, or the connection is gone. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#clean.push(resolve);
      this.#checkClean();
    });
  }

  #send(topic: string, slot: Slot, ...[session, done]: Parameters<AsideJob["send"]>): boolean {
    const ended = (problem?: string): void => {
      this.#sending = undefined;
      done(problem);
      this.#checkClean();
    };
    slot.dirty = false;
    const message = { topic, payload: slot.payload, qos: slot.qos, retain: true };
    if (session.publishAside(message, ended, ended)) {
      this.#sending = topic;
      return true;
    }
    slot.dirty = true;
    return false;
  }

  #checkClean(): void {
    const waits = ([topic, slot]: [string, Slot]): boolean => slot.dirty && !this.#skip(topic);
    const busy = this.#connected && (this.#sending !== undefined || [...this.#slots].some(waits));
    if (busy) return;
    for (const resolve of this.#clean.splice(0)) resolve();
  }
}
