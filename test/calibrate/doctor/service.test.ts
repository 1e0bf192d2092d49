import assert from "node:assert/strict";
import { test } from "node:test";
import { checkService, type Run } from "../../../calibrate/doctor/service.ts";
import { configSchema } from "../../../device/config/schema.ts";

const FINE = `LoadState=loaded
ActiveState=active
Result=success
UnitFileState=enabled
User=gradeline
WatchdogUSec=20s
StatusText=online, 12 items decided = all
LimitRTPRIO=0
LoadCredential=mqtt:/etc/gradeline/mqtt other:/x
DropInPaths=
ConditionResult=yes`;
const CONFIG = configSchema.parse({
  device: "a",
  cameras: [{ id: "a", source: { kind: "gige" } }],
  lanes: [{ id: "a", camera: "a", mmPerPx: 1, gateMm: 1, conveyor: { kind: "belt", speedMmPerS: 1 } }],
  mqtt: { username: "u", password: { credential: "mqtt" } },
  console: { host: "0.0.0.0", token: { credential: "page" } },
});

/** Programs of a board, by their first words. */
function board(said: Readonly<Record<string, string | undefined>>): Run {
  return async (program, ...args) => {
    const line = [program, ...args].join(" ");
    const found = Object.keys(said).find((start) => line.startsWith(start));
    return found === undefined ? undefined : said[found];
  };
}

const usual = {
  "systemctl show": FINE,
  journalctl: "",
  "id -nG gradeline": "gradeline video render\n",
  "systemctl is-active": "inactive\ninactive\ninactive\n",
};
const levels = async (said: Readonly<Record<string, string | undefined>>, config = CONFIG): Promise<string[]> =>
  (await checkService(config, board(said)))
    .filter(({ level }) => level !== "ok")
    .map(({ level, text }) => `${level}: ${text}`);

test("a service in order has its user, its status and its watchdog told", async () => {
  const findings = await checkService(undefined, board(usual));
  assert.deepEqual(
    findings.map(({ level }) => level).filter((level) => level !== "ok"),
    [],
  );
  const text = findings.map((finding) => finding.text).join("\n");
  assert.match(text, /runs as gradeline: online, 12 items decided = all/);
  assert.match(text, /watchdog 20s/);
  assert.match(text, /0 times in the last day/);
  assert.match(text, /gradeline is in gradeline, video, render/);
});

test("what is missing is told with what to do: a credential, real-time limits, a group, a way through the firewall", async () => {
  assert.deepEqual(await levels(usual), [
    "problem: the unit hands over no credential page",
    "warning: packets of cameras are received at the usual priority, without a packet socket: a busy board may lose some",
  ]);
  const worse = {
    ...usual,
    "id -nG gradeline": "gradeline video\n",
    "systemctl is-active": "active\ninactive\ninactive\n",
    journalctl: "a\nb\nc\n",
  };
  const told = await levels(worse);
  for (const words of [
    "3 times in the last day",
    "is not in render",
    "the page may be out of reach",
    "packets of GigE cameras may not come in",
  ]) {
    assert.ok(
      told.some((line) => line.includes(words)),
      `${words}: ${told.join("; ")}`,
    );
  }
  const dropIn = FINE.replace("DropInPaths=", "DropInPaths=/etc/systemd/system/gradeline.service.d/gige.conf");
  assert.equal(
    (await levels({ ...usual, "systemctl show": dropIn })).some((line) => line.includes("packets")),
    false,
  );
});

test("a unit that failed, does not start with the board, or has no watchdog is told", async () => {
  const ill = FINE.replace("ActiveState=active", "ActiveState=failed")
    .replace("Result=success", "Result=watchdog")
    .replace("UnitFileState=enabled", "UnitFileState=disabled")
    .replace("WatchdogUSec=20s", "WatchdogUSec=0");
  const told = await levels({ ...usual, "systemctl show": ill, journalctl: undefined });
  assert.ok(told[0]?.startsWith("problem: has failed (watchdog)"), told.join("; "));
  for (const words of ["does not start with the board", "no watchdog", "cannot be read"]) {
    assert.ok(
      told.some((line) => line.includes(words)),
      words,
    );
  }
});

test("without systemd, and without the unit, nothing is wrong", async () => {
  assert.deepEqual(await levels({}), []);
  assert.deepEqual(await levels({ "systemctl show": "LoadState=not-found" }), []);
});
