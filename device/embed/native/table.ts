/**
 * The functions of ONNX Runtime's C API that are used here: their places in the table `OrtApi`, the API version that
 * fixed each place, and their types.
 *
 * Source: `include/onnxruntime/core/session/onnxruntime_c_api.h` of the releases (struct `OrtApi`, members in order;
 * `ORT_API_VERSION` is the release's minor number). A place never changes once its version has shipped:
 * `onnxruntime/core/session/onnxruntime_c_api.cc` asserts the last place of each version, and so does the test of this
 * file. Everything is a pointer, a size or an integer on both sides, so one set of types serves all versions.
 */
export interface Entry {
  readonly index: number;
  /** API version in which the function came. */
  readonly since: number;
  /** `status` is null or an error that must be released. */
  readonly returns: "status" | "void" | "string" | "int";
  readonly takes: readonly string[];
}

const P = "void *";
const S = "const char *";
const N = "size_t";
const I = "int";

function status(index: number, since: number, ...takes: string[]): Entry {
  return { index, since, returns: "status", takes };
}

function release(index: number, since: number): Entry {
  return { index, since, returns: "void", takes: [P] };
}

export const table = {
  GetErrorCode: { index: 1, since: 1, returns: "int", takes: [P] },
  GetErrorMessage: { index: 2, since: 1, returns: "string", takes: [P] },
  CreateEnv: status(3, 1, I, S, P),
  CreateSessionFromArray: status(8, 1, P, P, N, P, P),
  CreateSessionOptions: status(10, 1, P),
  EnableProfiling: status(14, 1, P, S),
  SetSessionLogSeverityLevel: status(22, 1, P, I),
  SetSessionGraphOptimizationLevel: status(23, 1, P, I),
  SetIntraOpNumThreads: status(24, 1, P, I),
  SetInterOpNumThreads: status(25, 1, P, I),
  SessionGetInputCount: status(30, 1, P, P),
  SessionGetOutputCount: status(31, 1, P, P),
  SessionGetInputTypeInfo: status(33, 1, P, N, P),
  SessionGetOutputTypeInfo: status(34, 1, P, N, P),
  SessionGetInputName: status(36, 1, P, N, P, P),
  SessionGetOutputName: status(37, 1, P, N, P, P),
  CreateRunOptions: status(39, 1, P),
  RunOptionsSetTerminate: status(46, 1, P),
  CreateTensorAsOrtValue: status(48, 1, P, P, N, I, P),
  CreateTensorWithDataAsOrtValue: status(49, 1, P, P, N, P, N, I, P),
  GetTensorMutableData: status(51, 1, P, P),
  CastTypeInfoToTensorInfo: status(55, 1, P, P),
  GetTensorElementType: status(60, 1, P, P),
  GetDimensionsCount: status(61, 1, P, P),
  GetDimensions: status(62, 1, P, P, N),
  GetSymbolicDimensions: status(63, 1, P, P, N),
  CreateMemoryInfo: status(68, 1, S, I, I, I, P),
  AllocatorFree: status(76, 1, P, P),
  GetAllocatorWithDefaultOptions: status(78, 1, P),
  ReleaseStatus: release(93, 1),
  ReleaseMemoryInfo: release(94, 1),
  ReleaseSession: release(95, 1),
  ReleaseValue: release(96, 1),
  ReleaseRunOptions: release(97, 1),
  ReleaseTypeInfo: release(98, 1),
  ReleaseSessionOptions: release(100, 1),
  SessionEndProfiling: status(110, 2, P, P, P),
  AddFreeDimensionOverrideByName: status(124, 3, P, S, "int64_t"),
  GetAvailableProviders: status(125, 4, P, P),
  ReleaseAvailableProviders: status(126, 4, P, I),
  AddSessionConfigEntry: status(130, 5, P, S, S),
  CreateAllocator: status(131, 5, P, P, P),
  ReleaseAllocator: release(132, 5),
  RunWithBinding: status(133, 5, P, P, P),
  CreateIoBinding: status(134, 5, P, P),
  ReleaseIoBinding: release(135, 5),
  BindInput: status(136, 5, P, S, P),
  BindOutput: status(137, 5, P, S, P),
  SessionOptionsAppendExecutionProvider_TensorRT_V2: status(170, 9, P, P),
  CreateTensorRTProviderOptions: status(171, 9, P),
  UpdateTensorRTProviderOptions: status(172, 9, P, "const char **", "const char **", N),
  ReleaseTensorRTProviderOptions: release(174, 9),
  SessionOptionsAppendExecutionProvider_CUDA_V2: status(204, 11, P, P),
  CreateCUDAProviderOptions: status(205, 11, P),
  UpdateCUDAProviderOptions: status(206, 11, P, "const char **", "const char **", N),
  ReleaseCUDAProviderOptions: release(208, 11),
  SessionOptionsAppendExecutionProvider: status(216, 12, P, S, "const char **", "const char **", N),
  SessionOptionsSetLoadCancellationFlag: status(293, 22, P, "bool"),
  Session_GetEpGraphAssignmentInfo: status(407, 24, P, P, P),
  EpAssignedSubgraph_GetEpName: status(408, 24, P, P),
  EpAssignedSubgraph_GetNodes: status(409, 24, P, P, P),
  EpAssignedNode_GetOperatorType: status(412, 24, P, P),
} as const satisfies Record<string, Entry>;

export type FunctionName = keyof typeof table;

/** Oldest API version that is asked for: the first whose library reads models of IR version 10. */
export const OLDEST_API = 18;
/** Newest API version whose places were read in the header; a newer library still serves it. */
export const NEWEST_API = 24;

/** Last place of each API version, as the library's own sources assert it. */
export const lastPlaces: ReadonlyMap<number, number> = new Map([
  [1, 101],
  [2, 118],
  [3, 124],
  [4, 126],
  [5, 149],
  [6, 157],
  [7, 161],
  [8, 169],
  [9, 191],
  [10, 203],
  [11, 209],
  [12, 218],
  [13, 224],
  [14, 238],
  [15, 254],
  [16, 265],
  [17, 275],
  [18, 279],
  [20, 284],
  [22, 317],
  [23, 389],
  [24, 413],
]);
