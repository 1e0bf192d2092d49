import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { answer, answerJson, Refusal, readBody, redirect, refuse, refuseFor } from "./answer.ts";
import { type Assets, readAssets } from "./assets.ts";
import { Feed, MAX_CLIENTS } from "./feed.ts";
import { Guard, securityHeaders } from "./guard.ts";
import { askedFor, languageCookie, languageOf } from "./languages.ts";
import { limitSilent, WrongLogins } from "./limits.ts";
import { addressOf, listenOn, urlOf } from "./listen.ts";
import { Looks } from "./looks.ts";
import { Pictures, sheet, single } from "./pictures.ts";
import { dismissSchema, enrollSchema, readChange, undoSchema } from "./read-change.ts";
import { RecentItems } from "./recent.ts";
import type { StationView } from "./view.ts";

const STATUS_INTERVAL_MS = 1000;
const MAX_CONNECTIONS = 512;
const MAX_LOGIN_BYTES = 4096;
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
const HTML = "text/html; charset=utf-8";
/** Pages by their addresses. */
const PAGES: ReadonlyMap<string, string> = new Map([
  ["/", "index.html"],
  ["/wall", "wall.html"],
]);
const EVENTS = "text/event-stream; charset=utf-8";

export interface ConsoleOptions {
  /** Name or address; one that others can reach needs a token. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The secret itself, not the place where it is kept. */
  readonly token: string | undefined;
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

interface Route {
  readonly methods: readonly string[];
  readonly answer: Answering;
}

const READING = ["GET", "HEAD"];
const CHANGING = ["POST"];

/** The page of the line over HTTP: events, pictures, metrics, and what people teach the line. */
export class Console implements Closable {
  readonly url: string;
  readonly #server: Server;
  readonly #view: StationView;
  readonly #log: Log;
  readonly #guard: Guard;
  readonly #assets: Assets;
  readonly #feed = new Feed();
  readonly #recent = new RecentItems();
  readonly #pictures = new Pictures();
  readonly #looks = new Looks((camera) => this.#view.look(camera));
  /** Everything that needs the token, by path; where a path ends with / the rest of it names an item. */
  readonly #routes = new Map<string, Route>([
    ["/events", get((request, response) => this.#events(request, response))],
    ["/metrics", get(async (_, response) => answer(response, 200, PROMETHEUS, await this.#view.metrics()))],
    ["/api/status", get((_, response) => answerJson(response, 200, this.#view.status()))],
    ["/api/items", get((_, response) => answerJson(response, 200, this.#recent.list()))],
    ["/api/item/", get((request, response) => this.#item(named(request), response))],
    ["/api/map", get((_, response) => answerJson(response, 200, this.#view.map() ?? null))],
    ["/api/queue", get((_, response) => answerJson(response, 200, this.#view.queue()))],
    ["/api/enroll", post((request, response) => this.#enroll(request, response))],
    // The spelling of version 0.1; it answers for one more version.
    ["/api/enrol", post((request, response) => this.#enroll(request, response))],
    ["/api/dismiss", post((request, response) => this.#dismiss(request, response))],
    ["/api/undo", post((request, response) => this.#undo(request, response))],
    ["/look/", get((request, response) => this.#look(named(request), response))],
    ["/thumb/", get((request, response) => this.#thumb(named(request), response))],
    ["/views/", get((request, response) => this.#views(named(request), response))],
    ["/reference/", get((request, response) => this.#reference(named(request), response))],
  ]);
  readonly #wrong = new WrongLogins();
  readonly #stop: () => void;

  /**
   * @throws {GradelineError} CONFIG when the address cannot be listened on, or others can reach it without a token
   */
  static async listen(options: ConsoleOptions, view: StationView, log: Log): Promise<Console> {
    const address = await addressOf(options.host);
    const guard = new Guard(address, options.token);
    const assets = await readAssets();
    const server = createServer({
      maxHeaderSize: 8192,
      headersTimeout: 10_000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1000,
    });
    limitSilent(server);
    server.maxConnections = MAX_CONNECTIONS;
    await listenOn(server, address, options.port);
    return new Console(server, view, log, guard, assets);
  }

  private constructor(server: Server, view: StationView, log: Log, guard: Guard, assets: Assets) {
    this.#server = server;
    this.#view = view;
    this.#log = log;
    this.#guard = guard;
    this.#assets = assets;
    this.url = urlOf(server);
    const unsubscribe = view.onItem((item) => this.#feed.send("item", this.#recent.add(item)));
    const timer = setInterval(() => this.#tellStatus(), STATUS_INTERVAL_MS);
    timer.unref();
    this.#stop = () => {
      clearInterval(timer);
      unsubscribe();
    };
    server.on("request", (request, response) => void this.#serve(request, response));
    server.on("error", (error) => log.error({ err: error }, "the page's server"));
  }

  /** Pages that are open now. */
  get clients(): number {
    return this.#feed.clients;
  }

  async close(): Promise<void> {
    this.#stop();
    this.#feed.close();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #tellStatus(): void {
    if (this.#feed.clients === 0) return;
    try {
      this.#feed.send("status", this.#view.status());
    } catch (error) {
      this.#log.error({ err: error }, "the page got no status");
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
      await this.#route(request, response);
    } catch (error) {
      // Who has gone in the middle of a request gets no answer.
      if (response.destroyed) return;
      if (error instanceof Refusal) return refuse(response, error.status, error.message);
      if (error instanceof GradelineError && !response.headersSent) return refuseFor(response, error);
      this.#log.error({ err: error }, "the page could not answer");
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "this failed on the board; its log says why");
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#guard.meant(request)) return refuse(response, 421, "this server does not go by that host name");
    if (this.#guard.foreign(request)) return refuse(response, 403, "another site may not ask this");
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (request.method === "POST" && path === "/login") return this.#login(request, response);
    const route = this.#routes.get(path) ?? this.#routes.get(path.slice(0, path.lastIndexOf("/") + 1));
    const methods = route?.methods ?? READING;
    if (!methods.includes(request.method ?? "")) {
      response.setHeader("allow", methods.join(", "));
      return refuse(response, 405, `this takes ${methods[0]} alone`);
    }
    if (path === "/healthz") return this.#health(response);
    // The files of the page are no secret, and the login form needs them.
    if (this.#asset(path.slice(1), request, response)) return;
    const allowed = this.#guard.allowed(request);
    const page = PAGES.get(path);
    if (page !== undefined) return this.#page(allowed ? page : "login.html", allowed, request, response);
    if (!allowed) {
      response.setHeader("www-authenticate", "Bearer");
      return refuse(response, 401, "a token is needed: Authorization: Bearer TOKEN");
    }
    if (route === undefined) return refuse(response, 404, "there is nothing here");
    return route.answer(request, response);
  }

  /** Only names found at the start are known: the request's text is a key, never a path. */
  #asset(name: string, request: IncomingMessage, response: ServerResponse): boolean {
    const asset = this.#assets.files.get(name);
    if (asset === undefined) return false;
    response.setHeader("etag", asset.etag);
    response.setHeader("cache-control", "no-cache");
    if (request.headers["if-none-match"] === asset.etag) response.writeHead(304).end();
    else answer(response, 200, asset.type, asset.body);
    return true;
  }

  /** A page in the language that its address asks for, which the browser then keeps, or that the browser wants. */
  #page(name: string, allowed: boolean, request: IncomingMessage, response: ServerResponse): void {
    const language = languageOf(request);
    if (askedFor(request) !== undefined) response.appendHeader("set-cookie", languageCookie(language));
    response.setHeader("content-language", language);
    response.setHeader("vary", "accept-language, cookie");
    answer(response, allowed ? 200 : 401, HTML, this.#assets.pages.get(name)!.get(language)!);
  }

  #health(response: ServerResponse): void {
    const { state } = this.#view.status();
    answerJson(response, state === "stopped" ? 503 : 200, { state });
  }

  #events(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === "HEAD") {
      answer(response, 200, EVENTS, "");
    } else if (this.#feed.full) {
      response.setHeader("retry-after", "5");
      refuse(response, 503, `${MAX_CLIENTS} pages are open already`);
    } else {
      response.setHeader("cache-control", "no-store");
      response.writeHead(200, { "content-type": EVENTS });
      const first = { page: this.#assets.version, status: this.#view.status(), items: this.#recent.list() };
      this.#feed.add(response, "snapshot", first);
    }
  }

  async #item(id: string, response: ServerResponse): Promise<void> {
    const detail = await this.#view.item(id);
    if (detail === undefined) return refuse(response, 404, "this item is not kept any more");
    answerJson(response, 200, detail);
  }

  async #enroll(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { grade, items, newGradeBefore } = await readChange(request, this.#guard, enrollSchema);
    answerJson(response, 200, await this.#view.enroll(grade, items, newGradeBefore));
  }

  async #undo(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await readChange(request, this.#guard, undoSchema);
    answerJson(response, 200, await this.#view.undo());
  }

  async #dismiss(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { items } = await readChange(request, this.#guard, dismissSchema);
    answerJson(response, 200, { dismissed: await this.#view.dismiss(items) });
  }

  /** A live picture; what is seen in it stands in a header, so that both are of one frame. */
  async #look(id: string, response: ServerResponse): Promise<void> {
    const look = await this.#looks.get(id);
    if (look === undefined) return refuse(response, 404, "there is no such camera");
    response.setHeader("x-seen", encodeURIComponent(look.about));
    answer(response, 200, "image/jpeg", look.jpeg);
  }

  async #thumb(id: string, response: ServerResponse): Promise<void> {
    const shown = this.#recent.thumb(id) ?? this.#pictures.get(`thumb ${id}`, () => this.#view.viewsOf(id), single);
    this.#picture(await shown, response);
  }

  async #views(id: string, response: ServerResponse): Promise<void> {
    this.#picture(await this.#pictures.get(`views ${id}`, () => this.#view.viewsOf(id), sheet), response);
  }

  async #reference(id: string, response: ServerResponse): Promise<void> {
    this.#picture(await this.#pictures.get(`reference ${id}`, () => this.#view.referenceViews(id), sheet), response);
  }

  #picture(jpeg: Buffer | undefined, response: ServerResponse): void {
    if (jpeg === undefined) throw new Refusal(404, "this picture is not kept any more");
    response.setHeader("cache-control", "private, max-age=3600, immutable");
    answer(response, 200, "image/jpeg", jpeg);
  }

  async #login(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#wrong.tooMany(request.socket.remoteAddress ?? "")) {
      response.setHeader("retry-after", "60");
      return refuse(response, 429, "too many wrong tokens from this address, wait a minute");
    }
    const body = await readBody(request, MAX_LOGIN_BYTES);
    if (body === undefined) return refuse(response, 413, `a login has at most ${MAX_LOGIN_BYTES} bytes`);
    if (!this.#guard.accepts(new URLSearchParams(body).get("token") ?? "")) {
      const from = request.socket.remoteAddress ?? "";
      const since = this.#wrong.add(from);
      if (since !== undefined) this.#log.warn({ from, count: since }, "login to the page with a wrong token");
      return redirect(response, "/?wrong");
    }
    response.setHeader("set-cookie", this.#guard.login(request));
    redirect(response, "/");
  }
}

function get(answering: Answering): Route {
  return { methods: READING, answer: answering };
}

function post(answering: Answering): Route {
  return { methods: CHANGING, answer: answering };
}

/** The name after the last slash; a key, never a path. */
function named(request: IncomingMessage): string {
  const path = request.url!.split("?", 1)[0]!;
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    return "";
  }
}
