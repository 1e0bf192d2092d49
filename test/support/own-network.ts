import { execFileSync, spawnSync } from "node:child_process";
import koffi from "koffi";

const CLONE_NEWNET = 0x4000_0000;

/**
 * Puts this process into a network of its own, where it may: cameras answer at fixed ports, and another run on the same
 * machine has its own. Call it before threads and children are started, which inherit it from the thread that starts
 * them. What may not make networks stays where it is.
 *
 * @returns why it did; false where it has a network of its own, so that it serves as a test's `skip`
 */
export function enterOwnNetwork(): string | false {
  const stays = "needs root, for a network of its own";
  if (process.getuid?.() !== 0) return stays;
  if (spawnSync("ip", ["-V"]).status !== 0) return "needs apt-get install iproute2";
  const unshare = koffi.load("libc.so.6").func("int unshare(int flags)");
  if (unshare(CLONE_NEWNET) !== 0) return stays;
  execFileSync("ip", ["link", "set", "lo", "up"]);
  return false;
}
