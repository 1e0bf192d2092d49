import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { GradelineError } from "../../base/errors.ts";
import type { LoadedModel } from "../model.ts";
import type { Proof } from "../proof.ts";
import { appends, type Precision, type Provider, runningOn } from "../providers.ts";
import { type Calibration, calibratedModel, readCalibration, TABLE_NAME } from "./calibration.ts";
import { NativeEmbedder } from "./embedder.ts";
import {
  dropEngines,
  type EngineCache,
  type EngineKey,
  lockEngines,
  openEngineCache,
  sealEngineCache,
} from "./engine.ts";
import { describeGpu, tensorrtVersion } from "./gpu.ts";
import type { Library } from "./library.ts";
import { cudaCopier } from "./memory.ts";
import { telling } from "./progress.ts";
import { providerProblem } from "./provider-library.ts";
import { Session } from "./session.ts";
import type { NativeOptions, UnprovenEmbedder } from "./unproven.ts";

const GPU_BATCHES = [1, 4, 16, 64, 256];

export interface Target {
  readonly library: Library;
  readonly model: LoadedModel;
  readonly provider: Provider;
  readonly options: NativeOptions;
}

/**
 * Sessions on a GPU, one of fixed shapes per batch size: nothing is decided at run time, and no node has a reason to
 * be on the CPU, which is refused anyway.
 *
 * @param batch name of the model's free batch axis
 * @throws {GradelineError} PROVIDER with the library's reason
 */
export async function openGpu(target: Target, batch: string | undefined): Promise<UnprovenEmbedder> {
  const { library, provider, options } = target;
  checkProviderLibraries(library, provider, options.device ?? 0);
  if (provider !== "tensorrt") return await openSessions(target, batch);
  const lock = await lockEngines(engineRoot(options), options.tell);
  try {
    return await openSessions(target, batch);
  } finally {
    lock.close();
  }
}

async function openSessions(target: Target, batch: string | undefined): Promise<UnprovenEmbedder> {
  const { provider, options } = target;
  const device = options.device ?? 0;
  const { precision } = runningOn(provider, options.precision);
  const batches = batchSizes(options);
  const root = engineRoot(options);
  const eight = provider === "tensorrt" && precision === "int8";
  const calibration = eight ? await readCalibration(root, target.model.model.hash) : undefined;
  const key = engineKey(target, precision, batches, calibration);
  const model = calibration === undefined ? target.model : calibratedModel(target.model, calibration);
  const since = performance.now();
  let cache = provider === "tensorrt" ? await openEngineCache(root, key) : undefined;
  if (cache?.state === "hit" && options.rebuildEngines === true)
    cache = await dropEngines(cache, "it was to be rebuilt");
  const making = { precision, batches, batch, calibration };
  let made: Made;
  try {
    made = await makeSessions(target, { ...making, cache });
  } catch (error) {
    if (cache === undefined) throw asRefusal(error, provider);
    // A cached engine that reads back whole may still be refused, by a driver that was exchanged under its old name.
    if (cache.state !== "hit") {
      await rm(cache.folder, { recursive: true, force: true });
      throw asRefusal(error, provider);
    }
    cache = await dropEngines(cache, "the library refused the cached engine");
    made = await makeSessions(target, { ...making, cache }).catch((second: unknown) => {
      throw asRefusal(second, provider);
    });
  }
  const buildMs = performance.now() - since;
  let embedder: NativeEmbedder | undefined;
  try {
    const copier = provider === "webgpu" ? undefined : cudaCopier(device);
    const pipelined = provider !== "webgpu" && options.cudaGraph !== true;
    embedder = new NativeEmbedder(model, {
      provider,
      bySize: made.bySize,
      free: false,
      copier,
      device,
      pipelined,
    });
    embedder.prepare();
    if (cache !== undefined && cache.state !== "hit") await sealEngineCache(root, cache, key);
    const engine =
      cache === undefined
        ? null
        : {
            cache: cache.state,
            reason: cache.reason ?? null,
            key: basename(cache.folder),
            folder: cache.folder,
            buildMs,
          };
    return { embedder, sessions: [...made.bySize.values()], options: made.options, precision, batches, engine };
  } catch (error) {
    if (embedder === undefined) for (const session of made.bySize.values()) await session.release();
    await embedder?.close();
    throw asRefusal(error, provider);
  }
}

interface Made {
  readonly bySize: Map<number, Session>;
  readonly options: Proof["options"];
}

interface Making {
  readonly precision: Precision;
  readonly batches: readonly number[];
  readonly batch: string | undefined;
  readonly cache: EngineCache | undefined;
  readonly calibration: Calibration | undefined;
}

async function makeSessions(target: Target, making: Making): Promise<Made> {
  const { precision, batches, batch, cache, calibration } = making;
  const { library, model, provider, options } = target;
  const bySize = new Map<number, Session>();
  let used: Proof["options"] = {};
  try {
    for (const [at, size] of batches.entries()) {
      const engineFolder = cache === undefined ? undefined : join(cache.folder, `batch-${size}`);
      if (engineFolder !== undefined) await mkdir(engineFolder, { recursive: true, mode: 0o750 });
      if (engineFolder !== undefined && calibration !== undefined) {
        await writeFile(join(engineFolder, TABLE_NAME), calibration.text);
      }
      const settings = {
        device: options.device ?? 0,
        precision,
        engineFolder,
        calibrationTable: calibration === undefined ? undefined : TABLE_NAME,
        cudaGraph: options.cudaGraph ?? false,
      };
      const appended = appends(provider, settings);
      used = Object.fromEntries(appended.map((append) => [append.provider, append.options]));
      const stage = cache !== undefined && cache.state !== "hit" ? "engine" : "session";
      const detail = `${provider} ${stage} for ${size} views, ${at + 1} of ${batches.length}`;
      const session = await telling(options.tell, stage, detail, () =>
        Session.create(library, {
          bytes: model.bytes,
          threads: options.threads,
          appends: appended,
          refuseCpu: true,
          ...(batch === undefined ? {} : { dimensions: { [batch]: size } }),
          recordNodes: true,
        }),
      );
      bySize.set(size, session);
    }
    return { bySize, options: used };
  } catch (error) {
    for (const session of bySize.values()) await session.release();
    throw error;
  }
}

/**
 * Providers for NVIDIA are libraries of their own, which ONNX Runtime looks for beside itself; its own message about
 * an absent one names only the first that it misses.
 */
function checkProviderLibraries(library: Library, provider: Provider, device: number): void {
  if (provider !== "tensorrt" && provider !== "cuda") return;
  const absent = ["shared", "cuda", ...(provider === "tensorrt" ? ["tensorrt"] : [])]
    .map((name) => `libonnxruntime_providers_${name}.so`)
    .filter((name) => !existsSync(join(dirname(library.path), name)));
  const problem =
    absent.length > 0
      ? `${absent.join(", ")} not beside ${library.path}`
      : // What TensorRT does not take runs on CUDA, which the refusal must name where it is at fault.
        (provider === "tensorrt" ? (["cuda", "tensorrt"] as const) : (["cuda"] as const))
          .map((each) => providerProblem(library, each, device))
          .find((each) => each !== undefined);
  if (problem !== undefined) throw new GradelineError("PROVIDER", `${provider} cannot be used: ${problem}`);
}

/** What a failure means to the one who asked for a GPU: that it cannot be had. */
function asRefusal(error: unknown, provider: Provider): GradelineError {
  if (error instanceof GradelineError && error.code === "PROVIDER") return error;
  return new GradelineError("PROVIDER", `${provider} cannot be used: ${(error as Error).message}`, { cause: error });
}

function batchSizes({ batches, maxBatch }: NativeOptions): number[] {
  const sizes = (batches ?? GPU_BATCHES).filter((size) => size < maxBatch);
  return [...new Set([...sizes, maxBatch])].sort((a, b) => a - b);
}

function engineKey(
  { library, model, options }: Target,
  precision: Precision,
  batches: readonly number[],
  calibration: Calibration | undefined,
): EngineKey {
  const gpu = describeGpu(options.device ?? 0);
  const { name, driver, capability } = "absent" in gpu ? { name: "none", driver: "none", capability: "none" } : gpu;
  return {
    model: model.model.hash,
    library: library.version,
    tensorrt: tensorrtVersion() ?? "none",
    driver,
    gpu: name,
    capability,
    precision,
    calibration: calibration?.sha256 ?? "none",
    batches,
    sizePx: model.model.sizePx,
  };
}

function engineRoot({ engineCache }: NativeOptions): string {
  return engineCache ?? defaultEngineCache(process.env);
}

/** The service's own cache folder where systemd gives one, else the user's. */
export function defaultEngineCache(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment.CACHE_DIRECTORY?.split(":")[0];
  const base = given || join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "gradeline");
  return join(base, "engines");
}
