import type { Contender } from "./contenders.ts";
import { quantile } from "./quantile.ts";

/** Two backends on one batch size, call by call in turn: what slows the machine for a while meets both. */
export interface EmbedPair {
  readonly backend: string;
  readonly against: string;
  readonly precision: string;
  readonly batch: number;
  /** Calls of each. */
  readonly pairs: number;
  /** Time from call to result over that of the other's call beside it: below 1 is faster. */
  readonly call: Ratio;
  /** The same of the library's own run. */
  readonly library: Ratio;
}

export interface Ratio {
  /** Median over the pairs. */
  readonly median: number;
  /** Standard error of it. */
  readonly error: number;
}

/** Fewest calls of each: where one takes long its time varies most. */
const PAIRS = 40;
/** Standard error of a median over n values that vary as a normal distribution does, in their quartiles' distance / √n. */
const ERROR_OF_MEDIAN = 0.93;

/** Every native backend against onnxruntime-node with the same provider and precision. */
export async function measurePairs(
  contenders: readonly Contender[],
  batch: number,
  forMs: number,
): Promise<EmbedPair[]> {
  const pairs: EmbedPair[] = [];
  for (const native of contenders) {
    const node = contenders.find(
      ({ backend, precision }) =>
        backend === native.backend.replace(/^native/, "node") && precision === native.precision,
    );
    if (node !== undefined && node !== native) pairs.push(await measurePair(native, node, batch, forMs));
  }
  return pairs;
}

async function measurePair(one: Contender, other: Contender, batch: number, forMs: number): Promise<EmbedPair> {
  const call: number[] = [];
  const library: number[] = [];
  const time = async ({ run, libraryMs }: Contender): Promise<{ callMs: number; libraryMs: number }> => {
    const since = performance.now();
    await run(batch, 0);
    const callMs = performance.now() - since;
    return { callMs, libraryMs: libraryMs() ?? callMs };
  };
  await time(one);
  await time(other);
  const since = performance.now();
  for (let pair = 0; pair < PAIRS || performance.now() - since < forMs; pair++) {
    // Who comes first changes, so that neither always follows the other.
    const first = await time(pair % 2 === 0 ? one : other);
    const second = await time(pair % 2 === 0 ? other : one);
    const [mine, theirs] = pair % 2 === 0 ? [first, second] : [second, first];
    call.push(mine.callMs / theirs.callMs);
    library.push(mine.libraryMs / theirs.libraryMs);
  }
  return {
    backend: one.backend,
    against: other.backend,
    precision: one.precision,
    batch,
    pairs: call.length,
    call: ratioOf(call),
    library: ratioOf(library),
  };
}

function ratioOf(values: readonly number[]): Ratio {
  const spread = quantile(values, 0.75) - quantile(values, 0.25);
  return { median: quantile(values, 0.5), error: (ERROR_OF_MEDIAN * spread) / Math.sqrt(values.length) };
}
