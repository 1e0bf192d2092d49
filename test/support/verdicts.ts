import { formatMicros } from "../../device/base/time.ts";
import { configSchema, type JournalConfig } from "../../device/config/schema.ts";
import type { VerdictDraft } from "../../device/contract/messages.ts";

/** A verdict as a lane hands it over; the same for the same lane and number. */
export function draft(lane: string, n: number, device = "board"): VerdictDraft {
  const at = 1_790_000_000_000_000 + n * 100_000;
  return {
    v: 2,
    device,
    lane,
    item: `${lane}-run-${n}`,
    outcome: "graded",
    outcomeCode: 1,
    grade: "sound",
    gradeCode: 1,
    margin: 0.42,
    grades: [
      { grade: "sound", distance: 0.31, pValue: 0.8 },
      { grade: "second", distance: 0.29, pValue: null },
      { grade: "reject", distance: 0.27, pValue: null },
    ],
    views: 9,
    sizeMm: 71.5,
    cup: null,
    exposedAt: formatMicros(at),
    decidedAt: formatMicros(at + 20_000),
    gateAt: formatMicros(at + 500_000),
    late: false,
    recipe: null,
    model: "0123456789abcdef",
    gallery: "fedcba9876543210",
    ms: { vision: 4.1, embed: 11.2, grade: 0.3 },
  };
}

/** What a journal adds to a draft beside its number. */
export const STORED = { epoch: "0a1b2c3d" } as const;

/** As an operator configures a journal who names nothing but what is given. */
export function journalConfig(given: Partial<JournalConfig> & { readonly path: string }): JournalConfig {
  return { ...configSchema.shape.journal.parse({}), ...given };
}
