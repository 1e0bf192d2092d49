import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { GradelineError } from "../../../../device/base/errors.ts";
import {
  gigeNeeds,
  openGigeWhenFree,
  readGigeDescription,
  readGigeFeatures,
  startFakeGige,
} from "../../../support/camera-gige.ts";
import { lacking, nextFrame, type Peer } from "../../../support/camera-peers.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const skip = lacking(gigeNeeds);
const folder = mkdtempSync(join(tmpdir(), "gradeline-genicam-"));
let camera: Peer | undefined;

/**
 * The fake camera with what it lacks of a real one: a clock by IEEE 1588 and automatics, which are on from the start.
 * Its registers keep whatever is written to them.
 */
before(async () => {
  enterOwnNetwork();
  if (skip !== false) return;
  const plain = startFakeGige();
  const description = readGigeDescription();
  await plain.kill();
  const more = [
    register("GevIEEE1588", 0x500, (pValue) => `<Boolean Name="GevIEEE1588">${pValue}</Boolean>`),
    register("BalanceWhiteAuto", 0x504, automatic("BalanceWhiteAuto")),
    register("ExposureAuto", 0x508, automatic("ExposureAuto")),
    ...["TriggerDelay", "ActionDeviceKey", "ActionGroupKey", "ActionGroupMask"].map((name, n) =>
      register(name, 0x510 + 4 * n, (pValue) => `<Integer Name="${name}">${pValue}</Integer>`),
    ),
  ];
  const extended = description
    .replace("</RegisterDescription>", `${more.join("\n")}\n</RegisterDescription>`)
    .replace('<Float Name="AcquisitionFrameRate">', "$&<Min>1</Min><Max>200</Max>");
  const file = join(folder, "camera.xml");
  // It is sent in words of four bytes.
  writeFileSync(file, extended.trimEnd().padEnd(4 * Math.ceil(extended.length / 4)));
  camera = startFakeGige("-g", file);
});
after(async () => {
  await camera?.kill();
  rmSync(folder, { recursive: true });
});

function register(name: string, address: number, node: (pValue: string) => string): string {
  return `${node(`<pValue>${name}Register</pValue>`)}
    <IntReg Name="${name}Register"><Address>${address}</Address><Length>4</Length><AccessMode>RW</AccessMode>
    <pPort>Device</pPort><Sign>Unsigned</Sign><Endianess>BigEndian</Endianess></IntReg>`;
}

function automatic(name: string): (pValue: string) => string {
  const entry = (value: string, number: number) => `<EnumEntry Name="${value}"><Value>${number}</Value></EnumEntry>`;
  return (pValue) => `<Enumeration Name="${name}">${entry("Continuous", 0)}${entry("Off", 1)}${pValue}</Enumeration>`;
}

/** Sets the camera up, reads what it has then as another client, and lets it go. */
async function readBack(config: object, ...names: string[]): Promise<Record<string, string>> {
  const source = await openGigeWhenFree({ roi: { w: 64, h: 48 }, ...config });
  const said = readGigeFeatures(...names);
  await source.close();
  return said;
}

test("what is configured is what the camera has, by its own word", { skip }, async () => {
  assert.deepEqual(readGigeFeatures("GevIEEE1588", "BalanceWhiteAuto", "ExposureAuto", "GainAuto"), {
    GevIEEE1588: "false",
    BalanceWhiteAuto: "Continuous",
    ExposureAuto: "Continuous",
    GainAuto: "Off",
  });
  const config = {
    pixelFormat: "BayerGB8",
    roi: { x: 16, y: 8, w: 320, h: 240 },
    fps: 20,
    exposureUs: 1234,
    gain: 3,
    packetSize: 1404,
    ptp: true,
    features: { BinningVertical: 2, GainAuto: "Continuous" },
  };
  const wanted = {
    PixelFormat: "BayerGB8",
    OffsetX: "16",
    OffsetY: "8",
    Width: "320",
    Height: "240",
    AcquisitionFrameRate: "20",
    ExposureTimeAbs: "1234",
    ExposureAuto: "Off",
    GainRaw: "3",
    GainAuto: "Off",
    BalanceWhiteAuto: "Off",
    GevSCPSPacketSize: "1404",
    GevIEEE1588: "true",
    BinningVertical: "2",
    TriggerMode: "Off",
  };
  assert.deepEqual(await readBack(config, ...Object.keys(wanted)), wanted);
});

test("an automatic white balance that is asked for by its name stays on", { skip }, async () => {
  const config = { features: { BalanceWhiteAuto: "Continuous" } };
  assert.deepEqual(await readBack(config, "BalanceWhiteAuto"), { BalanceWhiteAuto: "Continuous" });
});

test("a camera keeps the delay of its trigger and the keys of its action command; an earlier delay is taken off", {
  skip,
}, async () => {
  const names = ["TriggerDelay", "ActionDeviceKey", "ActionGroupKey", "ActionGroupMask"];
  const action = { deviceKey: 7, groupKey: 8, groupMask: 9 };
  const set = await readBack({ trigger: { source: "Software", delayMs: 3.5, action } }, ...names);
  assert.deepEqual(set, { TriggerDelay: "3500", ActionDeviceKey: "7", ActionGroupKey: "8", ActionGroupMask: "9" });
  const later = await readBack({ trigger: { source: "Software" } }, "TriggerDelay");
  assert.deepEqual(later, { TriggerDelay: "0" });
});

test("a trigger is set behind its selector, and one of an earlier use is switched off", { skip }, async () => {
  const names = ["TriggerSource", "TriggerMode", "TriggerActivation"];
  const earlier = await readBack(
    { trigger: { selector: "AcquisitionStart", source: "Software", activation: "RisingEdge" } },
    "TriggerSelector=AcquisitionStart",
    ...names,
  );
  assert.deepEqual(earlier, { TriggerSource: "Software", TriggerMode: "On", TriggerActivation: "RisingEdge" });
  const source = await openGigeWhenFree({ roi: { w: 64, h: 48 }, trigger: { source: "Line0" } });
  const [frameStart, acquisitionStart] = ["FrameStart", "AcquisitionStart"].map((selector) =>
    readGigeFeatures(`TriggerSelector=${selector}`, "TriggerSource", "TriggerMode"),
  );
  assert.deepEqual(frameStart, { TriggerSource: "Line0", TriggerMode: "On" });
  assert.equal(acquisitionStart?.TriggerMode, "Off");
  await assert.rejects(source.trigger(), { message: /not set to software triggers/ });
  await source.close();
  const free = await openGigeWhenFree({ roi: { w: 64, h: 48 }, fps: 50 });
  await nextFrame(free.frames());
  assert.equal(readGigeFeatures("TriggerMode").TriggerMode, "Off");
  await free.close();
});

const refusals = [
  { config: { trigger: { source: "Line7" } }, message: /TriggerSource: found Line7/, hint: /offers Line0, Software/ },
  {
    config: { trigger: { source: "Line0", selector: "LineStart" } },
    message: /TriggerSelector: found LineStart/,
    hint: /offers FrameStart, AcquisitionStart/,
  },
  {
    config: { trigger: { source: "Line0", activation: "FallingEdge" } },
    message: /TriggerActivation: found FallingEdge/,
    hint: /offers RisingEdge/,
  },
  { config: { fps: 300 }, message: /fps: found 300/, hint: /takes .* to 200/ },
  { config: { gain: 99 }, message: /gain: found 99/, hint: /takes 0 to 10/ },
  { config: { features: { GevIEEE1588: "yes" } }, message: /GevIEEE1588: found yes/, hint: /true or false/ },
];
for (const { config, message, hint } of refusals) {
  test(`refused with what the camera offers: ${JSON.stringify(config)}`, { skip }, async () => {
    await assert.rejects(readBack(config), (error: GradelineError) => {
      assert.match(error.message, message);
      assert.match(error.hint ?? "", hint);
      return error.code === "SOURCE";
    });
  });
}
