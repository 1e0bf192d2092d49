import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Whoever calls this must be in a network namespace of its own: `unshare --net node ...`. */
export function ip(...words: string[]): void {
  execFileSync("ip", words);
}

export interface Plugged {
  readonly address: string;
  /** What the camera's process prints. */
  readonly lines: NodeJS.ReadableStream;
  /** Gives the camera's process a line. */
  tell(line: string): void;
  kill(): void;
}

/**
 * A camera in a network of its own, at 10.9.N.2 behind a cable (veth pair) hN of its own.
 *
 * @param command of the shell that starts the camera; `ADDRESS` stands for its address
 */
export async function plugCamera(n: number, command: string): Promise<Plugged> {
  const address = `10.9.${n}.2`;
  const start = `echo up; read go; exec setpriv --pdeathsig KILL ${command.replaceAll("ADDRESS", address)}`;
  const camera = spawn("unshare", ["--net", "sh", "-c", start], { stdio: ["pipe", "pipe", "ignore"] });
  await once(camera.stdout!, "data");
  ip("link", "add", `h${n}`, "type", "veth", "peer", "name", `c${n}`, "netns", String(camera.pid));
  ip("addr", "add", `10.9.${n}.1/24`, "dev", `h${n}`);
  ip("link", "set", `h${n}`, "up");
  const inside = (...words: string[]) =>
    execFileSync("nsenter", ["--net", "-t", String(camera.pid), "ip", ...words], { stdio: "inherit" });
  inside("addr", "add", `${address}/24`, "dev", `c${n}`);
  inside("link", "set", `c${n}`, "up");
  camera.stdin!.write("\n");
  const tell = (line: string): void => void camera.stdin!.write(`${line}\n`);
  return { address, lines: camera.stdout!, tell, kill: () => camera.kill("SIGKILL") };
}
