import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { VERSION } from "../../device/base/version.ts";
import { writeLicences } from "./licences.ts";
import { writeManuals } from "./manual.ts";

/** Debian's name of an architecture, to npm's. */
export const ARCHITECTURES = { amd64: "x64", arm64: "arm64" } as const;
export type Architecture = keyof typeof ARCHITECTURES;

const REPOSITORY = join(import.meta.dirname, "../..");
/** Where dpkg unpacks it. What runs is a linked copy of it, which dpkg does not touch: see scripts/postinst. */
export const PACKAGE_HOME = "usr/lib/gradeline/package";
const MB = 1e6;
const MOST_INSTALLED = 225 * MB;
/** What the daemon never reads, by where it lies in `node_modules`. */
const DEAD = [
  "*/{doc,docs,test,tests,__tests__,example,examples,benchmark,benchmarks,bench,.github}",
  "@*/*/{doc,docs,test,tests,example,examples,.github}",
  "**/*.{map,md,markdown,ts,cts,mts,tsbuildinfo,flow}",
  "**/{.npmignore,.eslintrc*,.travis.yml,.editorconfig}",
  "{@types,undici-types,.cache,.bin}",
  "koffi/{vendor,lib}",
  "**/*.{cc,hh,cpp,h,inc,S,asm,gyp}",
  "@koromix/*/musl_*",
  "sharp/{src,install}",
  "onnxruntime-node/{script,lib/**/*.ts}",
  "zod/src",
  // Modbus over a serial line: the daemon speaks it over TCP alone.
  "{serialport,@serialport}",
  "mqtt/{dist,bin,help}",
  "node-linux-*/{include,share,CHANGELOG.md}",
];

export interface Stage {
  /** Becomes the root file system's part of the package. */
  readonly root: string;
  /** For temporary files. */
  readonly work: string;
  readonly architecture: Architecture;
}

/** Lays out everything that the package installs. */
export function stageTree({ root, work, architecture }: Stage): void {
  const home = join(root, PACKAGE_HOME);
  mkdirSync(home, { recursive: true });
  copySources(home);
  installModules(home, work, architecture);
  const modules = join(home, "node_modules");
  // Before the pruning: licences are kept by a file of their own.
  writeLicences(modules, join(root, "usr/share/doc/gradeline"));
  prune(modules, architecture);
  const node = join(modules, `node-linux-${ARCHITECTURES[architecture]}`);
  mkdirSync(join(home, "bin"));
  renameSync(join(node, "bin/node"), join(home, "bin/node"));
  rmSync(node, { recursive: true });
  installService(root, home);
  writeManuals(root);
  checkTree(root, architecture);
}

/** The sources as they are: Node runs them unbuilt, as long as they are not under `node_modules`. */
function copySources(home: string): void {
  for (const path of ["device", "calibrate", "package.json", "LICENSE"]) {
    cpSync(join(REPOSITORY, path), join(home, path), { recursive: true });
  }
  mkdirSync(join(home, "models"));
  for (const entry of readdirSync(join(REPOSITORY, "models"), { withFileTypes: true })) {
    if (entry.isFile() && entry.name !== "EXPERIMENTS.md") {
      cpSync(join(REPOSITORY, "models", entry.name), join(home, "models", entry.name));
    }
  }
  mkdirSync(join(home, "systemd"));
  for (const name of ["back-off", "gradeline.service", "gradeline.example.yaml", "gradeline.schema.json", "drop-ins"]) {
    cpSync(join(REPOSITORY, "systemd", name), join(home, "systemd", name), { recursive: true });
  }
  cpSync(join(REPOSITORY, "systemd/package/state.ts"), join(home, "systemd/state.ts"));
  const state = join(home, "systemd/state.ts");
  // It lies one folder higher there.
  writeFileSync(state, readFileSync(state, "utf8").replaceAll('"../../', '"../'));
}

function installModules(home: string, work: string, architecture: Architecture): void {
  const npm = join(work, "npm");
  mkdirSync(npm);
  for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
    const from = join(REPOSITORY, name);
    if (existsSync(from)) cpSync(from, join(npm, name));
  }
  const platform = [`--cpu=${ARCHITECTURES[architecture]}`, "--os=linux", "--libc=glibc"];
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  execFileSync("npm", ["ci", "--omit=dev", "--ignore-scripts", ...platform, ...quiet], {
    cwd: npm,
    stdio: ["ignore", "ignore", "inherit"],
  });
  renameSync(join(npm, "node_modules"), join(home, "node_modules"));
}

function prune(modules: string, architecture: Architecture): void {
  const own = ARCHITECTURES[architecture];
  for (const path of globSync("onnxruntime-node/bin/napi-v*/*/*", { cwd: modules })) {
    if (!path.endsWith(`/linux/${own}`)) rmSync(join(modules, path), { recursive: true });
  }
  for (const path of globSync("onnxruntime-node/bin/napi-v*/{darwin,win32}", { cwd: modules })) {
    rmSync(join(modules, path), { recursive: true });
  }
  for (const path of globSync(DEAD, { cwd: modules })) {
    rmSync(join(modules, path), { recursive: true, force: true });
  }
  rmSync(join(modules, ".package-lock.json"), { force: true });
}

function installService(root: string, home: string): void {
  const put = (from: string, to: string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(join(REPOSITORY, from), join(root, to));
    chmodSync(join(root, to), mode);
  };
  put("systemd/gradeline.service", "usr/lib/systemd/system/gradeline.service");
  put("systemd/sysusers.conf", "usr/lib/sysusers.d/gradeline.conf");
  put("systemd/60-gradeline-usb3vision.rules", "usr/lib/udev/rules.d/60-gradeline-usb3vision.rules");
  for (const name of readdirSync(join(REPOSITORY, "systemd/drop-ins"))) {
    put(`systemd/drop-ins/${name}`, `usr/share/gradeline/drop-ins/${name}`);
  }
  put("systemd/package/template.yaml", "usr/share/gradeline/template.yaml");
  put("systemd/gradeline.example.yaml", "usr/share/gradeline/gradeline.example.yaml");
  put("systemd/gradeline.schema.json", "usr/share/gradeline/gradeline.schema.json");
  put("README.md", "usr/share/doc/gradeline/README.md");
  put("CHANGELOG.md", "usr/share/doc/gradeline/changelog");
  if (existsSync(join(REPOSITORY, "systemd/README.md"))) put("systemd/README.md", "usr/share/doc/gradeline/service.md");
  put("systemd/package/scripts/gradeline", "usr/bin/gradeline", 0o755);
  put("systemd/package/scripts/gradeline-calibrate", "usr/bin/gradeline-calibrate", 0o755);
  chmodSync(join(home, "bin/node"), 0o755);
  chmodSync(join(home, "systemd/back-off"), 0o755);
}

/** What must never be in it, and how large it may be. */
function checkTree(root: string, architecture: Architecture): void {
  const strange = globSync("**/{darwin,win32,darwin-*,win32-*}", { cwd: root });
  const other = architecture === "amd64" ? "arm64" : "x64";
  strange.push(...globSync(`**/*linux-${other}*`, { cwd: root }));
  if (strange.length > 0) throw new GradelineError("INTERNAL", `the tree holds what is for others: ${strange[0]}`);
  const bytes = treeBytes(root);
  if (bytes > MOST_INSTALLED) {
    const found = `${Math.round(bytes / MB)} MB are installed, wanted at most ${MOST_INSTALLED / MB}`;
    throw new GradelineError("INTERNAL", found, { hint: "du -a | sort -n; DEAD in systemd/package/tree.ts" });
  }
}

/** Sum of the files' sizes. */
export function treeBytes(root: string): number {
  const text = execFileSync("du", ["-sb", "--apparent-size", root], { encoding: "utf8" });
  return Number(text.split("\t")[0]);
}

export { REPOSITORY, VERSION };
