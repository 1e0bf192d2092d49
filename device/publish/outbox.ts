import { type Micros, nowMicros } from "../base/time.ts";
import { type MessageForm, USUAL_FORM, verdictText } from "../contract/form.ts";
import { type Verdict, verdictSchema } from "../contract/messages.ts";
import type { Cursor } from "./cursor.ts";
import type { Appended } from "./journal.ts";
import type { JournalRow } from "./journal-row.ts";
import type { Selection } from "./journal-statements.ts";
import type { Carrier } from "./session.ts";

/** Verdicts in memory that wait for their turn, fresh ones and those of the backlog each; the rest is in the journal. */
const CAPACITY = 256;

interface Ready {
  readonly id: number;
  readonly verdict: Verdict;
  readonly text: string;
  /** Asked for by `replay`: the cursor has nothing to do with it. */
  readonly replay: Replay | undefined;
}

/** Kept verdicts that somebody wants again. */
interface Replay {
  readonly of: Selection;
  /** Numbers that were read, and that the broker has. */
  read: number;
  acked: number;
  /** Read, and not acknowledged yet. */
  out: number;
  /** There are no more than were read. */
  whole: boolean;
}

export interface OutboxParts {
  readonly cursor: Cursor;
  /** Fresh ones in flight at once, and as many of the backlog beside them. */
  readonly window: number;
  readonly form: MessageForm;
  topicOf(lane: string): string;
  select(of: Selection, limit: number, after: number): Promise<readonly JournalRow[]>;
  /** @param fresh sent at once, not late after an outage or again */
  acked(verdict: Verdict, at: Micros, fresh: boolean): void;
  /** The journal holds something that is no verdict of the contract; it is not published. */
  refused(row: JournalRow, reason: string): void;
  failed(error: unknown): void;
  /** The broker does not take a verdict; those of its lane stay in the journal until the next connection. */
  held(lane: string, reason: string): void;
}

/**
 * Hands verdicts to the broker. Fresh ones go straight from memory on a window of their own; what waits in the journal
 * after an outage, or because they came faster than the broker takes them, goes beside them, marked as backlog. Each
 * of the two keeps its order.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  #session: Carrier | undefined;
  #fresh: Ready[] = [];
  #late: Ready[] = [];
  readonly #inFlight = { fresh: 0, late: 0 };
  /** Ids of fresh ones, queued or in flight: reading the journal finds them, too. */
  #known = new Set<number>();
  /** Acknowledged while the journal is being read. */
  readonly #gone: number[] = [];
  /** There is, or may be, more in the journal than in the queues. */
  #behind = true;
  #reading = false;
  /** Largest id that was read on this connection. */
  #read = 0;
  readonly #replays: Replay[] = [];
  #acknowledged = 0;
  /** Lanes whose verdicts the broker does not take on this connection. */
  readonly #held = new Set<string>();
  #idle: (() => void)[] = [];

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Verdicts that the broker has acknowledged, repeats included. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** A verdict that has just become durable. */
  offer({ row, verdict }: Appended): void {
    if (this.#session === undefined || this.#fresh.length >= CAPACITY) {
      this.#behind = true;
      return;
    }
    // Where the journal's thread was lost, rows are in the file before their commit is heard of.
    if (row.id <= this.#read) return;
    this.#known.add(row.id);
    this.#fresh.push({
      id: row.id,
      verdict,
      text: verdictText(this.#parts.form, row.payload, false),
      replay: undefined,
    });
    this.pump();
  }

  /** Sends kept verdicts again, as backlog, when what nobody has got yet is out. */
  replay(of: Selection): void {
    this.#replays.push({ of, read: 0, acked: 0, out: 0, whole: false });
    this.pump();
  }

  get replaying(): number {
    return this.#replays.length;
  }

  up(session: Carrier): void {
    this.down();
    this.#session = session;
    this.pump();
  }

  /** Verdicts in flight are still in the journal; the next session sends them again. */
  down(): void {
    this.#session = undefined;
    this.#fresh = [];
    this.#late = [];
    this.#known = new Set();
    this.#inFlight.fresh = 0;
    this.#inFlight.late = 0;
    this.#read = 0;
    this.#behind = true;
    this.#held.clear();
    for (const replay of this.#replays) Object.assign(replay, { read: replay.acked, out: 0, whole: false });
    this.#checkIdle();
  }

  /** Sends what may be sent now, fresh ones first. */
  pump(): void {
    const session = this.#session;
    if (session !== undefined) {
      this.#send(session, this.#fresh, "fresh", this.#parts.window);
      // A broker that takes few at once keeps half of that for fresh ones.
      const room = session.limit - this.#inFlight.fresh - Math.min(this.#parts.window, session.limit >> 1);
      if (session.limit > 1 || this.#inFlight.fresh === 0) {
        this.#send(session, this.#late, "late", Math.min(this.#parts.window, Math.max(1, room)));
      }
      const more = this.#behind || this.#replays.some(({ whole }) => !whole);
      if (more && !this.#reading && this.#late.length < CAPACITY / 2) {
        this.#readMore(session).catch(this.#parts.failed);
      }
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

  #send(session: Carrier, queue: Ready[], kind: "fresh" | "late", window: number): void {
    while (queue.length > 0 && this.#inFlight[kind] < window) {
      const ready = queue[0]!;
      if (this.#held.has(ready.verdict.lane)) {
        queue.shift();
        if (ready.replay !== undefined) this.#replayed(ready.replay);
      } else if (this.#publish(session, ready, kind)) {
        queue.shift();
        this.#inFlight[kind]++;
      } else return;
    }
  }

  #publish(session: Carrier, ready: Ready, kind: "fresh" | "late"): boolean {
    const { lane } = ready.verdict;
    const acked = (): void => {
      this.#inFlight[kind]--;
      this.#acked(ready, kind === "fresh");
    };
    const refused = (reason: string): void => {
      this.#inFlight[kind]--;
      if (ready.replay !== undefined) this.#replayed(ready.replay);
      if (!this.#held.has(lane)) {
        this.#held.add(lane);
        this.#parts.held(lane, reason);
      }
      this.pump();
    };
    return session.publish(
      { topic: this.#parts.topicOf(lane), payload: ready.text, qos: 1, retain: false },
      acked,
      refused,
    );
  }

  #acked({ id, verdict, replay }: Ready, fresh: boolean): void {
    this.#acknowledged++;
    if (replay !== undefined) {
      replay.acked = Math.max(replay.acked, verdict.seq);
      this.#replayed(replay);
    } else {
      // What is being read may still have it.
      if (this.#reading) this.#gone.push(id);
      else this.#known.delete(id);
      this.#parts.cursor.ack([id]);
    }
    this.#parts.acked(verdict, nowMicros(), fresh);
  }

  async #readMore(session: Carrier): Promise<void> {
    this.#reading = true;
    try {
      const limit = CAPACITY - this.#late.length;
      if (this.#behind) await this.#readBacklog(session, limit);
      else await this.#readReplay(session, limit);
    } finally {
      this.#reading = false;
      for (const id of this.#gone) this.#known.delete(id);
      this.#gone.length = 0;
    }
    this.pump();
  }

  async #readBacklog(session: Carrier, limit: number): Promise<void> {
    this.#behind = false;
    const rows = await this.#parts.cursor.read(limit, this.#read).catch((error: unknown) => {
      this.#behind = true;
      throw error;
    });
    if (session !== this.#session) return;
    this.#behind ||= rows.length === limit;
    for (const row of rows) {
      this.#read = row.id;
      if (!this.#known.has(row.id)) this.#queue(row, undefined);
    }
  }

  async #readReplay(session: Carrier, limit: number): Promise<void> {
    const replay = this.#replays.find(({ whole }) => !whole)!;
    const rows = await this.#parts.select(replay.of, limit, replay.read);
    if (session !== this.#session) return;
    replay.whole = rows.length < limit;
    // One more, so that it is not over before all of them are queued.
    replay.out += rows.length + 1;
    for (const row of rows) {
      replay.read = row.seq;
      this.#queue(row, replay);
    }
    this.#replayed(replay);
  }

  /** One verdict of it is done with. It is over when all are: a connection that ends earlier begins it anew from there. */
  #replayed(replay: Replay): void {
    replay.out--;
    const at = this.#replays.indexOf(replay);
    if (replay.whole && replay.out === 0 && at >= 0) this.#replays.splice(at, 1);
  }

  #queue(row: JournalRow, replay: Replay | undefined): void {
    const current = verdictText(USUAL_FORM, row.payload, true);
    const { data: verdict, error } = verdictSchema.safeParse(JSON.parse(current));
    if (verdict === undefined) {
      this.#parts.cursor.ack([row.id]);
      if (replay !== undefined) this.#replayed(replay);
      this.#parts.refused(row, error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
      return;
    }
    this.#late.push({ id: row.id, verdict, text: verdictText(this.#parts.form, row.payload, true), replay });
  }

  #checkIdle(): void {
    const { fresh, late } = this.#inFlight;
    const busy = this.#fresh.length + this.#late.length + fresh + late > 0 || this.#behind || this.#reading;
    if (this.#session !== undefined && busy) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
