import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { GradelineError } from "../base/errors.ts";

const COOKIE_DAYS = 30;
const TOKEN = /^[\x21-\x7e]{16,256}$/;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** @param address an IP address, not a name */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/**
 * Sent with every answer. Scripts and styles come from this server's own files alone, nothing may frame it, and no
 * other site may embed what it serves.
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "require-trusted-types-for 'script'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Decides who may ask. Where a token is set, it is asked for on loopback too. */
export class Guard {
  readonly #token: Buffer | undefined;
  /** What a browser keeps: follows from the token, so that it lives as long as the token, but does not tell it. */
  readonly #session: string | undefined;
  readonly #loopback: boolean;

  /**
   * @param address the address listened on
   * @param token what every request must show; undefined: nothing, which only loopback may have
   * @throws {GradelineError} CONFIG for an address that others reach without a token, or a token that is no secret
   */
  constructor(address: string, token: string | undefined) {
    this.#loopback = isLoopback(address);
    if (token === undefined && !this.#loopback) {
      throw new GradelineError("CONFIG", `console.host ${address} can be reached by others and has no token`, {
        hint: "set console.token (a file with the output of `openssl rand -hex 16`), or listen on 127.0.0.1",
      });
    }
    if (token !== undefined && !TOKEN.test(token)) {
      throw new GradelineError("CONFIG", "console.token must be 16 to 256 printable ASCII characters without a space", {
        hint: "make one with `openssl rand -hex 16`",
      });
    }
    this.#token = token === undefined ? undefined : digest(token);
    this.#session =
      token === undefined ? undefined : createHmac("sha256", token).update("gradeline console").digest("hex");
  }

  /** Whether the request was meant for this server: keeps a site that points its own name at loopback out. */
  meant(request: IncomingMessage): boolean {
    const host = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(request.headers.host ?? "")?.[1];
    if (host === undefined) return false;
    if (!this.#loopback) return true;
    const name = host.startsWith("[") ? host.slice(1, -1) : host.toLowerCase();
    return name === "localhost" || (isIP(name) !== 0 && isLoopback(name));
  }

  /** Whether another site's page makes the browser ask; a link followed by a person is fine. */
  foreign(request: IncomingMessage): boolean {
    const { "sec-fetch-site": site, "sec-fetch-mode": mode } = request.headers;
    return site === "cross-site" && !(mode === "navigate" && request.method === "GET");
  }

  /**
   * Whether the page of this very server asks, or a program that is no browser: what changes something is taken from
   * them alone. Another port of this machine is another site here, though browsers call it the same.
   */
  own(request: IncomingMessage): boolean {
    const { "sec-fetch-site": site, origin, host } = request.headers;
    if (site !== undefined && site !== "same-origin") return false;
    return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
  }

  /** `Authorization: Bearer TOKEN`, or the cookie of {@link login}. */
  allowed(request: IncomingMessage): boolean {
    if (this.#session === undefined) return true;
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.accepts(/^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? "");
    const name = cookieName(request);
    for (const part of (request.headers.cookie ?? "").split(/; */)) {
      if (part.startsWith(`${name}=`) && equal(digest(part.slice(name.length + 1)), digest(this.#session))) return true;
    }
    return false;
  }

  accepts(token: string): boolean {
    return this.#token === undefined || equal(digest(token), this.#token);
  }

  /** The `Set-Cookie` of a browser that has shown the token. */
  login(request: IncomingMessage): string {
    const age = COOKIE_DAYS * 24 * 3600;
    return `${cookieName(request)}=${this.#session ?? ""}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}`;
  }
}

/** Browsers share cookies over all ports of a host: two daemons on one board keep their own. */
function cookieName(request: IncomingMessage): string {
  return `gradeline-${request.socket.localPort ?? 0}`;
}

/** Of one length whatever is given, so that the comparison tells nothing of it. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function equal(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b);
}
