import { type Micros, nowMicros } from "../base/time.ts";
import { type MessageForm, verdictText } from "../contract/form.ts";
import type { Verdict } from "../contract/messages.ts";
import type { Appended, Journal } from "./journal.ts";
import type { JournalRow } from "./journal-store.ts";
import type { Session } from "./session.ts";

/** Verdicts in memory that wait for their turn; the rest waits in the journal. */
const CAPACITY = 256;

interface Ready {
  readonly row: JournalRow;
  /** Undefined where it was read from the journal: only its text is needed until somebody asks. */
  readonly verdict: Verdict | undefined;
}

export interface OutboxParts {
  readonly journal: Journal;
  /** In flight at once. */
  readonly window: number;
  readonly form: MessageForm;
  topicOf(lane: string): string;
  acked(verdict: Verdict, at: Micros): void;
  failed(error: unknown): void;
}

/**
 * Hands verdicts to the broker in the order of the journal, `window` at a time. Fresh ones go straight from memory;
 * after an outage, or when they come faster than the broker takes them, they are read from the journal.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  #session: Session | undefined;
  #queue: Ready[] = [];
  #inFlight = 0;
  /** There is, or may be, more in the journal than in the queue. */
  #behind = true;
  #reading = false;
  /** Largest id ever queued on this connection, and largest that the journal reported. */
  #queued = 0;
  #newest = 0;
  #acknowledged = 0;
  #idle: (() => void)[] = [];

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Verdicts that the broker has acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** A verdict that has just become durable. */
  offer(appended: Appended): void {
    if (appended.repeated) return;
    const { row, verdict } = appended;
    this.#newest = Math.max(this.#newest, row.id);
    if (this.#behind || row.id <= this.#queued) return;
    if (this.#session === undefined || this.#queue.length >= CAPACITY) {
      this.#behind = true;
      return;
    }
    this.#queued = row.id;
    this.#queue.push({ row, verdict });
    this.pump();
  }

  up(session: Session): void {
    this.#session = session;
    this.#inFlight = 0;
    this.#queued = 0;
    this.#behind = true;
    this.pump();
  }

  /** What was in flight is in the journal still, and is sent again by the next session. */
  down(): void {
    this.#session = undefined;
    this.#queue = [];
    this.#inFlight = 0;
    this.#behind = true;
    this.#checkIdle();
  }

  /** Sends what may be sent now. */
  pump(): void {
    while (this.#session !== undefined && this.#queue.length > 0 && this.#inFlight < this.#parts.window) {
      if (!this.#send(this.#session, this.#queue[0]!)) break;
      this.#queue.shift();
    }
    if (this.#session !== undefined && this.#behind && !this.#reading && this.#queue.length < CAPACITY / 2) {
      this.#read(this.#session).catch(this.#parts.failed);
    }
    this.#checkIdle();
  }

  /** Resolves when everything that is durable is acknowledged, or the connection is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#checkIdle();
    });
  }

  #send(session: Session, ready: Ready): boolean {
    const { row } = ready;
    const message = {
      topic: this.#parts.topicOf(row.lane),
      payload: verdictText(this.#parts.form, row.payload, false),
      qos: 1,
      retain: false,
    } as const;
    const sent = session.publish(message, () => {
      this.#inFlight--;
      this.#acknowledged++;
      this.#parts.journal.ack([row.id]);
      this.#parts.acked(ready.verdict ?? (JSON.parse(row.payload) as Verdict), nowMicros());
    });
    if (sent) this.#inFlight++;
    return sent;
  }

  async #read(session: Session): Promise<void> {
    this.#reading = true;
    try {
      const limit = CAPACITY - this.#queue.length;
      const rows = await this.#parts.journal.pending(limit, this.#queued);
      if (session === this.#session) {
        for (const row of rows) {
          this.#queue.push({ row, verdict: undefined });
          this.#queued = row.id;
        }
        // A row that was reported while this read ran and is not in it makes another read.
        this.#behind = rows.length > 0 && (rows.length === limit || this.#newest > this.#queued);
      }
    } finally {
      this.#reading = false;
    }
    this.pump();
  }

  #checkIdle(): void {
    const busy = this.#queue.length > 0 || this.#inFlight > 0 || this.#behind || this.#reading;
    if (this.#session !== undefined && busy) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
