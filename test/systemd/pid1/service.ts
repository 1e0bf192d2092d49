/**
 * The service on a board: the package on a minimal Debian whose systemd is PID 1. `npm run test:service`; some minutes.
 * Each test goes on from where the one before left the board.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { VERSION } from "../../../device/base/version.ts";
import { buildPackage, otherVersion } from "../../support/package-made.ts";
import { Board, withoutPid1 } from "../../support/pid1.ts";

const skip = withoutPid1() ?? false;
const DROP_IN = "/run/systemd/system/gradeline.service.d";
const JOURNALD = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald";
const CONFIG = "/etc/gradeline/gradeline.yaml";
const NEXT = "9.0.1";
const BROKEN = "9.0.2";
const STRICT = "9.0.3";
/** A small simulated line: it runs beside whatever else this machine does. */
const LINE = `device: board-7
cameras:
  - { id: north, source: { kind: line, widthPx: 640, heightPx: 360, fps: 10, mmPerPx: 1.16, spacingMm: 400 } }
lanes:
  - { id: a, camera: north, mmPerPx: 1.16, gateMm: 400, conveyor: { kind: belt, speedMmPerS: 800 } }
`;
const ABSENT = `device: board-7
cameras:
  - { id: south, source: { kind: gige, camera: 192.0.2.9 } }
  - { id: west, source: { kind: gst, preset: test } }
lanes:
  - { id: b, camera: west, mmPerPx: 1.16, gateMm: 400, conveyor: { kind: belt, speedMmPerS: 800 } }
  - { id: a, camera: south, mmPerPx: 1.16, gateMm: 400, conveyor: { kind: belt, speedMmPerS: 800 } }
`;
/** Hears every verdict, also those that come while it is away. */
const EARS = "mosquitto_sub -h 127.0.0.1 -c -i ears -q 1 -t 'gradeline/+/lane/+/verdict'";

describe("the service under a systemd of its own", { skip }, () => {
  let board: Board;
  let work: string;
  let own: string;

  before(async () => {
    work = mkdtempSync(join(tmpdir(), "gradeline-service-"));
    mkdirSync(join(work, "dist"));
    own = buildPackage(join(work, "dist"), process.arch === "arm64" ? "arm64" : "amd64", 1);
    board = await Board.boot();
  });
  after(async () => {
    await board?.close();
    rmSync(work, { recursive: true, force: true });
  });

  const show = (property: string): string => board.ok(`systemctl show -p ${property} --value gradeline`);
  const pid = (): string => show("MainPID");
  const active = (): Promise<string> => board.until("systemctl is-active gradeline");
  const status = (words: string): Promise<string> =>
    board.until(`systemctl show -p StatusText --value gradeline | grep -E '${words}'`);
  const restarted = (than: string): Promise<string> =>
    board.until(
      `systemctl is-active -q gradeline && p=$(systemctl show -p MainPID --value gradeline) && [ $p != ${than} ] && echo $p`,
    );
  const configure = (text: string): void => {
    board.write(CONFIG, text);
    board.ok(`chown root:gradeline ${CONFIG}; chmod 640 ${CONFIG}`);
  };
  /** The board as it usually is, whatever the test before left. */
  const usual = async (): Promise<void> => {
    board.run(
      "mount -o remount,bind,rw /; for d in $(awk '$2 ~ \"^/var/\" {print $2}' /proc/mounts); do umount $d; done",
    );
    board.run(`rm -rf ${DROP_IN}; systemctl daemon-reload; kill -CONT $(systemctl show -p MainPID --value mosquitto)`);
    board.run(`systemctl start ${JOURNALD}; systemctl stop gradeline; systemctl reset-failed gradeline`);
    board.run("systemctl restart mosquitto");
    configure(LINE);
    board.ok("systemctl start gradeline");
    await grades();
  };
  const grades = (): Promise<string> => status("[1-9][0-9]* items decided.*broker connected");

  test("a fresh installation is active, publishes nothing invented and says how to go on", async () => {
    const told = board.ok(`dpkg -i ${board.bring(own, "own.deb")}`);
    assert.match(told, /go on with: sudo gradeline-calibrate setup/);
    await active();
    await status("^degraded: no camera is configured");
    assert.match(board.read(CONFIG), /^device: board-7$/m);
    assert.match(board.read(CONFIG), /^cameras: \[\]$/m);
    assert.equal(board.ok(`stat -c '%U:%G %a' ${CONFIG}`), "root:gradeline 640");
    assert.equal(board.run("mosquitto_sub -h 127.0.0.1 -W 2 -t 'gradeline/+/lane/#' 2>/dev/null").out, "");
    assert.match(board.ok("id gradeline"), /video.*render|render.*video/);
    assert.equal(board.ok("cd /; gradeline --version; gradeline-calibrate --version"), `${VERSION}\n${VERSION}`);
    assert.equal(board.ok("dpkg -V gradeline"), "");
    assert.ok(Number(board.ok("dpkg -s gradeline | sed -n 's/Installed-Size: //p'")) * 1024 <= 225e6);
  });

  test("the unit is verified in silence and its exposure is at most 1.8", () => {
    assert.equal(board.ok("systemd-analyze verify --man=no gradeline.service"), "");
    const [, exposure] = /level for gradeline.service: ([\d.]+)/.exec(
      board.ok("systemd-analyze security --no-pager gradeline"),
    )!;
    assert.ok(Number(exposure) <= 1.8, exposure);
  });

  test("a reload takes what it can and tells the rest; a wrong configuration is refused and the daemon goes on", async () => {
    const before_ = pid();
    configure(LINE);
    board.ok("systemctl reload gradeline");
    await status("needs a restart for .*cameras");
    configure(`${LINE}nonsense: true\n`);
    const refused = board.run("systemctl reload gradeline");
    assert.notEqual(refused.status, 0);
    assert.match(board.ok("journalctl -u gradeline -p err -n 20 --no-pager -o cat"), /unknown key `nonsense`/);
    assert.equal(board.ok("systemctl is-active gradeline"), "active");
    board.ok(`kill -HUP ${before_}`);
    await board.until("journalctl -u gradeline -p err --no-pager -o cat | grep 'configuration is not taken'");
    assert.equal(pid(), before_);
  });

  test("a start ends with READY, and verdicts come; warnings stand in the journal as warnings", async (t) => {
    configure(LINE);
    board.run(`timeout 1 ${EARS}`);
    board.ok("systemctl restart gradeline");
    await grades();
    const again = board.run("systemctl restart gradeline");
    assert.equal(again.status, 0, again.out);
    t.diagnostic(`READY after ${(again.ms / 1000).toFixed(1)} s with a warm cache, stop of the one before included`);
    assert.match(board.ok("journalctl -u gradeline -p warning --no-pager -o cat"), /^degraded/m);
    await grades();
    t.diagnostic(`memory of the control group: ${(Number(show("MemoryCurrent")) / 1e6).toFixed(0)} MB`);
  });

  test("SIGHUP, SIGKILL, a stall and too little memory: it is there again, and not for SIGHUP", async () => {
    await usual();
    const first = pid();
    board.ok(`kill -HUP ${first}`);
    await board.until("journalctl -u gradeline --no-pager -o cat | grep 'configuration read again'");
    assert.equal(pid(), first);
    board.ok("systemctl stop gradeline; systemctl start --no-block gradeline");
    const starting = await board.until(
      "p=$(systemctl show -p MainPID --value gradeline); tr '\\0' ' ' </proc/$p/cmdline | grep -q main.ts && grep -q 'SigCgt:.*[13579bdf]$' /proc/$p/status && kill -HUP $p && echo $p",
    );
    await active();
    assert.equal(pid(), starting, "a SIGHUP in the first second did not end it");
    board.ok(`kill -KILL ${starting}`);
    await restarted(starting);
    board.ok(
      `mkdir -p ${DROP_IN}; printf '[Service]\\nWatchdogSec=4\\n' >${DROP_IN}/quick.conf; systemctl daemon-reload`,
    );
    board.ok("systemctl stop gradeline; systemctl start gradeline");
    const second = pid();
    board.ok(`kill -STOP ${second}`);
    await restarted(second);
    assert.match(board.ok("journalctl -u gradeline --no-pager -o cat"), /watchdog timeout/i);
    board.ok(
      `printf '[Service]\\nMemoryHigh=infinity\\nMemoryMax=60M\\n' >${DROP_IN}/quick.conf; systemctl daemon-reload`,
    );
    board.ok("systemctl stop gradeline; systemctl start --no-block gradeline");
    await board.until("[ $(systemctl show -p NRestarts --value gradeline) -ge 2 ]");
    const ends = board.ok("journalctl -u gradeline --no-pager -o cat -n 40");
    assert.match(ends, /oom-kill|status=9\/KILL/);
    // With control groups of version 1 systemd is not told that it was for want of memory; the kernel's log says it.
    const kernel = spawnSync("dmesg", { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }).stdout ?? "";
    const told = new RegExp(`oom_memcg=\\S*${board.name}\\S*/gradeline.service`).test(kernel);
    assert.ok(ends.includes("oom-kill") || kernel === "" || told, "the kernel says nothing of it");
    board.ok(`rm -r ${DROP_IN}; systemctl daemon-reload`);
    await active();
    await grades();
  });

  test("it starts without a broker, and stops within five seconds in every state", async (t) => {
    await usual();
    const stop = (state: string): void => {
      const { status: code, ms } = board.run("systemctl stop gradeline");
      t.diagnostic(`stop ${state}: ${(ms / 1000).toFixed(1)} s`);
      assert.equal(code, 0);
      assert.match(show("Result"), /^success$/, state);
    };
    stop("while it grades");
    board.ok("systemctl stop mosquitto");
    board.ok("systemctl start gradeline");
    await status("items decided.*broker connecting");
    stop("without a broker");
    board.ok("systemctl start mosquitto gradeline");
    await grades();
    board.ok("kill -STOP $(systemctl show -p MainPID --value mosquitto)");
    stop("with a broker that stands still");
    board.ok("kill -CONT $(systemctl show -p MainPID --value mosquitto)");
    board.ok("systemctl start --no-block gradeline");
    await board.until("[ $(systemctl show -p MainPID --value gradeline) != 0 ]");
    stop("while it starts");
  });

  test("a camera that is absent and a disk that is full are told, and end by themselves", async () => {
    await usual();
    configure(ABSENT);
    board.ok("systemctl restart gradeline");
    await status("degraded.*camera south");
    // This board has no GStreamer: that camera is away, too, and nothing else.
    await status("degraded.*camera west: gst-launch");
    assert.equal(show("NRestarts"), "0");
    configure(LINE);
    board.ok("systemctl stop gradeline");
    board.ok(
      "mount -t tmpfs -o size=24m,mode=750,uid=$(id -u gradeline),gid=$(id -g gradeline) tmpfs /var/lib/gradeline",
    );
    board.ok("systemctl start gradeline");
    await grades();
    // Without a broker nothing is handed over, so that nothing can be forgotten; and what the daemon gives back is taken.
    board.ok("systemctl stop mosquitto");
    const fill = "dd if=/dev/zero of=/var/lib/gradeline/fill bs=4k oflag=append conv=notrunc 2>/dev/null; ";
    await board.until(`${fill}systemctl show -p StatusText --value gradeline | grep 'degraded.*journal:'`);
    board.ok("rm /var/lib/gradeline/fill; systemctl start mosquitto");
    await board.until("! systemctl show -p StatusText --value gradeline | grep 'journal:'");
    await grades();
    assert.equal(board.ok("systemctl is-active gradeline"), "active");
    board.ok("systemctl stop gradeline; umount /var/lib/gradeline");
  });

  test("a clock that is set by an hour ends nothing, and times follow it", async () => {
    await usual();
    // The kernel's clock is everybody's here; the daemon alone reads this one.
    board.ok(
      `mkdir -p ${DROP_IN}; printf '[Service]\\nEnvironment=LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1\\n' $(ls /usr/lib/*/faketime/libfaketimeMT.so.1) >${DROP_IN}/clock.conf`,
    );
    board.ok("echo '+0s' >/run/clock; systemctl daemon-reload; systemctl restart gradeline");
    await grades();
    const before_ = pid();
    for (const step of ["+3600", "-3600"]) {
      board.ok(`echo '${step}s' >/run/clock.new; mv /run/clock.new /run/clock`);
      const hour = Math.floor(Date.now() / 1000) + Number(step);
      const hours = [hour, hour + 120].map((at) => new Date(at * 1000).toISOString().slice(0, 13));
      const heard = "mosquitto_sub -h 127.0.0.1 -C 1 -W 5 -t 'gradeline/+/lane/+/verdict'";
      await board.until(`${heard} | grep -E '"decidedAt":"(${hours.join("|")})'`);
    }
    assert.equal(pid(), before_);
    assert.equal(show("NRestarts"), "0");
    board.ok(`rm -r ${DROP_IN}; systemctl daemon-reload`);
  });

  test("it starts on a root that is read-only, and goes on where journald is away", async () => {
    await usual();
    const folders = "lib/gradeline cache/gradeline log/gradeline lib/mosquitto log/mosquitto";
    board.ok(`for d in ${folders}; do mount --bind /var/$d /var/$d; done; systemctl restart mosquitto`);
    board.ok("journalctl --relinquish-var; mount -o remount,bind,ro /");
    assert.notEqual(board.run("touch /etc/x").status, 0);
    board.ok("systemctl start gradeline");
    await grades();
    const before_ = pid();
    board.ok(`systemctl stop systemd-journald-audit.socket ${JOURNALD}`);
    const count = "systemctl show -p StatusText --value gradeline | grep -oE '[0-9]+ items'";
    const items = board.ok(count);
    board.ok(`kill -HUP ${before_}`);
    await board.until(`[ "$(${count})" != '${items}' ]`);
    assert.equal(pid(), before_);
    board.ok(`systemctl start ${JOURNALD}; mount -o remount,bind,rw /; systemctl stop gradeline mosquitto`);
    board.ok(`for d in ${folders}; do umount /var/$d; done; systemctl start mosquitto gradeline`);
  });

  test("an upgrade and a downgrade under traffic leave no gap in the numbers", async (t) => {
    await usual();
    await grades();
    const next = board.bring(otherVersion(own, NEXT), "next.deb");
    board.ok(`dpkg -i ${next}`);
    assert.equal(board.ok("gradeline --version"), NEXT);
    assert.match(board.ok("readlink /usr/lib/gradeline/current"), new RegExp(`^versions/${NEXT}`));
    assert.match(board.ok(`readlink /proc/${pid()}/exe`), new RegExp(`/versions/${NEXT}`));
    await grades();
    board.ok("dpkg -i /root/own.deb");
    assert.equal(board.ok("gradeline --version"), VERSION);
    await grades();
    const heard = board.ok(`timeout 3 ${EARS} || true`);
    const seqs = [...new Set([...heard.matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq)))].sort((a, b) => a - b);
    assert.ok(seqs.length > 10, `${seqs.length} verdicts`);
    const first = seqs[0]!;
    assert.deepEqual(
      seqs,
      Array.from(seqs, (_, index) => first + index),
    );
    t.diagnostic(`seq ${first} to ${seqs.at(-1)} without a gap over ${VERSION} -> ${NEXT} -> ${VERSION}`);
  });

  test("a version that does not become ready goes back by itself and says so", async () => {
    await usual();
    const broken = otherVersion(own, BROKEN, (main) =>
      `${main}\nif (!process.argv.includes("--check")) { console.error("<3>broken on purpose"); process.exit(1); }\n`.replace(
        /^(#!.*\n)([\s\S]*)\n(if .*)\n$/,
        "$1$3\n$2",
      ),
    );
    const { status: code, out } = board.run(`dpkg -i ${board.bring(broken, "broken.deb")}`);
    assert.notEqual(code, 0);
    assert.match(out, new RegExp(`${BROKEN}\\S* did not become ready`));
    assert.match(out, /broken on purpose/);
    assert.match(out, new RegExp(`${VERSION}\\S* runs again`));
    assert.equal(board.ok("gradeline --version"), VERSION);
    await grades();
    board.ok("dpkg -i /root/own.deb");
    await grades();
  });

  test("without a copy of the state, or where the new version refuses the configuration, the one before is not even stopped", async () => {
    await usual();
    const strict = otherVersion(own, STRICT, (main) =>
      main.replace(/^(#!.*\n)/, '$1throw new Error("not with me");\n'),
    );
    const before_ = pid();
    board.ok("mkdir -p /var/lib/gradeline/.versions; mount -t tmpfs -o nr_inodes=1 tmpfs /var/lib/gradeline/.versions");
    const uncopied = board.run(`dpkg -i ${board.bring(strict, "strict.deb")}`);
    assert.notEqual(uncopied.status, 0);
    assert.match(uncopied.out, /no space left[\s\S]*the state could not be copied[\s\S]*runs on/);
    assert.equal(pid(), before_);
    board.ok("umount /var/lib/gradeline/.versions");
    const { status: code, out } = board.run("dpkg --configure gradeline");
    assert.notEqual(code, 0);
    assert.match(out, /would not start on this board/);
    assert.equal(pid(), before_);
    board.ok("dpkg -i /root/own.deb");
  });

  test("purge leaves nothing but the user", async () => {
    await usual();
    board.ok("dpkg --purge gradeline");
    const left = board.ok(
      "find / -xdev -name '*gradeline*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/run/*' -not -path '/var/log/journal/*' -not -path '/tmp/*' || true",
    );
    assert.equal(left, "");
    board.ok("id gradeline");
    assert.equal(board.run("systemctl is-active gradeline").out, "inactive");
  });
});
