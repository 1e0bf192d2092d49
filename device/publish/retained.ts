import type { Session } from "./session.ts";

interface Slot {
  readonly qos: 0 | 1;
  payload: string;
  /** Not with the broker of this connection yet. */
  dirty: boolean;
  sending: boolean;
}

/** The latest message of each retained topic: the newest wins, one in flight per topic, all again on each connection. */
export class Retained {
  readonly #slots = new Map<string, Slot>();
  #session: Session | undefined;
  #clean: (() => void)[] = [];

  set(topic: string, payload: string, qos: 0 | 1): void {
    const slot = this.#slots.get(topic);
    if (slot === undefined) this.#slots.set(topic, { qos, payload, dirty: true, sending: false });
    else {
      slot.payload = payload;
      slot.dirty = true;
    }
    this.pump();
  }

  up(session: Session): void {
    this.#session = session;
    for (const slot of this.#slots.values()) {
      slot.dirty = true;
      slot.sending = false;
    }
    this.pump();
  }

  down(): void {
    this.#session = undefined;
    this.#checkClean();
  }

  pump(): void {
    for (const [topic, slot] of this.#slots) {
      if (this.#session === undefined || !slot.dirty || slot.sending) continue;
      slot.dirty = false;
      slot.sending = true;
      const sent = this.#session.publish({ topic, payload: slot.payload, qos: slot.qos, retain: true }, () => {
        slot.sending = false;
        this.pump();
      });
      if (!sent) {
        slot.dirty = true;
        slot.sending = false;
        return;
      }
    }
    this.#checkClean();
  }

  /** Resolves when the broker has the latest of every topic, or the connection is gone. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#clean.push(resolve);
      this.#checkClean();
    });
  }

  #checkClean(): void {
    const busy = this.#session !== undefined && [...this.#slots.values()].some((slot) => slot.dirty || slot.sending);
    if (busy) return;
    for (const resolve of this.#clean.splice(0)) resolve();
  }
}
