import { spawnSync } from "node:child_process";

const IN_A_NAMESPACE = ["unshare", "--mount", "--map-root-user"];

/** Why a test with a disk of its own is skipped; false where the machine lets a process mount one. */
export const withoutSmallDisk: string | false =
  spawnSync(IN_A_NAMESPACE[0]!, [...IN_A_NAMESPACE.slice(1), "mount", "-t", "tmpfs", "none", "/mnt"], {
    stdio: "ignore",
  }).status !== 0 && "needs a machine that lets a process mount (unshare --mount of the package util-linux)";

/**
 * Program and arguments that run a command with a small file system in a folder. It is gone when the command ends; a
 * shell script in place of the command takes out what is to be looked at.
 *
 * @param size as tmpfs takes it, `128k`
 * @param script shell; `$0` is the folder, `"$@"` the command that is put behind
 */
export function onSmallDisk(folder: string, size: string, script: string): string[] {
  return [...IN_A_NAMESPACE, "sh", "-c", `mount -t tmpfs -o size=${size} none "$0" && ${script}`, folder];
}
