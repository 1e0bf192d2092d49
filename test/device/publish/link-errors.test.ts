import assert from "node:assert/strict";
import { test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { fallsBack, isLasting, isRefusal, reasonOf, refusesToRetain } from "../../../device/publish/link-errors.ts";

function coded(code: unknown, message = "it says no"): Error {
  return Object.assign(new Error(message), { code });
}

const CODES = [0, 1, 2, 3, 4, 5, 128, 132, 133, 134, 135, 136, 137, 138, 139, 141, 142, 149, 151, 152, 154, 156, 157];
const having = (which: (error: unknown) => boolean) => CODES.filter((code) => which(coded(code)));

test("a broker that does not know MQTT 5 says so, hangs up, or answers something else: then 3.1.1 is tried", () => {
  assert.deepEqual(having(fallsBack), [1, 132]);
  for (const error of [undefined, new Error("what is this"), coded("ECONNRESET"), coded("EPIPE")]) {
    assert.equal(fallsBack(error), true);
  }
  for (const error of [coded("ECONNREFUSED"), coded("ENOTFOUND"), new GradelineError("BROKER", "x")]) {
    assert.equal(fallsBack(error), false);
  }
});

test("a broker that is busy, away or shutting down turns nobody away; every other code does", () => {
  const passing = [0, 3, 136, 137, 139, 141];
  assert.deepEqual(
    having(isRefusal),
    CODES.filter((code) => !passing.includes(code)),
  );
  assert.equal(isRefusal(coded("ECONNREFUSED")), false);
  assert.equal(isRefusal(undefined), false);
});

test("a connection ends for good by rights, a ban, another client or another server, not by one message", () => {
  assert.deepEqual(having(isLasting), [135, 138, 142, 152, 156, 157]);
  assert.equal(isLasting(undefined), false);
  assert.deepEqual(having(refusesToRetain), [154]);
});

test("the reason says what to look at", () => {
  const hint = (code: unknown) => reasonOf(coded(code)).hint;
  for (const code of [4, 134]) assert.match(hint(code)!, /mqtt\.username` and `mqtt\.password/);
  for (const code of [5, 135]) assert.match(hint(code)!, /what the broker allows this client/);
  for (const code of [1, 132]) assert.match(hint(code)!, /mqtt\.protocol/);
  for (const code of ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ETIMEDOUT"]) assert.match(hint(code)!, /mqtt\.url/);
  for (const code of ["EPIPE", "ECONNRESET"]) {
    assert.deepEqual(reasonOf(coded(code)), { message: "the broker closed the connection", hint: undefined });
  }
  assert.deepEqual(reasonOf(undefined), { message: "the broker closed the connection", hint: undefined });
  assert.match(reasonOf(coded(142)).message, /another client connected with the same name/);
  assert.match(hint(142)!, /clientId/);
  assert.match(hint("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED")!, /mqtt\.cert/);
  for (const code of ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "DEPTH_ZERO_SELF_SIGNED_CERT", "CERT_HAS_EXPIRED"]) {
    assert.match(hint(code)!, /mqtt\.ca/);
  }
  assert.deepEqual(reasonOf(coded(149)), { message: "it says no", hint: undefined });
  assert.deepEqual(reasonOf(coded(151, "")), { message: "151", hint: undefined });
  assert.deepEqual(reasonOf("odd"), { message: "odd", hint: undefined });
  assert.deepEqual(reasonOf(new GradelineError("BROKER", "so it is", { hint: "do that" })), {
    message: "so it is",
    hint: "do that",
  });
});

test("over TLS without a certificate of ours a broker that hangs up may want one, and the hint says so", () => {
  for (const error of [undefined, coded("ECONNRESET"), coded("EPIPE")]) {
    assert.match(reasonOf(error, true).hint!, /wants a client certificate, set `mqtt\.cert` and `mqtt\.key`/);
    assert.equal(reasonOf(error).hint, undefined);
  }
  assert.match(reasonOf(coded("ECONNREFUSED"), true).hint!, /mqtt\.url/);
  assert.equal(reasonOf(coded(149), true).hint, undefined);
});
