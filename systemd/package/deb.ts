import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  globSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { VERSION } from "../../device/base/version.ts";
import { type Architecture, PACKAGE_HOME, REPOSITORY, treeBytes } from "./tree.ts";

const SCRIPTS = ["postinst", "prerm", "postrm"];
const MOST_PACKED = 90e6;

export interface DebParts {
  readonly root: string;
  readonly work: string;
  readonly out: string;
  readonly architecture: Architecture;
  /** Of zstd. */
  readonly level: number;
}

/** Packs a staged tree. The same sources give the same bytes, but for what npm's registry gives. */
export function buildDeb(parts: DebParts): { path: string; bytes: number }[] {
  const { root, out, architecture, level } = parts;
  writeBuild(root);
  evenTimes(root);
  mkdirSync(out, { recursive: true });
  const name = `gradeline_${VERSION}_${architecture}`;
  const archive = join(out, `${name}.tar.zst`);
  const owned = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name"];
  execFileSync("tar", ["-C", root, ...owned, `--use-compress-program=zstd -q -T0 -${level}`, "-cf", archive, "usr"]);
  writeControl(parts);
  const deb = join(out, `${name}.deb`);
  const how = ["--root-owner-group", "-Zzstd", `-z${level}`];
  execFileSync("dpkg-deb", [...how, "--build", root, deb], { stdio: ["ignore", "ignore", "inherit"] });
  const built = [deb, archive].map((path) => ({ path, bytes: statSync(path).size }));
  const large = built.find(({ bytes }) => bytes > MOST_PACKED);
  if (large !== undefined && level >= 9) {
    throw new GradelineError("INTERNAL", `${large.path} has ${large.bytes} bytes, wanted at most ${MOST_PACKED}`);
  }
  return built;
}

/** Version and a digest of everything that runs: two builds of one version are told apart by it. */
function writeBuild(root: string): void {
  const home = join(root, PACKAGE_HOME);
  const digest = createHash("sha256");
  for (const path of globSync("**/*", { cwd: home }).sort()) {
    const file = join(home, path);
    if (statSync(file).isFile()) digest.update(path).update("\0").update(readFileSync(file));
  }
  writeFileSync(join(home, "BUILD"), `${VERSION}-${digest.digest("hex").slice(0, 8)}\n`);
}

function evenTimes(root: string): void {
  const text = process.env.SOURCE_DATE_EPOCH ?? commitTime();
  const seconds = Number(text);
  for (const path of globSync("**/*", { cwd: root })) lutimesSync(join(root, path), seconds, seconds);
  process.env.SOURCE_DATE_EPOCH = text;
}

function commitTime(): string {
  try {
    return execFileSync("git", ["-C", REPOSITORY, "log", "-1", "--format=%ct"], { encoding: "utf8" }).trim();
  } catch {
    // An archive of the sources has no history.
    return String(Math.floor(statSync(join(REPOSITORY, "package.json")).mtimeMs / 1000));
  }
}

function writeControl({ root, architecture }: DebParts): void {
  const installed = Math.ceil(treeBytes(join(root, "usr")) / 1024);
  const control = join(root, "DEBIAN");
  mkdirSync(control);
  writeFileSync(
    join(control, "control"),
    `Package: gradeline
Version: ${VERSION}
Architecture: ${architecture}
Maintainer: gradeline <gradeline@localhost>
Installed-Size: ${installed}
Section: science
Priority: optional
Depends: libc6 (>= 2.28), libstdc++6, passwd, init-system-helpers
Recommends: systemd
Suggests: mosquitto, gstreamer1.0-tools, gstreamer1.0-plugins-good, libaravis-0.8-0, v4l-utils
Description: grades fruit beside a grading line
 Camera frames in, one verdict per fruit out over MQTT, before the fruit reaches
 its gate. Runs as the service gradeline; gradeline-calibrate setup writes its
 configuration. Node comes with it.
`,
  );
  const sums = globSync("usr/**/*", { cwd: root })
    .sort()
    .filter((path) => statSync(join(root, path)).isFile())
    .map(
      (path) =>
        `${createHash("md5")
          .update(readFileSync(join(root, path)))
          .digest("hex")}  ${path}\n`,
    );
  writeFileSync(join(control, "md5sums"), sums.join(""));
  const scripts = join(REPOSITORY, "systemd/package/scripts");
  for (const name of readdirSync(scripts).filter((each) => SCRIPTS.includes(each))) {
    cpSync(join(scripts, name), join(control, name));
    chmodSync(join(control, name), 0o755);
  }
}
