import { GradelineError } from "../../base/errors.ts";
import { type LoadedModel, loadModel, loadVariant } from "../model.ts";
import type { Proof } from "../proof.ts";
import { candidates, type Provider, providers, runningOn } from "../providers.ts";
import type { NativeEmbedder } from "./embedder.ts";
import { Library } from "./library.ts";
import { openGpu, type Target } from "./open-gpu.ts";
import { telling } from "./progress.ts";
import { prove } from "./prove.ts";
import { findLibraries, knownPlaces } from "./search.ts";
import { batchAxis, type NativeOptions, openCpu, type UnprovenEmbedder } from "./unproven.ts";

/**
 * Opens a model through ONNX Runtime's C API and proves where it runs: the library's fallback is refused, the nodes'
 * providers are read back, the golden embeddings are compared, and a session on the CPU runs beside it.
 *
 * @param from path of the model's description, or the model that was loaded from it
 * @throws {GradelineError} PROVIDER when no library or none of the wanted providers can be used, with every reason;
 *   MODEL and MODEL_SHAPE when the model is at fault
 */
export async function openNative(from: string | LoadedModel, options: NativeOptions): Promise<NativeEmbedder> {
  const model = typeof from === "string" ? await loadModel(from) : from;
  const library = await openLibrary(options.library);
  const refused: { provider: Provider; reason: string }[] = [];
  for (const provider of candidates(options.provider, options.webgpu)) {
    try {
      return await openProvider({ library, model, provider, options }, refused);
    } catch (error) {
      if (!(error instanceof GradelineError) || error.code !== "PROVIDER") throw error;
      refused.push({ provider, reason: error.message });
    }
  }
  throw new GradelineError(
    "PROVIDER",
    `${options.provider} was asked for: ${refused.map(({ reason }) => reason).join("; ")}`,
    { hint: "gradeline-calibrate doctor says what was found and what to run; provider `auto` may end on the CPU" },
  );
}

/** The first library that loads; if one is named, only that one is tried. */
async function openLibrary(configured: string | undefined): Promise<Library> {
  const failures: GradelineError[] = [];
  for (const { path } of findLibraries({ configured, environment: process.env, known: knownPlaces(process.env) })) {
    try {
      return await Library.load(path);
    } catch (error) {
      if (!(error instanceof GradelineError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  throw new GradelineError("PROVIDER", failures.map((error) => error.message).join("; "), {
    hint: "name the libonnxruntime.so of this board in embedder.library",
  });
}

async function openProvider(target: Target, refused: Proof["refused"]): Promise<NativeEmbedder> {
  const { library, model, provider, options } = target;
  const { variant } = runningOn(provider, options.precision, options.provider === "auto");
  const built = library.providers;
  if (!built.includes(providers[provider])) {
    throw new GradelineError(
      "PROVIDER",
      `${provider} cannot be used: ${library.path} (${library.version}) was built without it, it has ${built.join(", ")}`,
    );
  }
  const run = { ...target, model: variant === undefined ? model : await loadVariant(model, variant) };
  if (provider === "cpu") return await proven(await openCpu(library, run.model, options), undefined, run, refused);
  const cpu = await openCpu(library, model, options);
  try {
    return await proven(await openGpu(run, batchAxis(cpu)), cpu, run, refused);
  } finally {
    await cpu.embedder.close();
  }
}

/** Proves the embedder, or closes it and says why not. */
async function proven(
  opened: UnprovenEmbedder,
  cpu: UnprovenEmbedder | undefined,
  target: Target,
  refused: Proof["refused"],
): Promise<NativeEmbedder> {
  const { embedder } = opened;
  try {
    embedder.proof = await telling(target.options.tell, "proof", `proof of ${target.provider}`, () =>
      prove(opened, cpu, target, refused),
    );
    return embedder;
  } catch (error) {
    await embedder.close();
    throw error;
  }
}
