import { GradelineError } from "../../base/errors.ts";
import { hasNvidiaGpu } from "../nvidia.ts";
import { type Provider, providers } from "../providers.ts";
import { describeGpu, type Gpu, tensorrtVersion } from "./gpu.ts";
import { Library } from "./library.ts";
import { type Candidate, findLibraries, knownPlaces } from "./search.ts";

/** A library that was looked at. */
export interface LibraryFinding {
  readonly path: string;
  readonly from: Candidate["from"];
  readonly beside: readonly string[];
  readonly version: string | undefined;
  /** Providers that it was built with. */
  readonly providers: readonly Provider[];
  /** Why it cannot be used. */
  readonly problem: string | undefined;
}

/** What a board has for running the model, and what it lacks; plain JSON. */
export interface Survey {
  readonly libraries: readonly LibraryFinding[];
  /** Why no library was found, or the one that was named cannot be. */
  readonly problem: string | undefined;
  readonly gpu: Gpu | undefined;
  /** Why there is no GPU to be seen. */
  readonly gpuProblem: string | undefined;
  readonly tensorrt: string | undefined;
  /** What to do, the first thing first. */
  readonly advice: readonly string[];
}

/**
 * Looks at everything that `openNative` would look at, without a model.
 *
 * @param configured `embedder.library`
 * @param device number of the GPU
 */
export async function surveyNative(configured: string | undefined, device = 0): Promise<Survey> {
  const libraries: LibraryFinding[] = [];
  let problem: string | undefined;
  try {
    for (const found of findLibraries({ configured, environment: process.env, known: knownPlaces(process.env) })) {
      libraries.push(await look(found));
    }
  } catch (error) {
    if (!(error instanceof GradelineError)) throw error;
    problem = error.message;
  }
  const found = describeGpu(device);
  const gpu = "absent" in found ? undefined : found;
  const gpuProblem = "absent" in found ? found.absent : undefined;
  const facts = { libraries, problem, gpu, gpuProblem, tensorrt: tensorrtVersion() };
  return { ...facts, advice: advise(facts, hasNvidiaGpu()) };
}

async function look({ path, from, beside }: Candidate): Promise<LibraryFinding> {
  try {
    const library = await Library.load(path);
    const built = (Object.keys(providers) as Provider[]).filter((name) => library.providers.includes(providers[name]));
    return { path, from, beside, version: library.version, providers: built, problem: undefined };
  } catch (error) {
    if (!(error instanceof GradelineError)) throw error;
    return { path, from, beside, version: undefined, providers: [], problem: error.message };
  }
}

/**
 * What to do with what was found.
 *
 * @param deviceFiles whether the kernel shows an NVIDIA GPU
 */
export function advise(survey: Omit<Survey, "advice">, deviceFiles: boolean): string[] {
  const { libraries, problem, gpu, gpuProblem, tensorrt } = survey;
  const usable = libraries.filter((library) => library.problem === undefined);
  const advice: string[] = [];
  if (problem !== undefined)
    advice.push("correct embedder.library or ORT_LIB_PATH, or remove it to search known places");
  if (usable.length === 0) advice.push("install a build of ONNX Runtime for this board, npm ci brings one for the CPU");
  if (gpu === undefined && !deviceFiles) {
    return [...advice, "no NVIDIA GPU on this machine: provider cpu is what it can do"];
  }
  if (gpu === undefined)
    advice.push(`the GPU is there, its driver does not answer (${gpuProblem}): reinstall the driver`);
  if (!usable.some(({ beside }) => beside.includes("cuda"))) {
    advice.push(
      process.arch === "x64"
        ? "no build of ONNX Runtime with CUDA was found: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node"
        : "no build of ONNX Runtime with CUDA was found: put the one of this board's JetPack under /opt/onnxruntime (commands in device/embed/README.md), or name its folder in embedder.library",
    );
  }
  if (tensorrt === undefined) advice.push("TensorRT is not installed: cuda works without it, tensorrt is faster");
  return advice;
}

/** The survey as lines for people. */
export function describeSurvey({ libraries, problem, gpu, gpuProblem, tensorrt, advice }: Survey): string[] {
  return [
    gpu === undefined
      ? `GPU: none (${gpuProblem})`
      : `GPU: ${gpu.name}, compute capability ${gpu.capability}, driver for CUDA ${gpu.driver}`,
    `TensorRT: ${tensorrt ?? "not found"}`,
    ...(problem === undefined ? [] : [`ONNX Runtime: ${problem}`]),
    ...libraries.map(({ path, from, beside, version, providers: built, problem: broken }) =>
      broken === undefined
        ? `ONNX Runtime ${version}: ${path} (${from}), built with ${built.join(", ")}; provider libraries beside it: ${beside.join(", ") || "none"}`
        : `ONNX Runtime: ${broken} (${from})`,
    ),
    ...advice.map((line) => `to do: ${line}`),
  ];
}
