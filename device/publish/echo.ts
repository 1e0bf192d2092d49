import type { Carrier, Outgoing, Session } from "./session.ts";

export interface EchoParts {
  /** Topics of the device, up to the `/` after its name. */
  readonly root: string;
  /** A verdict that is not heard for so long, while others can be heard, is kept back by the broker; milliseconds. */
  readonly swallowedMs: number;
  /** Without hearing anything for so long it counts as forbidden to listen; milliseconds. */
  readonly silentMs: number;
  /** Something that `swallowed` or `unverified` says has changed. */
  changed(): void;
  /** A verdict is settled: there is room for another. */
  room(): void;
  /** A verdict came back on a topic that was taken for one that the broker keeps back. */
  passes(topic: string): void;
}

interface Sent {
  readonly topic: string;
  acked: boolean;
  timer: NodeJS.Timeout | undefined;
  readonly settle: () => void;
  readonly refuse: (reason: string) => void;
}

/** Connections that may end while it asks to listen before it does so no more. */
const STRIKES = 2;
const SWALLOWED = "the broker acknowledges it but does not pass it on";

/**
 * Takes verdicts to a broker that speaks MQTT 3.1.1, where an acknowledgement says nothing: a broker may acknowledge
 * what it does not let pass. It listens to the device's own messages, and a verdict counts as delivered when it came
 * back. Where the broker lets it hear nothing at all, the acknowledgement has to do.
 */
export class Echo implements Carrier {
  readonly #parts: EchoParts;
  readonly #sent = new Map<string, Sent>();
  readonly #swallowed = new Set<string>();
  #session: Session | undefined;
  /** Undefined until it is known. */
  #hears: boolean | undefined;
  #asking = false;
  #strikes = 0;

  constructor(parts: EchoParts) {
    this.#parts = parts;
  }

  /** Topics of verdicts that the broker does not pass on. */
  get swallowed(): Iterable<string> {
    return this.#swallowed;
  }

  /** It is connected, and cannot hear whether verdicts are passed on. */
  get unverified(): boolean {
    return this.#session !== undefined && this.#hears === false;
  }

  get limit(): number {
    return this.#session?.limit ?? 0;
  }

  up(session: Session): void {
    this.#session = session;
    this.#swallowed.clear();
    if (this.#strikes >= STRIKES) this.#hears = false;
    else {
      this.#asking = true;
      void this.#listen(session);
    }
  }

  down(): void {
    if (this.#asking) this.#strikes++;
    this.#asking = false;
    this.#session = undefined;
    for (const { timer } of this.#sent.values()) clearTimeout(timer);
    this.#sent.clear();
    // Where it could hear, it is found out anew; where it could not, verdicts need not wait for that.
    if (this.#hears === true) this.#hears = undefined;
  }

  publish(message: Outgoing, acked: () => void, refused: (reason: string) => void): boolean {
    const session = this.#session;
    // The same text twice at once, as two replays give it, could not be told apart when it comes back.
    if (session === undefined || this.#sent.has(message.payload)) return false;
    const { topic, payload } = message;
    const sent: Sent = { topic, acked: false, timer: undefined, settle: acked, refuse: refused };
    this.#sent.set(payload, sent);
    const there = session.publish(
      message,
      () => this.#acknowledged(payload, sent),
      (reason) => {
        this.#sent.delete(payload);
        refused(reason);
      },
    );
    if (!there) this.#sent.delete(payload);
    return there;
  }

  async #listen(session: Session): Promise<void> {
    const heard = (topic: string, payload: string): void => {
      if (session === this.#session) this.#heard(topic, payload);
    };
    try {
      for (const filter of ["lane/+/verdict", "state"]) {
        await session.subscribe(this.#parts.root + filter, (topic, payload) => heard(topic, payload.toString()));
      }
    } catch {
      if (session === this.#session) this.#deaf();
    }
    if (session === this.#session) this.#asking = false;
  }

  #acknowledged(payload: string, sent: Sent): void {
    if (this.#sent.get(payload) !== sent) return;
    sent.acked = true;
    if (this.#hears === false) {
      this.#settle(payload, sent);
      return;
    }
    // In two halves: where the machine stood still, what came meanwhile is read before the second.
    const half = (): number => (this.#hears === undefined ? this.#parts.silentMs : this.#parts.swallowedMs) / 2;
    sent.timer = setTimeout(() => {
      sent.timer = setTimeout(() => this.#missed(payload, sent), half());
    }, half());
  }

  #heard(topic: string, payload: string): void {
    this.#strikes = 0;
    this.#hears = true;
    if (this.#swallowed.delete(topic)) {
      this.#parts.changed();
      this.#parts.passes(topic);
    }
    if (!this.#sent.has(payload)) return;
    for (const [text, sent] of [...this.#sent]) {
      // Those before it were lost on the way back; the broker has passed them on as it did this one.
      if (text === payload || (sent.acked && sent.topic === topic)) this.#settle(text, sent);
      if (text === payload) return;
    }
  }

  #settle(payload: string, sent: Sent): void {
    clearTimeout(sent.timer);
    this.#sent.delete(payload);
    sent.settle();
    this.#parts.room();
  }

  #missed(payload: string, sent: Sent): void {
    if (this.#hears === undefined) {
      this.#deaf();
      return;
    }
    this.#sent.delete(payload);
    if (!this.#swallowed.has(sent.topic)) {
      this.#swallowed.add(sent.topic);
      this.#parts.changed();
    }
    sent.refuse(SWALLOWED);
  }

  /** Nothing of its own can be heard: acknowledgements have to do. */
  #deaf(): void {
    this.#hears = false;
    for (const [payload, sent] of [...this.#sent]) if (sent.acked) this.#settle(payload, sent);
    this.#parts.changed();
  }
}
