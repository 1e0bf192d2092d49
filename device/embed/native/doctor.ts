import { GradelineError } from "../../base/errors.ts";
import { hasNvidiaGpu } from "../nvidia.ts";
import { type Provider, providers } from "../providers.ts";
import { describeGpu, type Gpu, tensorrtVersion } from "./gpu.ts";
import { Library } from "./library.ts";
import { missingLibrary, providerProblem } from "./provider-library.ts";
import { type Candidate, findLibraries, knownPlaces, PYTHON_ONLY, pythonModulesAlone } from "./search.ts";

/** CUDA and cuDNN come with it; NVIDIA's driver does not. */
export const INSTALL_X64 =
  "sudo python3 -m venv /opt/onnxruntime && sudo /opt/onnxruntime/bin/pip install 'onnxruntime-gpu[cuda,cudnn]'";

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
  /** Providers whose libraries lie beside it and do not load, or find no GPU. */
  readonly refused: readonly { readonly provider: Provider; readonly reason: string }[];
}

/** What a board has and lacks for running the model; plain JSON. */
export interface Survey {
  readonly libraries: readonly LibraryFinding[];
  /** Why no library was found, or why the named one does not load. */
  readonly problem: string | undefined;
  /** Known places that hold ONNX Runtime's Python module without the library. */
  readonly pythonOnly: readonly string[];
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
      libraries.push(await look(found, device));
    }
  } catch (error) {
    if (!(error instanceof GradelineError)) throw error;
    problem = error.message;
  }
  const found = describeGpu(device);
  const gpu = "absent" in found ? undefined : found;
  const gpuProblem = "absent" in found ? found.absent : undefined;
  const pythonOnly = pythonModulesAlone(knownPlaces(process.env));
  const facts = { libraries, problem, pythonOnly, gpu, gpuProblem, tensorrt: tensorrtVersion() };
  return { ...facts, advice: advise(facts, hasNvidiaGpu()) };
}

async function look({ path, from, beside }: Candidate, device: number): Promise<LibraryFinding> {
  try {
    const library = await Library.load(path);
    const built = (Object.keys(providers) as Provider[]).filter((name) => library.providers.includes(providers[name]));
    const refused: { provider: Provider; reason: string }[] = [];
    for (const provider of ["tensorrt", "cuda"] as const) {
      const reason = beside.includes(provider) ? providerProblem(library, provider, device) : undefined;
      if (reason !== undefined) refused.push({ provider, reason });
    }
    return { path, from, beside, version: library.version, providers: built, problem: undefined, refused };
  } catch (error) {
    if (!(error instanceof GradelineError)) throw error;
    return { path, from, beside, version: undefined, providers: [], problem: error.message, refused: [] };
  }
}

/**
 * What to do about the findings.
 *
 * @param deviceFiles whether the kernel shows an NVIDIA GPU
 */
export function advise(survey: Omit<Survey, "advice">, deviceFiles: boolean): string[] {
  const { libraries, problem, pythonOnly, gpu, gpuProblem, tensorrt } = survey;
  const usable = libraries.filter((library) => library.problem === undefined);
  const advice: string[] = [];
  if (problem !== undefined)
    advice.push("correct embedder.library or ORT_LIB_PATH, or remove it to search known places");
  if (usable.length === 0) advice.push("install a build of ONNX Runtime for this board, npm ci brings one for the CPU");
  const gpuBuilds = usable.filter(({ beside }) => beside.includes("cuda"));
  if (gpu === undefined && !deviceFiles) {
    return [
      ...advice,
      gpuBuilds.length === 0
        ? "no NVIDIA GPU on this machine: provider cpu is what it can do"
        : `a GPU build of ONNX Runtime is here, an NVIDIA GPU is not (${gpuProblem}): install NVIDIA's driver and start again, or set provider cpu`,
    ];
  }
  if (gpu === undefined)
    advice.push(`the GPU is there, its driver does not answer (${gpuProblem}): reinstall the driver`);
  if (gpuBuilds.length === 0) {
    for (const folder of pythonOnly) advice.push(`${folder}: ${PYTHON_ONLY}`);
    advice.push(
      process.arch === "x64"
        ? `no build of ONNX Runtime with CUDA was found: ${INSTALL_X64}`
        : "no build of ONNX Runtime with CUDA was found: put the one of this board's JetPack under /opt/onnxruntime (commands in device/embed/README.md), or name its folder in embedder.library",
    );
  }
  for (const { path, refused } of gpu === undefined ? [] : gpuBuilds) {
    for (const { provider, reason } of refused) {
      if (provider === "tensorrt" && tensorrt === undefined) continue;
      advice.push(`${provider} of ${path} cannot be used: ${whatToDo(reason)}`);
    }
  }
  if (tensorrt === undefined) advice.push("TensorRT is not installed: cuda works without it, tensorrt is faster");
  return advice;
}

function whatToDo(reason: string): string {
  const missing = missingLibrary(reason);
  if (missing === undefined) return reason;
  const install = process.arch === "x64" ? `, for all of CUDA: ${INSTALL_X64}` : ": apt-get install nvidia-jetpack";
  return `it needs ${missing}, which no package here brings; install it${install}`;
}

/** The survey as lines of text; the last lines say what to do. */
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
    ...describeRefusals(libraries),
    ...advice.map((line) => `to do: ${line}`),
  ];
}

/** Why providers whose libraries are here cannot be used, a line each. */
export function describeRefusals(libraries: Survey["libraries"]): string[] {
  return libraries.flatMap(({ refused }) =>
    refused.map(({ provider, reason }) => `${provider} cannot be used: ${reason}`),
  );
}
