import { GradelineError } from "../base/errors.ts";

/** Return codes of a CONNACK, MQTT 3.1.1 table 3.1; MQTT 5 begins its own at 128. */
const UNACCEPTABLE_PROTOCOL = 1;
const SERVER_UNAVAILABLE = 3;
/** Reason codes, MQTT 5 section 2.4. */
const UNSUPPORTED_PROTOCOL = 132;
const BAD_LOGIN_5 = 134;
const NOT_AUTHORIZED_5 = 135;
const SERVER_UNAVAILABLE_5 = 136;
const SERVER_BUSY = 137;
const SERVER_SHUTTING_DOWN = 139;
const KEEP_ALIVE_TIMEOUT = 141;
const BANNED = 138;
const SESSION_TAKEN_OVER = 142;
const ADMINISTRATIVE_ACTION = 152;
const RETAIN_NOT_SUPPORTED = 154;
const USE_ANOTHER_SERVER = 156;
const SERVER_MOVED = 157;

const HUNG_UP = "the broker closed the connection";

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/**
 * Whether an attempt with MQTT 5 failed as it does at a broker that knows only 3.1.1: it says so, or it hangs up or
 * answers something else than MQTT 5.
 */
export function fallsBack(error: unknown): boolean {
  if (error instanceof GradelineError) return false;
  const code = codeOf(error);
  return (
    code === undefined ||
    code === UNACCEPTABLE_PROTOCOL ||
    code === UNSUPPORTED_PROTOCOL ||
    code === "ECONNRESET" ||
    code === "EPIPE"
  );
}

/** Whether the broker turned us away for a reason that another try will not change by itself. */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  if (typeof code !== "number") return false;
  const passing: unknown[] = [
    0,
    SERVER_UNAVAILABLE,
    SERVER_UNAVAILABLE_5,
    SERVER_BUSY,
    SERVER_SHUTTING_DOWN,
    KEEP_ALIVE_TIMEOUT,
  ];
  return !passing.includes(code);
}

/** Whether the broker keeps no retained messages and therefore does not take a retained will. */
export function refusesToRetain(error: unknown): boolean {
  return codeOf(error) === RETAIN_NOT_SUPPORTED;
}

/**
 * Whether the broker ended a connection that it had accepted, for a reason that another try at once will not change.
 * What it minds of a single message is none.
 */
export function isLasting(error: unknown): boolean {
  const lasting: unknown[] = [
    NOT_AUTHORIZED_5,
    BANNED,
    SESSION_TAKEN_OVER,
    ADMINISTRATIVE_ACTION,
    USE_ANOTHER_SERVER,
    SERVER_MOVED,
  ];
  return lasting.includes(codeOf(error));
}

const WANTS_CERTIFICATE = "set `mqtt.cert` and `mqtt.key`";

/**
 * Why there is no connection, and what to do about it.
 *
 * @param bare it was spoken to over TLS without a certificate of ours: a broker that wants one may hang up without a word
 */
export function reasonOf(error: unknown, bare = false): { message: string; hint: string | undefined } {
  const reason = plainReasonOf(error);
  if (!bare || reason.hint !== undefined || reason.message !== HUNG_UP) return reason;
  return { ...reason, hint: `where the broker wants a client certificate, ${WANTS_CERTIFICATE}` };
}

function plainReasonOf(error: unknown): { message: string; hint: string | undefined } {
  if (error instanceof GradelineError) return { message: error.message, hint: error.hint };
  if (error === undefined) return { message: HUNG_UP, hint: undefined };
  const code = codeOf(error);
  const message = (error instanceof Error && error.message) || String(code ?? error);
  switch (code) {
    case 4:
    case BAD_LOGIN_5:
      return { message, hint: "check `mqtt.username` and `mqtt.password`" };
    case 5:
    case NOT_AUTHORIZED_5:
      return { message, hint: "check `mqtt.username`, `mqtt.password` and what the broker allows this client" };
    case UNACCEPTABLE_PROTOCOL:
    case UNSUPPORTED_PROTOCOL:
      return { message, hint: "set `mqtt.protocol` to auto" };
    case SESSION_TAKEN_OVER:
      return {
        message: "another client connected with the same name",
        hint: "give each device its own `device` or `mqtt.clientId`",
      };
    case "EPIPE":
    case "ECONNRESET":
      return { message: HUNG_UP, hint: undefined };
    case "ECONNREFUSED":
    case "ENOTFOUND":
    case "EHOSTUNREACH":
    case "ETIMEDOUT":
      return { message, hint: "check `mqtt.url` and that the broker runs" };
    default: {
      // An alert comes from the broker: it is about our certificate. What is wrong with its own we find out ourselves.
      if (typeof code === "string" && /_ALERT_(?!UNKNOWN_CA$)/.test(code)) {
        return {
          message,
          hint: `the broker wants a client certificate that it trusts: ${WANTS_CERTIFICATE}`,
        };
      }
      const tls = typeof code === "string" && /CERT|TLS|SSL|SIGNATURE/.test(code);
      return { message, hint: tls ? "check `mqtt.ca` and the broker's certificate" : undefined };
    }
  }
}
