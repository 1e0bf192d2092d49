import { setTimeout as wait } from "node:timers/promises";
import { clockSync } from "../../device/base/clock-sync.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

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
  const found = clockSync();
  if (found === undefined) return warning("the kernel does not say whether it is synchronised", todo);
  if (found.synchronised) return ok(`synchronised, off by ${found.errorMs.toFixed(1)} ms at most`);
  return warning("not synchronised over the network: times in verdicts drift away from the controller's", todo);
}
