import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "./free-port.ts";

const ROOT = "/usr/lib/postgresql";

function findPrograms(): string | undefined {
  try {
    const newest = readdirSync(ROOT)
      .map(Number)
      .sort((a, b) => b - a)
      .map((version) => join(ROOT, String(version), "bin"));
    return newest.find((bin) => readdirSync(bin).includes("initdb"));
  } catch {
    return undefined;
  }
}

const programs = findPrograms();

/** Why a test that needs a PostgreSQL server is skipped; false where there is one. */
export const withoutPostgres: string | false = programs === undefined && "needs apt-get install postgresql";

const PASSWORD = "open sesame";

/** A real server in a process of its own, on a loopback port that it keeps over restarts. */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #user: { readonly uid?: number; readonly gid?: number };
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, user: { readonly uid?: number; readonly gid?: number }) {
    this.port = port;
    this.#folder = folder;
    this.#user = user;
  }

  /** Makes the database files; the server does not run yet. */
  static async make(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), "gradeline-postgres-"));
    const secret = join(folder, "password");
    writeFileSync(secret, `${PASSWORD}\n`, { mode: 0o644 });
    // It refuses to run as root.
    const user = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
    const words = ["-D", join(folder, "data"), "-U", "owner", "-A", "scram-sha-256", "--pwfile", secret];
    const made = spawnSync(join(programs!, "initdb"), [...words, "-E", "UTF8", "--locale=C", "--no-sync"], {
      ...user,
      cwd: folder,
      encoding: "utf8",
    });
    if (made.status !== 0) throw new Error(made.stderr);
    return new PostgresServer(await freePort(), folder, user);
  }

  get url(): string {
    return `postgres://127.0.0.1:${this.port}/postgres`;
  }

  /** File of the owner's password. */
  get secret(): string {
    return join(this.#folder, "password");
  }

  async start(): Promise<void> {
    const settings = ["fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=8MB"];
    const words = ["-D", join(this.#folder, "data"), "-p", String(this.port)];
    const child = spawn(join(programs!, "postgres"), [...words, ...settings.flatMap((each) => ["-c", each])], {
      ...this.#user,
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("ready to accept connections")) resolve();
      });
      child.once("exit", () => reject(new Error(said)));
    });
  }

  /** As the power would: what was not committed is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    // At once, with all its connections, and no checkpoint.
    child.kill("SIGQUIT");
    await ended;
  }

  /** Asks as the owner. */
  async query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
    const client = await this.client();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async client(): Promise<pg.Client> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: this.port,
      database: "postgres",
      user: "owner",
      password: PASSWORD,
    });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function idOf(flag: string): number {
  return Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
}
