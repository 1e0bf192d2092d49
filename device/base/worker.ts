import { asGradelineError, type ErrorCode, GradelineError } from "./errors.ts";

/** A {@link GradelineError} as it crosses between threads: an `Error` that is cloned loses its code and hint. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly retry: boolean;
}

/** What a thread answers when it failed. */
export type FailedAnswer = Failure & { readonly kind: "failed" };

/** @param code of an error that is no GradelineError */
export function failureOf(error: unknown, code?: ErrorCode): Failure {
  const { code: known, message, hint, retry } = asGradelineError(error, code);
  return { code: known, message, hint, retry };
}

export function failedAnswer(error: unknown, code?: ErrorCode): FailedAnswer {
  return { kind: "failed", ...failureOf(error, code) };
}

/** The reverse of {@link failureOf}, on the other side. */
export function errorOf({ code, message, hint, retry }: Failure): GradelineError {
  return new GradelineError(code, message, { hint, retry });
}
