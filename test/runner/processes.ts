import { readdirSync, readFileSync } from "node:fs";

/** In the environment of a test file's process, and so in that of all that it starts, whatever group they are in. */
export const MARK = "GRADELINE_TEST_RUN";

/** Of a second, in which the kernel counts processor time. */
const TICKS = 100;

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Used by itself and by those of its children that ended, seconds. */
  readonly processorS: number;
  readonly command: string;
}

/** @returns the living processes by the mark of their environment, their descendants among them; none without /proc */
export function markedProcesses(): Map<string, Process[]> {
  const all = new Map<number, Process>();
  const marks = new Map<number, string>();
  for (const name of namesIn("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      // The program's name stands in brackets and may hold anything.
      const [state, parent, ...rest] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
      if (state === "Z") continue;
      // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), the third of which is `state`.
      const ticks = rest.slice(9, 13).reduce((sum, field) => sum + Number(field), 0);
      const command = shortened(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
      all.set(pid, { pid, parent: Number(parent), processorS: ticks / TICKS, command });
      const mark = readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .find((entry) => entry.startsWith(`${MARK}=`));
      if (mark !== undefined) marks.set(pid, mark.slice(MARK.length + 1));
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
  const marked = new Map<string, Process[]>();
  for (const process of all.values()) {
    let at: Process | undefined = process;
    while (at !== undefined && !marks.has(at.pid)) at = all.get(at.parent);
    if (at === undefined) continue;
    const mark = marks.get(at.pid)!;
    marked.set(mark, [...(marked.get(mark) ?? []), process]);
  }
  return marked;
}

/** Program and arguments without options, of which Node gives its children dozens. */
function shortened([program = "", ...args]: readonly string[]): string {
  const words = [program.split("/").at(-1)!, ...args.filter((word) => word !== "" && !word.startsWith("-"))];
  return words.join(" ").slice(0, 160);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Ends all processes of a mark, and those that they start meanwhile. @returns the commands of those it found */
export function endMarked(mark: string): string[] {
  const commands: string[] = [];
  for (let round = 0; round < 10; round++) {
    const found = markedProcesses().get(mark) ?? [];
    if (found.length === 0) break;
    for (const { pid, command } of found) {
      if (!commands.includes(command)) commands.push(command);
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  return commands;
}
