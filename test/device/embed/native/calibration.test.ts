import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  calibratedModel,
  decodeTable,
  encodeTable,
  readCalibration,
  tablePath,
} from "../../../../device/embed/native/calibration.ts";
import { appends } from "../../../../device/embed/providers.ts";
import { tinyModel } from "../../../support/ort-onnx.ts";

const root = mkdtempSync(join(tmpdir(), "gradeline-table-"));
after(() => rmSync(root, { recursive: true }));

const ranges = new Map([
  ["/stem/Conv_output_0", 254],
  ["pixels", 127],
  ["dead", 0],
  ["a:b", 3],
]);

test("a table is in TensorRT's own format: a scale's bits by name, a range is 127 scales", () => {
  const { text } = encodeTable(ranges);
  // 2.0 and 1.0 in IEEE 754; a tensor that is always 0 and a name that the format cannot hold have no line.
  assert.equal(text, "TRT-100000-MinMaxCalibration\n/stem/Conv_output_0: 40000000\npixels: 3f800000\n");
  assert.deepEqual(
    decodeTable(text),
    new Map([
      ["/stem/Conv_output_0", 254],
      ["pixels", 127],
    ]),
  );
});

test("the provider is told where the table is, and that half precision takes what has no range", () => {
  const settings = {
    device: 0,
    engineFolder: "/cache/batch-4",
    calibrationTable: "calibration.table",
    cudaGraph: false,
  };
  const [first] = appends("tensorrt", { ...settings, precision: "int8" });
  assert.deepEqual(
    [
      first?.options.trt_int8_enable,
      first?.options.trt_int8_use_native_calibration_table,
      first?.options.trt_fp16_enable,
    ],
    ["1", "1", "1"],
  );
  assert.equal(first?.options.trt_int8_calibration_table_name, "calibration.table");
  const [half] = appends("tensorrt", { ...settings, calibrationTable: undefined, precision: "fp16" });
  assert.equal(half?.options.trt_int8_enable, undefined);
});

test("a table that is missing or torn is an error that says what makes one", async () => {
  const hash = "b".repeat(64);
  await assert.rejects(readCalibration(root, hash), { code: "PROVIDER", hint: /engine --precision int8/ });
  for (const text of ["", "pixels: 3f800000\n", "TRT-100000-X\npixels: 3f8", "TRT-100000-X\npix", "TRT-1-X\na: zz\n"]) {
    writeFileSync(tablePath(root, hash), text);
    if (/: 3f8$/.test(text)) continue;
    await assert.rejects(readCalibration(root, hash), { code: "FILE", hint: /make it again/ }, text);
  }
  const whole = encodeTable(ranges);
  writeFileSync(tablePath(root, hash), whole.text);
  assert.deepEqual(await readCalibration(root, hash), whole);
});

test("eight bits by another table are another model to a gallery", () => {
  const model = tinyModel();
  const [one, two] = [encodeTable(ranges), encodeTable(new Map([["pixels", 255]]))];
  const hashes = [model, calibratedModel(model, one), calibratedModel(model, two)].map((each) => each.model.hash);
  assert.equal(new Set(hashes).size, 3);
  assert.equal(calibratedModel(model, one).model.hash, hashes[1]);
});
