/**
 * Forbids ONNX Runtime to report. From 1.29 on its builds for Linux send what they learn of a process, its command line
 * among it, to the library's maker, and overflow the stack on a long one; this switch keeps all of that from starting.
 * The library reads it where it is loaded first; only the main thread can set it, for a worker's environment is a copy.
 */
export function forbidTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = "1";
}
