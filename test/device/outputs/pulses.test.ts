import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import ServerTCP from "modbus-serial/servers/servertcp.js";
import pino from "pino";
import { formatMicros, nowMicros } from "../../../device/base/time.ts";
import { type OutputConfig, outputFaults, outputsSchema } from "../../../device/config/outputs.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import { pulsesOf } from "../../../device/outputs/pulses/due.ts";
import { makeSafe, Pulses } from "../../../device/outputs/pulses/pulses.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { freePort } from "../../support/free-port.ts";
import { makeGpioStandIn, withoutCompiler } from "../../support/gpio-stand-in.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { draft } from "../../support/verdicts.ts";
import { until } from "../../support/wait.ts";

const quiet = pino({ level: "silent" });

function outputs(...given: object[]): OutputConfig[] {
  return outputsSchema.parse(given);
}

function verdict(seq: number, changes: Partial<Verdict> = {}): Verdict {
  return { ...draft("a", seq), seq, epoch: "e", ...changes };
}

function pulses(t: TestContext, ...given: object[]): Pulses {
  const opened = new Pulses(outputs(...given), quiet);
  t.after(() => opened.close());
  return opened;
}

interface Frame {
  readonly output: string;
  readonly on: boolean;
  readonly seq?: number;
  /** Line time of its arrival. */
  readonly cameAt: number;
}

async function udpPeer(t: { after(work: () => unknown): void }) {
  const socket: Socket = createSocket("udp4");
  const frames: Frame[] = [];
  socket.on("message", (bytes) => frames.push({ ...JSON.parse(bytes.toString()), cameAt: nowMicros() }));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.after(() => socket.close());
  return { frames, port: socket.address().port };
}

/** A remote I/O with eight coils, by the server of modbus-serial. */
async function coilPeer(t: { after(work: () => unknown): void }, port: number) {
  const told: [coil: number, on: boolean][] = [];
  const peer = new ServerTCP(
    {
      setCoil: (coil: number, on: boolean) => {
        if (coil > 7) throw Object.assign(new Error("no such coil"), { modbusErrorCode: 2 });
        told.push([coil, on]);
      },
    },
    { host: "127.0.0.1", port },
  );
  peer.on("socketError", () => {});
  await new Promise<void>((resolve) => peer.on("initialized", () => resolve()));
  const close = () => new Promise<void>((resolve) => peer.close(() => resolve()));
  t.after(close);
  return { told, close };
}

test("a verdict fires the outputs that all of their words fit, at its gate less the lead; a late one as each says", () => {
  const udp = { kind: "udp", host: "127.0.0.1", port: 1 };
  const given = outputs(
    { ...udp, id: "all" },
    { ...udp, id: "reject", grades: ["reject"], leadMs: 20 },
    { ...udp, id: "strange", outcomes: ["unknown", "unsure"], late: "fire" },
    { ...udp, id: "juice-b", outlets: ["juice"], lanes: ["b"] },
  );
  const gate = nowMicros() + 500_000;
  const now = gate - 100_000;
  const fired = (changes: Partial<Verdict>, at = now) =>
    pulsesOf(given, verdict(1, { gateAt: formatMicros(gate), ...changes }), at).map(({ output, atUs }) => [
      given[output]!.id,
      Math.round((atUs - gate) / 1000),
    ]);
  assert.deepEqual(fired({}), [["all", 0]]);
  assert.deepEqual(fired({ grade: "reject" }), [
    ["all", 0],
    ["reject", -20],
  ]);
  const strange = { grade: null, outcome: "unknown" } as const;
  assert.deepEqual(fired(strange), [
    ["all", 0],
    ["strange", 0],
  ]);
  assert.deepEqual(fired({ lane: "b", outlet: "juice" }), [
    ["all", 0],
    ["juice-b", 0],
  ]);
  assert.deepEqual(fired({ outlet: "juice" }), [["all", 0]]);
  // After its gate: at once, or not at all.
  assert.deepEqual(fired(strange, gate + 7000), [["strange", 7]]);
  assert.deepEqual(fired({ grade: "reject" }, gate - 10_000), [["all", 0]]);
});

test("outputs that name what is not there, or have one name, are refused", () => {
  const given = outputs(
    { kind: "udp", host: "h", port: 1, id: "x", lanes: ["z"] },
    { kind: "udp", host: "h", port: 1, id: "x", outlets: ["o"] },
  );
  const faults = outputFaults({ outputs: given, lanes: [{ id: "a" }], products: { outlets: [] } });
  assert.deepEqual(
    faults.map(({ path, text }) => `${path.join(".")}: ${text}`),
    [
      "outputs.0.lanes.0: found z, wanted one of: a",
      "outputs.1.id: found x a second time, each must be its own",
      "outputs.1.outlets.0: found o, wanted one of: none is configured",
    ],
  );
});

test("a UDP frame comes when the fruit is at its gate, never before, in the order of the gates", async (t) => {
  const { frames, port } = await udpPeer(t);
  const fired = pulses(t, { kind: "udp", id: "gate", host: "127.0.0.1", port, pulseMs: 30 });
  const first = nowMicros() + 300_000;
  const gates = new Map(Array.from({ length: 20 }, (_, n) => [n + 1, first + n * 20_000]));
  // Decided in another order than they arrive.
  for (const [seq, gate] of [...gates].reverse()) fired.add(verdict(seq, { gateAt: formatMicros(gate) }));
  await until("all have come", () => frames.length === gates.size || undefined);
  for (const { seq, cameAt, on, output } of frames) {
    assert.ok(cameAt >= gates.get(seq!)! - 500, `${seq} came ${gates.get(seq!)! - cameAt} us before its gate`);
    assert.deepEqual([on, output], [true, "gate"]);
  }
  await until("it is counted", () => fired.stats.fired === gates.size || undefined);
  assert.ok(fired.stats.p99Ms !== null && fired.stats.p99Ms >= 0);
  await fired.close();
  await until("the safe state is told", () => frames.find(({ on }) => !on));
});

test("a coil is on for its pulse, off at the stop; an I/O that is away is told, and gets no old pulses", async (t) => {
  const port = await freePort();
  const fired = pulses(t, { kind: "modbus", id: "valve", host: "127.0.0.1", port, coil: 3, pulseMs: 20 });
  const reason = await until("it is told", () => [...fired.reasons()][0]);
  assert.match(reason.message, /^output valve: .*ECONNREFUSED/);
  fired.add(verdict(1, { gateAt: formatMicros(nowMicros() + 10_000) }));
  const peer = await coilPeer(t, port);
  await until("it is connected", () => ([...fired.reasons()].length === 0 ? true : undefined));
  await until("it is safe first", () => peer.told[0]);
  assert.deepEqual(peer.told, [[3, false]]);
  fired.add(verdict(2, { gateAt: formatMicros(nowMicros() + 50_000) }));
  await until("on and off", () => peer.told.length === 3 || undefined);
  assert.deepEqual(peer.told.slice(1), [
    [3, true],
    [3, false],
  ]);
  // Stopped within a pulse.
  const long = pulses(t, { kind: "modbus", id: "long", host: "127.0.0.1", port, coil: 4, pulseMs: 5000 });
  await until("it is connected", () => peer.told.find(([coil]) => coil === 4));
  long.add(verdict(3, { gateAt: formatMicros(nowMicros() + 20_000) }));
  await until("it is on", () => peer.told.find(([coil, on]) => coil === 4 && on));
  await long.close();
  assert.deepEqual(peer.told.at(-1), [4, false]);
});

test("a coil that the I/O does not have is told by its exception", async (t) => {
  const port = await freePort();
  await coilPeer(t, port);
  const fired = pulses(t, { kind: "modbus", id: "valve", host: "127.0.0.1", port, coil: 9 });
  const reason = await until("it is told", () => [...fired.reasons()].find(({ message }) => /exception/.test(message)));
  assert.equal(reason.message, "output valve: Modbus exception 2");
});

test("a GPIO line is taken in its safe state, set for its pulse and released; one that is not there is told", {
  skip: withoutCompiler,
}, async (t) => {
  const folder = await temporaryFolder(t);
  makeGpioStandIn(folder);
  const chip = join(folder, "chip");
  await writeFile(chip, "");
  const script = join(folder, "script.ts");
  const place = new URL("../../../device/", import.meta.url);
  // Where libraries are looked for is known when a process begins. The stand-in's chip is a plain file.
  await writeFile(
    script,
    `import { Pulses } from "${new URL("outputs/pulses/pulses.ts", place)}";
import { nowMicros, formatMicros } from "${new URL("base/time.ts", place)}";
const common = { kind: "gpio", chip: ${JSON.stringify(chip)}, activeLow: true, late: "skip", leadMs: 0, pulseMs: 10 };
const outputs = [{ ...common, id: "valve", line: 17 }, { ...common, id: "other", line: 99 }];
const pulses = new Pulses(outputs, { error() {}, info() {} });
const told = () => [...pulses.reasons()].map(({ message }) => message);
while (told().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
pulses.add({ lane: "a", seq: 1, item: "a-1", outcome: "graded", grade: "x", gateAt: formatMicros(nowMicros() + 20_000) });
while (pulses.stats.fired < 1) await new Promise((resolve) => setTimeout(resolve, 5));
await pulses.close();
process.stdout.write(JSON.stringify(told()));
`,
  );
  const env = { ...process.env, LD_LIBRARY_PATH: folder };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
  assert.match(stdout, /output other: \S+ line 99 cannot be taken: is it there, and has nobody else got it\?/);
  const lines = (await readFile(chip, "utf8")).trim().split("\n");
  assert.deepEqual(lines[0], "take 17 gradeline valve low 0");
  assert.deepEqual([lines[1], lines.at(-1)], ["set 17 1", "release 17"]);
  assert.equal(lines.at(-2), "set 17 0");
  const [none] = await makeSafe(outputs({ kind: "gpio", id: "g", chip: "/dev/gpiochip-none", line: 1 }));
  assert.match(none!, /output g: (libgpiod\.so\.2 is not there|\/dev\/gpiochip-none cannot be opened)/);
});

const board = Board.forEachTest("mosquitto");

test("the running line fires a frame for every fruit at its gate; after kill -9 `gradeline --safe` ends every pulse", {
  skip: withoutMosquitto,
}, async (t) => {
  const udp = await udpPeer(t);
  const port = await freePort();
  const peer = await coilPeer(t, port);
  const config = board.line({
    startAt: nowMicros(),
    more: {
      outputs: [
        { kind: "udp", id: "frame", host: "127.0.0.1", port: udp.port, late: "fire" },
        { kind: "modbus", id: "valve", host: "127.0.0.1", port, coil: 5, pulseMs: 5000, late: "fire" },
      ],
    },
  });
  const daemon = await board.started(config);
  await until("some were fired", () => udp.frames.length >= 3 || undefined);
  assert.ok(udp.frames.every(({ on }) => on));
  await until("the valve is on", () => peer.told.some(([coil, on]) => coil === 5 && on) || undefined);
  await daemon.kill("SIGKILL");
  const before = peer.told.length;
  const file = join(board.folder, "safe.yaml");
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, ["device/main.ts", "--config", file, "--safe"], { stdio: "inherit" });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0);
  await until("the coil is off", () => peer.told.slice(before).find(([coil, on]) => coil === 5 && !on));
  await until("the frame says so", () => udp.frames.find(({ on }) => !on));
});
