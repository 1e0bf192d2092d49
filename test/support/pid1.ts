import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const SUITE = "bookworm";
/** What a minimal Debian needs besides, to be a board with a broker, cameras by Aravis and a clock that can be set. */
const PACKAGES =
  "systemd,systemd-sysv,dbus,udev,libstdc++6,init-system-helpers,mosquitto,mosquitto-clients,libaravis-0.8-0,libfaketime";
const CACHE = "node_modules/.cache/pid1";
const BOOT_MS = 60_000;
const STEP_MS = 90_000;

export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly ms: number;
}

/** Why no systemd can be booted here; undefined where one can. */
export function withoutPid1(): string | undefined {
  if (process.platform !== "linux") return "PID 1: only Linux has namespaces";
  if (process.getuid?.() !== 0) return "PID 1: this user is not root, so no namespaces can be made";
  const tried = spawnSync("unshare", ["--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup", "--fork", "true"], {
    encoding: "utf8",
  });
  if (tried.status !== 0) return `PID 1: no namespaces here: ${tried.stderr || tried.error?.message}`.trim();
  for (const program of ["mmdebstrap", "nsenter", "dpkg-deb"]) {
    if (spawnSync("which", [program]).status !== 0) return `PID 1: no ${program} here`;
  }
  return undefined;
}

/** A board: a minimal Debian whose systemd is PID 1 of namespaces of its own. */
export class Board {
  readonly root: string;
  /** Of its control groups. */
  readonly name: string;
  readonly #process: ChildProcess;
  #pid = 0;

  private constructor(root: string, name: string) {
    this.root = root;
    this.name = name;
    const boot = join(import.meta.dirname, "pid1-boot.sh");
    this.#process = spawn(boot, [root, name], { stdio: "ignore", detached: true });
  }

  /** Makes the root, which takes half a minute the first time, and boots it. */
  static async boot(): Promise<Board> {
    const folder = mkdtempSync(join(tmpdir(), "gradeline-board-"));
    execFileSync("tar", ["-C", folder, "-xf", debianRoot(), "--exclude=./dev/*"]);
    writeFileSync(join(folder, "etc/hostname"), "board-7\n");
    // Journald keeps its files in memory; a broker of the board's own, as the example has it.
    writeFileSync(join(folder, "etc/mosquitto/conf.d/board.conf"), "listener 1883 127.0.0.1\nallow_anonymous true\n");
    const board = new Board(folder, `gradeline-${process.pid}-${Date.now().toString(36)}`);
    try {
      await board.until("systemctl is-system-running | grep -E 'running|degraded'", BOOT_MS);
    } catch (error) {
      await board.close();
      throw error;
    }
    return board;
  }

  /** Runs a line of shell in it. */
  run(command: string): Ended {
    const since = performance.now();
    const namespaces = ["-t", String(this.#findPid()), "-m", "-p", "-i", "-u", "-n", "-C"];
    const line = `export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8; unset NODE_EXTRA_CA_CERTS NODE_COMPILE_CACHE; cd /; ${command}`;
    const { status, stdout, stderr } = spawnSync("nsenter", [...namespaces, "sh", "-c", line], {
      encoding: "utf8",
      env: { TERM: "dumb" },
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status: status ?? -1, out: `${stdout}${stderr}`.trim(), ms: performance.now() - since };
  }

  /** Runs a line of shell that must succeed. @returns what it prints */
  ok(command: string): string {
    const { status, out } = this.run(command);
    if (status !== 0) throw new Error(`${command}: exit code ${status}\n${out}\n${this.#journal()}`);
    return out;
  }

  /** Resolves with the output of a line of shell once it succeeds. */
  async until(command: string, ms = STEP_MS): Promise<string> {
    const since = performance.now();
    for (let last = ""; ; ) {
      if (this.#findPid() !== 0) {
        const { status, out } = this.run(command);
        if (status === 0) return out;
        last = out;
      }
      if (performance.now() - since > ms)
        throw new Error(`${command}: not within ${ms / 1000} s\n${last}\n${this.#journal()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  /** Puts a file of this machine into its `/root`. */
  bring(path: string, name: string): string {
    cpSync(path, join(this.root, "root", name));
    return `/root/${name}`;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    const pid = this.#findPid();
    if (pid !== 0) process.kill(pid, "SIGKILL");
    else this.#process.kill("SIGKILL");
    if (this.#process.exitCode === null && this.#process.signalCode === null) await ended;
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
    this.#leaveGroups();
  }

  /** systemd is the child of what made the namespaces. */
  #findPid(): number {
    if (this.#pid !== 0) return this.#pid;
    try {
      const { pid } = this.#process;
      const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0];
      if (child && readFileSync(`/proc/${child}/comm`, "utf8").startsWith("systemd")) this.#pid = Number(child);
    } catch {
      // Not yet, or not any more.
    }
    return this.#pid;
  }

  #journal(): string {
    return this.#pid === 0 ? "" : this.run("journalctl -n 30 --no-pager -o cat | cut -c1-300").out;
  }

  #leaveGroups(): void {
    const found = spawnSync("find", ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/${this.name}*`], {
      encoding: "utf8",
    });
    for (const folder of found.stdout.split("\n").filter(Boolean)) {
      try {
        rmdirSync(folder);
      } catch {
        // Something of it lives a moment longer; an empty group costs nothing.
      }
    }
  }
}

/** A minimal Debian as an archive, made once and kept. */
function debianRoot(): string {
  const path = join(CACHE, `${SUITE}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const made = `${path}.${process.pid}.tmp.tar`;
  execFileSync("mmdebstrap", ["--quiet", "--variant=minbase", `--include=${PACKAGES}`, SUITE, made], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  renameSync(made, path);
  return path;
}
