/**
 * Every error the product throws on purpose. The message says what was found and what was wanted; the hint says what
 * to do; `cause` keeps the origin.
 */
export type ErrorCode =
  /** A configuration file is missing, is not YAML, or a key is unknown, missing or out of range. */
  | "CONFIG"
  /** The command line was used wrongly. */
  | "USAGE"
  /** A folder of images or a recording has nothing to show. */
  | "SOURCE_EMPTY"
  /** A camera, recording or simulation could not be opened or broke off. */
  | "SOURCE"
  /** An image file cannot be read: truncated, empty, of an unknown kind. */
  | "IMAGE"
  /** An image is larger than what is accepted. */
  | "IMAGE_SIZE"
  /** A model file or its description is missing, torn, or does not match its hash. */
  | "MODEL"
  /** A model's input or output is not what the description says or the product needs. */
  | "MODEL_SHAPE"
  /** The inference library refused to make a session or to run it. */
  | "INFERENCE"
  /** A device or provider was asked for and is not there. */
  | "PROVIDER"
  /** An embedding has another length than expected. */
  | "EMBEDDING_SHAPE"
  /** A gallery file is missing, torn, or not a gallery. */
  | "GALLERY"
  /** A gallery was made by another model. */
  | "GALLERY_MODEL"
  /** A gallery has no references to compare with. */
  | "GALLERY_EMPTY"
  /** A recipe file or an installed recipe is torn, changed, of another kind, or does not fit this gradeline. */
  | "RECIPE"
  /** A recipe was signed by nobody trusted, or changed after it was signed. */
  | "RECIPE_SIGNATURE"
  /** A grade's name is not allowed, or not known. */
  | "GRADE"
  /** The journal cannot be opened, is locked by another daemon, or cannot be written. */
  | "JOURNAL"
  /** The broker refused or broke the connection. */
  | "BROKER"
  /** A request over MQTT or HTTP is malformed or cannot be served. */
  | "REQUEST"
  /** A part was used after it was closed. */
  | "CLOSED"
  /** systemd waits to be told how the start goes, and cannot be told. */
  | "SYSTEMD"
  /** A file cannot be read or written. */
  | "FILE"
  /** A state that should not exist; a defect of ours. */
  | "INTERNAL";

export interface ErrorDetails {
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
  /** Whether the same call may succeed later. */
  readonly retry?: boolean | undefined;
  readonly cause?: unknown;
}

export class GradelineError extends Error {
  override readonly name = "GradelineError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retry: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retry = details.retry ?? false;
  }
}

/** Any thrown value as a GradelineError; one that is none becomes `code` with its message. */
export function asGradelineError(error: unknown, code: ErrorCode = "INTERNAL"): GradelineError {
  if (error instanceof GradelineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new GradelineError(code, message, { cause: error });
}
