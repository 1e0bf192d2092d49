import { readdirSync, readFileSync } from "node:fs";
import koffi from "koffi";

/** What Aravis calls the threads that receive packets; Linux keeps 15 letters. */
const STREAM_THREAD = /^arv_(gv|uv)_stream/;
const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const LOWEST = 1;
const PRIO_PROCESS = 0;
const NICE = -10;

/**
 * Lets the threads that take packets off the network, and this one, which takes frames off them and gives room for
 * more, go before everything else. The kernel keeps some milliseconds of a camera's packets, the library some frames;
 * where their threads have to wait longer for a processor, they are lost.
 *
 * Needs CAP_SYS_NICE, or LimitRTPRIO= of the service; without, all stays as it is.
 *
 * @returns whether it was permitted
 */
export function raiseReceivers(): boolean {
  const libc = koffi.load("libc.so.6");
  const setScheduler = libc.func("int sched_setscheduler(int tid, int policy, const int *priority)");
  const setPriority = libc.func("int setpriority(int which, int tid, int nice)");
  const own = libc.func("int gettid()")() as number;
  return [...receivers(), own].every(
    (tid) =>
      setScheduler(tid, SCHED_RR | SCHED_RESET_ON_FORK, [LOWEST]) === 0 || setPriority(PRIO_PROCESS, tid, NICE) === 0,
  );
}

function receivers(): number[] {
  const own = "/proc/self/task";
  return readdirSync(own)
    .filter((tid) => {
      try {
        return STREAM_THREAD.test(readFileSync(`${own}/${tid}/comm`, "utf8"));
      } catch {
        // It ended between the two calls.
        return false;
      }
    })
    .map(Number);
}
