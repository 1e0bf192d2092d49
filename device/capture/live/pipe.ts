import { Socket } from "node:net";
import koffi from "koffi";
import { GradelineError } from "../../base/errors.ts";

const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;
/** What Linux lets any user have; a pipe of the usual 64 KiB costs sixteen times the switches between two processes. */
const PIPE_BYTES = 1 << 20;

export interface Pipe {
  readonly readFd: number;
  /** To be inherited by a child. */
  readonly writeFd: number;
  /** Closes this process's own writing end, after the child has it. */
  closeWriter(): void;
}

/**
 * A pipe of which a child writes one end. Node's own child pipes are small socket pairs and always read into memory of
 * their own; from this one, frames can be read straight to where they shall lie.
 */
export function openPipe(): Pipe {
  const libc = koffi.load("libc.so.6");
  const pipe2 = libc.func("int pipe2(_Out_ int *fds, int flags)");
  const close = libc.func("int close(int fd)");
  const fds = [-1, -1];
  if (pipe2(fds, O_CLOEXEC) !== 0) {
    throw new GradelineError("SOURCE", `no pipe could be made (errno ${koffi.errno()})`, { retry: true });
  }
  const [readFd, writeFd] = fds as [number, number];
  widen(writeFd);
  return { readFd, writeFd, closeWriter: () => close(writeFd) };
}

/**
 * A pipe with a name, for programs that write to a file only.
 *
 * @returns its reading end, which stays open when a writer leaves
 * @throws {GradelineError} SOURCE when it cannot be made
 */
export function openFifo(path: string): number {
  const libc = koffi.load("libc.so.6");
  if (libc.func("int mkfifo(const char *path, uint32 mode)")(path, 0o600) !== 0) {
    throw new GradelineError("SOURCE", `no pipe could be made at ${path} (errno ${koffi.errno()})`, { retry: true });
  }
  // Opened both ways it neither waits for a writer nor ends with one.
  const fd = libc.func("int open(const char *path, int flags)")(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) as number;
  if (fd < 0) throw new GradelineError("SOURCE", `${path} cannot be opened (errno ${koffi.errno()})`, { retry: true });
  widen(fd);
  return fd;
}

function widen(fd: number): void {
  // Refused where the user's pipes hold too many pages already: slower, not wrong.
  koffi.load("libc.so.6").func("int fcntl(int fd, int command, ...)")(fd, F_SETPIPE_SZ, "int", PIPE_BYTES);
}

/** A reader: provides memory for the next bytes, and is told how many came. */
export interface ByteTaker {
  target(): Uint8Array;
  advance(bytes: number): void;
}

/**
 * Reads a pipe to its end, each byte straight to where the taker wants it.
 *
 * @returns the socket; closing it ends the reading
 */
export function readPipe(readFd: number, taker: ByteTaker): Socket {
  return new Socket({
    fd: readFd,
    readable: true,
    writable: false,
    onread: {
      buffer: () => taker.target(),
      callback: (bytes) => {
        taker.advance(bytes);
        return true;
      },
    },
  });
}
