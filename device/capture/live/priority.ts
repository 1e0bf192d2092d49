import koffi from "koffi";

const SCHED_OTHER = 0;
const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const LOWEST = 1;
const PRIO_PROCESS = 0;
const NICE = -10;
/** This thread. */
const OWN = 0;

/**
 * Lets a thread that takes frames off a camera go before all other work. What waits for it is small: a pipe, or some
 * milliseconds of packets.
 *
 * Needs CAP_SYS_NICE, or LimitRTPRIO= of the service; without either, nothing changes.
 *
 * @param tid Linux' number of the thread, without it this one
 * @returns whether it was permitted
 */
export function raiseThread(tid = OWN): boolean {
  const libc = koffi.load("libc.so.6");
  const setScheduler = libc.func("int sched_setscheduler(int tid, int policy, const int *priority)");
  const setPriority = libc.func("int setpriority(int which, int tid, int nice)");
  return (
    setScheduler(tid, SCHED_RR | SCHED_RESET_ON_FORK, [LOWEST]) === 0 || setPriority(PRIO_PROCESS, tid, NICE) === 0
  );
}

/** sched/types.h */
const schedAttr = koffi.struct({
  size: "uint32",
  policy: "uint32",
  flags: "uint64",
  nice: "int32",
  priority: "uint32",
  runtimeNs: "uint64",
  deadlineNs: "uint64",
  periodNs: "uint64",
});
/** libc has no name for it before glibc 2.41. */
const SCHED_SETATTR: Partial<Record<NodeJS.Architecture, number>> = { x64: 314, arm64: 274 };
const FLAG_RESET_ON_FORK = 1;
/** A thread with a shorter slice than the running one's, which has some milliseconds, may go before it when it wakes. */
const SLICE_NS = 200_000;

/**
 * Lets this thread, which looks at frames, be woken at once where all processors are busy: it asks for short slices
 * (Linux 6.12 or newer; others take no notice), and where CAP_SYS_NICE or LimitNICE= permits it, for a larger share. It
 * stays among the usual threads, so that it can starve none, and threads and programs that it starts are not raised.
 * A thread that the service's unit has put first or last stays as it is.
 */
export function hurryThread(): void {
  const number = SCHED_SETATTR[process.arch];
  const libc = koffi.load("libc.so.6");
  const policy = libc.func("int sched_getscheduler(int tid)")(OWN);
  const niceNow = libc.func("int getpriority(int which, int tid)")(PRIO_PROCESS, OWN);
  if (number === undefined || policy !== SCHED_OTHER || niceNow !== 0) return;
  const syscall = libc.func("syscall", "long", ["long", "int", koffi.pointer(schedAttr), "unsigned int"]);
  const attr = { size: koffi.sizeof(schedAttr), policy, flags: FLAG_RESET_ON_FORK, runtimeNs: SLICE_NS };
  const rest = { priority: 0, deadlineNs: 0, periodNs: 0 };
  if (syscall(number, OWN, { ...attr, ...rest, nice: NICE }, 0) === 0) return;
  syscall(number, OWN, { ...attr, ...rest, nice: 0 }, 0);
}
