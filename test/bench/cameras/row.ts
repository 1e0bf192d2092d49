/** One row of the table: a source of ours, or the tool's own sink on the same frames. */
export interface CameraRow {
  readonly source: string;
  readonly framesPerS: number;
  /** Frames that took place in the measured time and did not come whole to the one who looks at them. */
  readonly missing: number;
  /** Of one core: the process with its threads; absent for a tool alone. */
  readonly ownPercent?: number;
  /** Of one core: the tool alone, or the programs that the source runs; absent where it is a stand-in. */
  readonly programsPercent?: number;
  readonly hopP50Ms?: number;
  readonly hopP99Ms?: number;
  /** Copies in user space between the source's memory and the consumer's eyes. */
  readonly copies?: string;
  readonly rssMb: number;
}

const HEAD =
  "| source | frames/s | missing | CPU here, % of a core | CPU of its programs | hop p50 / p99 ms | copies | RSS MB |\n" +
  "|---|---|---|---|---|---|---|---|\n";

/** The rows as a table in Markdown. */
export function describe(rows: readonly CameraRow[]): string {
  return HEAD + rows.map(line).join("");
}

function line(row: CameraRow): string {
  const { source, framesPerS, missing, ownPercent, programsPercent, hopP50Ms, hopP99Ms, copies, rssMb } = row;
  const hops = hopP50Ms === undefined ? "" : `${hopP50Ms.toFixed(2)} / ${hopP99Ms?.toFixed(2)}`;
  const percent = (value: number | undefined): string => value?.toFixed(1) ?? "";
  const cells = [
    source,
    framesPerS.toFixed(1),
    String(missing),
    percent(ownPercent),
    percent(programsPercent),
    hops,
    copies ?? "",
    rssMb.toFixed(0),
  ];
  return `| ${cells.join(" | ")} |\n`;
}
