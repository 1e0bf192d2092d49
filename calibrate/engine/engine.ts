import { mkdir } from "node:fs/promises";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { configSchema } from "../../device/config/schema.ts";
import { type LoadedModel, loadModel } from "../../device/embed/model.ts";
import { encodeTable, tablePath } from "../../device/embed/native/calibration.ts";
import { surveyNative } from "../../device/embed/native/doctor.ts";
import { defaultEngineCache } from "../../device/embed/native/open-gpu.ts";
import { openNative } from "../../device/embed/native/open-native.ts";
import { describeProof } from "../../device/embed/proof.ts";
import type { Precision } from "../../device/embed/providers.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { Context } from "../cli/context.ts";
import { Progress } from "../cli/progress.ts";
import { Stages } from "../cli/stages.ts";

export interface EngineOptions {
  /** `auto`: of the configuration, else fp16. */
  readonly precision: Precision | "auto" | undefined;
  readonly library: string | undefined;
  readonly cache: string | undefined;
  readonly device: number | undefined;
  readonly maxBatch: number | undefined;
  readonly rebuild: boolean;
}

/** Most views of the gallery that a calibration table is made from: more change no range. */
const CALIBRATION_VIEWS = 512;

/** `engine`: builds the TensorRT engines that the daemon would build at its first start, and proves them. */
export async function engineCommand(context: Context, options: EngineOptions): Promise<void> {
  const config = context.embedder ?? configSchema.shape.embedder.parse({});
  const precision = options.precision ?? config.precision;
  const library = options.library ?? config.library;
  const device = options.device ?? config.device;
  const engineCache = options.cache ?? config.engineCache ?? defaultEngineCache(process.env);
  const model = await loadModel(context.model);
  await refuseWithoutTensorrt(library, device);
  const calibrated = precision === "int8" ? await calibrate(context, model, engineCache) : undefined;
  const stages = new Stages();
  // TensorRT's builder cannot be called off; what it leaves behind has no manifest and is built again.
  const leave = (): never => {
    stages.stop();
    process.stderr.write("stopped; engines that were not finished are built again next time\n");
    process.exit(130);
  };
  context.stop.addEventListener("abort", leave, { once: true });
  const embedder = await openNative(model, {
    provider: "tensorrt",
    precision,
    threads: config.threads,
    maxBatch: options.maxBatch ?? config.maxBatch,
    library,
    device,
    engineCache,
    rebuildEngines: options.rebuild,
    tell: stages.tell,
  }).finally(() => {
    stages.stop();
    context.stop.removeEventListener("abort", leave);
  });
  context.scope.add(embedder);
  const { proof } = embedder;
  const { cache, key, folder, buildMs, reason } = proof.engine!;
  if (context.json) {
    const { name, version, hash } = embedder.model;
    const built = cache !== "hit";
    const report = { built, reason, key, folder, ms: Math.round(buildMs), model: { name, version, hash }, calibrated };
    process.stdout.write(`${JSON.stringify({ ...report, proof })}\n`);
    return;
  }
  const seconds = Math.round(buildMs / 1000);
  const how = cache === "hit" ? `found in the cache, loaded in ${seconds} s` : `built in ${seconds} s`;
  process.stdout.write(
    `engines for ${embedder.model.name} ${embedder.model.version}, batches of ${proof.batches.join(", ")}: ${how}` +
      `${reason === null ? "" : ` (${reason})`}\n  key     ${key}\n  folder  ${folder}\n  proof   ${describeProof(proof)}\n`,
  );
  if (calibrated !== undefined) {
    process.stdout.write(
      `  table   ${calibrated.path}, from ${calibrated.views} views of the gallery\n` +
        "a gallery of fp32 does not fit int8: set embedder.precision to int8, then gradeline-calibrate rebuild --config FILE\n",
    );
  }
}

/** Before minutes of work, and with what can be done about it. */
async function refuseWithoutTensorrt(library: string | undefined, device: number): Promise<void> {
  const { libraries, problem, gpu, gpuProblem, tensorrt, advice } = await surveyNative(library, device);
  const able = libraries.some(({ beside }) => beside.includes("tensorrt"));
  const lacks = [
    ...(problem === undefined ? [] : [problem]),
    ...(gpu === undefined ? [`no NVIDIA GPU answers (${gpuProblem})`] : []),
    ...(tensorrt === undefined ? ["TensorRT is not installed"] : []),
    ...(able ? [] : ["no build of ONNX Runtime with TensorRT was found"]),
    ...libraries.flatMap(({ refused }) => refused.map(({ provider, reason }) => `${provider}: ${reason}`)),
  ];
  if (lacks.length === 0) return;
  throw new GradelineError("PROVIDER", `there are no TensorRT engines without TensorRT: ${lacks.join("; ")}`, {
    hint: advice.length === 0 ? "gradeline-calibrate doctor says what was found" : advice.join("; "),
  });
}

/** Writes the calibration table of a model from the gallery's own images. */
async function calibrate(
  context: Context,
  model: LoadedModel,
  root: string,
): Promise<{ path: string; views: number; tensors: number }> {
  const views = await readViews(context, model.model.sizePx);
  const progress = new Progress("calibrating", views.length);
  const ranges = await measureWith(context, model, views, progress).finally(() => progress.stop());
  const path = tablePath(root, model.model.hash);
  await mkdir(root, { recursive: true, mode: 0o750 });
  await writeAtomic(path, [Buffer.from(encodeTable(ranges).text)]);
  return { path, views: views.length, tensors: ranges.size };
}

async function measureWith(context: Context, model: LoadedModel, views: readonly Uint8Array[], progress: Progress) {
  // Loaded only here: it brings a second copy of the inference library.
  const { measureRanges } = await import("../cli/ranges.ts");
  return await measureRanges(model, views, context.stop, (done) => progress.update(done));
}

/** Views of all grades in turn, so that the bound leaves none of them out. */
async function readViews({ gallery: folder, scope }: Context, sizePx: number): Promise<Uint8Array[]> {
  const writer = scope.add(await GalleryWriter.open(folder));
  const references = (await writer.read())?.gallery.references ?? [];
  if (references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `int8 is calibrated on the gallery's images, ${folder} has none`, {
      hint: "enroll references first: gradeline-calibrate enroll GRADE PATH…",
    });
  }
  const byGrade = [...Map.groupBy(references, ({ grade }) => grade).values()];
  const views: Uint8Array[] = [];
  for (let turn = 0; views.length < CALIBRATION_VIEWS && byGrade.some((grade) => turn < grade.length); turn++) {
    for (const grade of byGrade) {
      const reference = grade[turn];
      if (reference !== undefined) views.push(...(await writer.readCrops(reference.id, sizePx)));
    }
  }
  return views.slice(0, CALIBRATION_VIEWS);
}
