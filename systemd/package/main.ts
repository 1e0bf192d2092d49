import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { GradelineError } from "../../device/base/errors.ts";
import { report } from "../../device/base/run.ts";
import { VERSION } from "../../device/base/version.ts";
import { buildDeb } from "./deb.ts";
import { ARCHITECTURES, type Architecture, stageTree } from "./tree.ts";

const HELP = `Builds the Debian package and the archive of the same tree, for either architecture on either machine.

Usage: npm run package -- [--arch amd64|arm64] [--out DIR] [--level N]

  --arch     amd64 or arm64; this machine's where absent
  --out      folder of what is built (default: dist)
  --level    of the compression by zstd, 1 to 19 (default: 12)

It needs dpkg-deb, zstd and tar, and npm's registry. What comes out: gradeline_VERSION_ARCH.deb and .tar.zst.
`;

try {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", default: process.arch === "arm64" ? "arm64" : "amd64" },
      out: { type: "string", default: "dist" },
      level: { type: "string", default: "12" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) process.stdout.write(HELP);
  else build(architectureOf(values.arch), resolve(values.out), levelOf(values.level));
} catch (error) {
  const usage = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
  process.exitCode = report(usage ? new GradelineError("USAGE", (error as Error).message, { hint: "--help" }) : error);
}

function build(architecture: Architecture, out: string, level: number): void {
  const work = mkdtempSync(join(tmpdir(), "gradeline-package-"));
  try {
    const root = join(work, "root");
    stageTree({ root, work, architecture });
    for (const { path, bytes } of buildDeb({ root, work, out, architecture, level })) {
      process.stdout.write(`${path}: ${(bytes / 1e6).toFixed(1)} MB\n`);
    }
    process.stdout.write(`gradeline ${VERSION} for ${architecture}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function architectureOf(text: string): Architecture {
  if (text in ARCHITECTURES) return text as Architecture;
  throw new GradelineError("USAGE", `--arch: found ${text}, wanted ${Object.keys(ARCHITECTURES).join(" or ")}`);
}

function levelOf(text: string): number {
  const level = Number(text);
  if (Number.isInteger(level) && level >= 1 && level <= 19) return level;
  throw new GradelineError("USAGE", `--level: found ${text}, wanted 1 to 19`);
}
