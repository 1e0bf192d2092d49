import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { GradelineError } from "../../device/base/errors.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const PRINT_MS = 60_000;

/** A browser of this machine that prints without a screen; undefined where there is none. */
export function findChromium(path = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * Prints an HTML file on A4.
 *
 * @throws {GradelineError} FILE where this machine has no Chromium, or it does not print
 */
export async function printPdf(htmlPath: string, pdfPath: string): Promise<void> {
  const browser = findChromium();
  if (browser === undefined) {
    throw new GradelineError("FILE", "a PDF needs Chromium, and this machine has none", {
      hint: "apt-get install chromium, or print the file of --html from any browser: it is made for A4",
    });
  }
  const profile = await mkdtemp(join(tmpdir(), "gradeline-print-"));
  try {
    const words = [
      "--headless",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      `--user-data-dir=${profile}`,
      // Chromium's own sandbox refuses to run as root; the page has no script and loads nothing.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--no-pdf-header-footer",
      `--print-to-pdf=${resolve(pdfPath)}`,
      pathToFileURL(resolve(htmlPath)).href,
    ];
    await promisify(execFile)(browser, words, { timeout: PRINT_MS });
    accessSync(pdfPath, constants.R_OK);
  } catch (cause) {
    throw new GradelineError(
      "FILE",
      `${browser} did not print ${pdfPath}: ${(cause as Error).message.split("\n")[0]}`,
      {
        hint: "print the file of --html from any browser: it is made for A4",
        cause,
      },
    );
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
