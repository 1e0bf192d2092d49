import koffi from "koffi";
import { loadForGood } from "./ffi.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of `struct sockaddr_un` (unix(7)). */
const MAX_PATH = 108;

/** Sends one datagram. @returns 0, or why not as an `errno` */
export type Send = (text: string) => number;

/**
 * Opens the socket on which systemd listens. Nothing but the C library is needed, and a send never waits.
 *
 * @param address a path, or `@` and a name of Linux's abstract space
 * @throws {Error} when the address is of another kind or no socket can be made
 * @see sd_notify(3)
 */
export function openNotifySocket(address: string): { readonly send: Send; close(): void } {
  const name = Buffer.from(address);
  if (!/^[/@]./.test(address) || name.length >= MAX_PATH) {
    throw new Error("wanted a path or @name of at most 107 bytes");
  }
  if (name[0] === 0x40) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  const to = Buffer.concat([family, name]);
  const libc = loadForGood("libc.so.6");
  const socket = libc.func("int socket(int domain, int type, int protocol)");
  const sendto = libc.func(
    "int64_t sendto(int socket, const void *bytes, size_t length, int flags, const void *to, uint32_t toLength)",
  );
  const close = libc.func("int close(int socket)");
  const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
  if (descriptor < 0) throw new Error(`no socket can be made (errno ${koffi.errno()})`);
  return {
    send(text) {
      const bytes = Buffer.from(text);
      const sent = sendto(descriptor, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, to, to.length) as number;
      return sent < 0 ? koffi.errno() : 0;
    },
    close: () => void close(descriptor),
  };
}
