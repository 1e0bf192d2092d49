import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { VERSION } from "../../../device/base/version.ts";
import { emulated } from "../../support/ort-arm64.ts";
import { buildPackage } from "../../support/package-made.ts";

const skip = process.env.GRADELINE_ARM64 === "1" ? false : "takes minutes and a network: GRADELINE_ARM64=1 emulates it";
const CONFIG = "device: board-7\ncameras: []\nlanes: []\n";

describe("the package for arm64, unpacked on an emulated board", { skip }, () => {
  let work: string;
  let home: string;
  let deb: string;
  let start: Awaited<ReturnType<typeof emulated>>;
  before(async () => {
    work = mkdtempSync(join(tmpdir(), "gradeline-arm64-"));
    mkdirSync(join(work, "dist"));
    deb = buildPackage(join(work, "dist"), "arm64");
    assert.equal(execFileSync("dpkg-deb", ["-f", deb, "Architecture"], { encoding: "utf8" }), "arm64\n");
    execFileSync("dpkg-deb", ["-x", deb, join(work, "board")]);
    home = join(work, "board/usr/lib/gradeline/package");
    start = await emulated(work, home);
  });
  after(() => rmSync(work, { recursive: true, force: true }));

  function node(...args: string[]): { status: number | null; out: string } {
    const [program, ...rest] = start(join(home, "bin/node"), ...args);
    const { status, stdout, stderr } = spawnSync(program!, rest, { encoding: "utf8" });
    return { status, out: `${stdout}${stderr}` };
  }

  test("it has at most 90 MB as it is released, and 225 MB when it is installed", () => {
    assert.ok(statSync(deb).size <= 90e6, `${statSync(deb).size} bytes`);
    const installed = execFileSync("dpkg-deb", ["-f", deb, "Installed-Size"], { encoding: "utf8" });
    assert.ok(Number(installed) * 1024 <= 225e6, `${installed.trim()} kB`);
  });

  test("daemon and command line say their version, and the daemon's check proves the model", () => {
    assert.ok(statSync(join(home, "bin/node")).size > 50_000_000);
    assert.deepEqual(node("device/main.ts", "--version"), { status: 0, out: `${VERSION}\n` });
    assert.deepEqual(node("calibrate/main.ts", "--version"), { status: 0, out: `${VERSION}\n` });
    const config = join(work, "gradeline.yaml");
    writeFileSync(config, `${CONFIG}gallery: ${work}/gallery\njournal: { path: ${work}/journal.sqlite }\n`);
    const { status, out } = node("device/main.ts", "--config", config, "--check");
    assert.equal(status, 0, out);
    assert.match(out, /fine, 0 references/);
    assert.match(out, /golden cosine 1\.0000/);
  });
});
