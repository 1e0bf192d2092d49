import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TINY } from "./embedder-tiny.ts";
import { type Ran, runProgram } from "./gallery-photos.ts";

/**
 * Runs `gradeline-calibrate`. What the first run compiled serves the others, of all tests or at least of the folder:
 * half of a run is to start.
 */
export function runCalibrate(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const cache = { NODE_COMPILE_CACHE: join(folder, "compiled") };
  return runProgram("calibrate/main.ts", args, { ...cache, ...process.env, ...env });
}

/** A folder to calibrate in, with a command line of its own. */
export class CalibrateFolder {
  readonly path: string;
  #galleries = 0;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(name: string): Promise<CalibrateFolder> {
    return new CalibrateFolder(await mkdtemp(join(tmpdir(), `gradeline-${name}-`)));
  }

  /** A folder for a gallery that no other test uses. */
  freshGallery(): string {
    return join(this.path, `gallery-${this.#galleries++}`);
  }

  readonly run = (...args: string[]): Promise<Ran> => runCalibrate(this.path, args);

  /** On a machine that has Node and nothing else. */
  readonly runWithoutPrograms = (...args: string[]): Promise<Ran> => runCalibrate(this.path, args, { PATH: this.path });

  /** Every word of the command line, then the model that needs no second to load. */
  readonly tiny = (...args: string[]): Promise<Ran> => this.run(...args, "--model", TINY);

  /** What a command says as JSON, and which warnings. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it and say what they find
  readonly told = async (...args: string[]): Promise<{ found: any; stderr: string }> => {
    const { status, stdout, stderr } = await this.tiny(...args, "--json");
    assert.equal(status, 0, stderr);
    assert.equal(stdout.split("\n").length, 2, "one line");
    return { found: JSON.parse(stdout), stderr };
  };

  /** The same where nothing is to be warned of. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly json = async (...args: string[]): Promise<any> => {
    const { found, stderr } = await this.told(...args);
    assert.equal(stderr, "");
    return found;
  };

  close(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}
