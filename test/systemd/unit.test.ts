import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";

const UNIT = "systemd/gradeline.service";
const DROP_INS = readdirSync("systemd/drop-ins").map((name) => `systemd/drop-ins/${name}`);
/** What the hardened unit may be exposed to, of ten. */
const MOST_EXPOSURE = 1.8;
const DAEMON_PROGRAMS = [
  "/usr/lib/gradeline/current/bin/node",
  "/usr/lib/gradeline/current/systemd/back-off",
  "/usr/bin/gradeline",
  "/bin/sh",
];
const skip = spawnSync("systemd-analyze", ["--version"]).status === 0 ? false : "no systemd-analyze (systemd)";

/** A root with the unit, these drop-ins and the programs that it starts. */
function rootWith(folder: string, dropIns: readonly string[]): string {
  const put = (from: string, to: string) => {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    cpSync(from, join(folder, to));
  };
  put(UNIT, "/etc/systemd/system/gradeline.service");
  for (const path of dropIns) put(path, path.replace("systemd/drop-ins", "/etc/systemd/system/gradeline.service.d"));
  for (const name of ["sysinit", "basic", "network", "multi-user", "shutdown", "time-sync", "local-fs"]) {
    const path = `/etc/systemd/system/${name}.target`;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), "[Unit]\nDescription=stand-in\nDefaultDependencies=no\n");
  }
  for (const slice of ["-", "system"])
    writeFileSync(join(folder, `/etc/systemd/system/${slice}.slice`), "[Unit]\nDefaultDependencies=no\n");
  for (const path of DAEMON_PROGRAMS) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), "#!/bin/sh\n");
    chmodSync(join(folder, path), 0o755);
  }
  return folder;
}

for (const dropIns of [[], ...DROP_INS.map((path) => [path]), DROP_INS]) {
  const name = dropIns.length === 0 ? "alone" : `with ${dropIns.map((path) => path.split("/").at(-1)).join(", ")}`;
  test(`systemd-analyze verify has nothing to say of the unit ${name}`, { skip }, async (t) => {
    const root = rootWith(await temporaryFolder(t), dropIns);
    const args = ["verify", "--man=no", `--root=${root}`, "gradeline.service"];
    const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  });
}

test("an unknown key would be seen", { skip }, async (t) => {
  const root = rootWith(await temporaryFolder(t), []);
  const unit = join(root, "/etc/systemd/system/gradeline.service");
  writeFileSync(unit, readFileSync(unit, "utf8").replace("[Install]", "ProtectEverything=yes\n[Install]"));
  const args = ["verify", "--man=no", `--root=${root}`, "gradeline.service"];
  assert.match(spawnSync("systemd-analyze", args, { encoding: "utf8" }).stderr, /ProtectEverything/);
});

test(`the unit's exposure is at most ${MOST_EXPOSURE}`, { skip }, () => {
  const args = [
    "security",
    "--offline=true",
    `--threshold=${MOST_EXPOSURE * 10}`,
    "--no-pager",
    join(process.cwd(), UNIT),
  ];
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  const told = /Overall exposure level.*/.exec(stdout)?.[0] ?? stderr;
  assert.equal(status, 0, told);
  assert.match(told, /: 1\.\d/);
});

test("the wait before a start grows with the starts before it", { skip: process.platform !== "linux" }, async (t) => {
  const folder = await temporaryFolder(t);
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "sleep"), `#!/bin/sh\necho "$1" >>"${folder}/slept"\n`);
  chmodSync(join(bin, "sleep"), 0o755);
  const env = { ...process.env, RUNTIME_DIRECTORY: folder, PATH: `${bin}:${process.env.PATH}` };
  for (let start = 0; start < 10; start++) assert.equal(spawnSync("systemd/back-off", { env }).status, 0);
  assert.deepEqual(readFileSync(join(folder, "slept"), "utf8").trim().split("\n"), [
    "2",
    "4",
    "8",
    "16",
    "30",
    "30",
    "30",
  ]);
});

test("what hears SIGHUP is loaded before everything else, so that one that comes early ends nothing", () => {
  const [, first] = /^ExecStart=\S+\/node --import=\/usr\/lib\/gradeline\/current\/(\S+) /m.exec(
    readFileSync(UNIT, "utf8"),
  )!;
  // It ends by itself: the signal came while nobody listened, and work that is given later is called at once.
  const late = "setTimeout(async () => (await import(process.argv[1])).onHangup(() => console.log('heard')), 1)";
  const program = `process.kill(process.pid, "SIGHUP"); ${late}`;
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--import", `./${first}`, "-e", program, join(process.cwd(), first!)],
    {
      encoding: "utf8",
    },
  );
  assert.deepEqual([status, stdout], [0, "heard\n"]);
});
