import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const found = spawnSync("sh", ["-c", "command -v soffice || command -v libreoffice"], {
  encoding: "utf8",
}).stdout.trim();

/** Why a test that needs a spreadsheet is skipped; false where there is one. */
export const withoutOffice: string | false = found === "" && "needs apt-get install libreoffice-calc-nogui";

/** Opens a table in LibreOffice and writes it out again: what a spreadsheet made of it, cell by cell, words and numbers alike. */
export async function throughOffice(csv: string): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-office-"));
  try {
    // 44: comma, 34: quotes, 76: UTF-8, 1: from the first line.
    const words = [
      `-env:UserInstallation=file://${folder}/profile`,
      "--headless",
      "--infilter=CSV:44,34,76,1",
      "--convert-to",
      "csv:Text - txt - csv (StarCalc):9,34,76,1",
      "--outdir",
      join(folder, "out"),
      csv,
    ];
    await promisify(execFile)(found, words, { timeout: 120_000 });
    return (await readFile(join(folder, "out", basename(csv)), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t").map((cell) => cell.replace(/^"(.*)"$/, "$1")));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
