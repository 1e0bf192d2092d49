import { GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";
import { type Lot, type LotOnLane, lotSchema } from "../../device/contract/lot.ts";
import { DaemonLink } from "../daemon/daemon-link.ts";

/** A lot as it is given on the command line. */
export interface LotWords {
  readonly id: string;
  readonly grower?: string | undefined;
  readonly variety?: string | undefined;
  readonly bin?: string | undefined;
  /** `NAME=VALUE` */
  readonly fields: readonly string[];
}

/** @throws {GradelineError} USAGE where a word is not as a lot's may be */
export function lotOf({ id, grower, variety, bin, fields }: LotWords): Lot {
  const pairs = fields.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new GradelineError("USAGE", `--field is ${JSON.stringify(text)}, wanted NAME=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  const parsed = lotSchema.safeParse({
    id,
    grower,
    variety,
    bin,
    ...(pairs.length === 0 ? {} : { fields: Object.fromEntries(pairs) }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new GradelineError("USAGE", `the lot's ${issue!.path.join(".")} is not as wanted: ${issue!.message}`);
}

/**
 * `lot set`, `lot end`, `lot show`: changes or shows which lots are on.
 *
 * @param lot null: none from now on; undefined: show only
 */
export async function currentLots(
  config: Config,
  lane: string | undefined,
  lot: Lot | null | undefined,
  json: boolean,
): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    const answer = await link.ask("lot", {
      ...(lane === undefined ? {} : { lane }),
      ...(lot === undefined ? {} : { lot }),
    });
    process.stdout.write(json ? `${JSON.stringify(answer)}\n` : answer.lots.map(describe).join(""));
  } finally {
    await link.close();
  }
}

function describe({ lane, lot, since }: LotOnLane): string {
  if (lot === null) return `lane ${lane}: no lot\n`;
  const { id, fields = {}, ...rest } = lot;
  const more = [...Object.entries(rest), ...Object.entries(fields)].map(([name, value]) => `, ${name} ${value}`);
  return `lane ${lane}: lot ${id}${more.join("")}, since ${since!.slice(0, 19)}Z\n`;
}
