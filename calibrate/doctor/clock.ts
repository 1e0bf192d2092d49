import { setTimeout as wait } from "node:timers/promises";
import koffi from "koffi";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** Enough of `struct timex` of 64-bit Linux (timex.h); times in it are microseconds. */
const TIMEX_BYTES = 256;
const MAX_ERROR_AT = 24;
const STATUS_AT = 40;
const STA_UNSYNC = 0x40;
const WATCH_MS = 1500;
const JUMP_MS = 5;
/** Nobody had this program before. */
const EARLIEST = Date.parse("2026-01-01");

/** Whether the clock is right and runs evenly: verdicts carry its time, and controllers act by it. */
export async function checkClock(): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (Date.now() < EARLIEST) {
    findings.push(
      problem(`it is said to be ${new Date().toISOString()}`, "set the clock; has the board a battery for it?"),
    );
  }
  const [wall, steady] = [Date.now(), performance.now()];
  await wait(WATCH_MS);
  const apartMs = Math.abs(Date.now() - wall - (performance.now() - steady));
  if (apartMs > JUMP_MS) {
    const text = `the clock moved by ${apartMs.toFixed(0)} ms within ${WATCH_MS} ms`;
    findings.push(warning(text, "two programs set it? keep one of chrony, ntpd, systemd-timesyncd"));
  }
  findings.push(synchronised());
  return findings;
}

function synchronised(): Finding {
  const todo = "timedatectl set-ntp true, or install chrony";
  try {
    const timex = Buffer.alloc(TIMEX_BYTES);
    koffi.load("libc.so.6").func("int adjtimex(void *timex)")(timex);
    if ((timex.readInt32LE(STATUS_AT) & STA_UNSYNC) === 0) {
      const errorMs = Number(timex.readBigInt64LE(MAX_ERROR_AT)) / 1000;
      return ok(`synchronised, off by ${errorMs.toFixed(1)} ms at most`);
    }
    return warning("not synchronised over the network: times in verdicts drift away from the controller's", todo);
  } catch (error) {
    return warning(`the kernel does not say whether it is synchronised: ${(error as Error).message}`, todo);
  }
}
