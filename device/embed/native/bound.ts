import type { Handle } from "./library.ts";
import { embeddingShape, FLOAT32, type Layout, type Memory, UINT8, viewShape } from "./memory.ts";
import type { Runner } from "./runner.ts";
import type { Session } from "./session.ts";

/** One batch size of a session: its tensors and their binding, made once and used for every run. */
export class Bound {
  readonly size: number;
  readonly #runner: Runner;
  readonly #session: Session;
  readonly #layout: Layout;
  readonly #memory: Memory;
  readonly #binding: Handle;
  readonly #runOptions: Handle;
  readonly #input: Handle;

  /** @param size views that one run takes, at most what the memory was taken for */
  constructor(runner: Runner, session: Session, layout: Layout, memory: Memory, size: number) {
    const { library } = session;
    this.size = size;
    this.#runner = runner;
    this.#session = session;
    this.#layout = layout;
    this.#memory = memory;
    this.#runOptions = session.own(library.make("CreateRunOptions"), "ReleaseRunOptions");
    this.#input = tensorOver(session, memory.info, memory.input, viewShape(layout, size), UINT8);
    const output = tensorOver(session, memory.info, memory.output, embeddingShape(layout, size), FLOAT32);
    this.#binding = session.own(library.make("CreateIoBinding", session.handle), "ReleaseIoBinding");
    if (!memory.rebind) library.call("BindInput", this.#binding, layout.inputName, this.#input);
    library.call("BindOutput", this.#binding, layout.outputName, output);
  }

  /**
   * One run, on the runner's thread. No two at once over the same memory.
   *
   * @param views RGB8 (count, sizePx, sizePx, 3)
   * @param count 1..size; rows beyond it are computed and dropped
   * @param out (count, dimension)
   * @throws {GradelineError} INFERENCE with the library's message
   */
  async run(views: Uint8Array, count: number, out: Float32Array): Promise<void> {
    const { sizePx, dimension, inputName } = this.#layout;
    const memory = this.#memory;
    const { host } = memory;
    const bytes = count * sizePx * sizePx * 3;
    if (views !== host.views) host.views.set(views.length === bytes ? views : views.subarray(0, bytes));
    memory.upload(bytes);
    if (memory.rebind) this.#session.library.call("BindInput", this.#binding, inputName, this.#input);
    await this.#runner.run({ session: this.#session.handle, options: this.#runOptions, binding: this.#binding });
    memory.download(count * dimension * 4);
    if (out !== host.embeddings) out.set(host.embeddings.subarray(0, count * dimension));
  }
}

function tensorOver(session: Session, info: Handle, address: Handle, shape: BigInt64Array, type: number): Handle {
  const { library } = session;
  const elements = Number(shape.reduce((product, size) => product * size, 1n));
  const bytes = elements * (type === FLOAT32 ? Float32Array.BYTES_PER_ELEMENT : 1);
  const value = library.make("CreateTensorWithDataAsOrtValue", info, address, bytes, shape, shape.length, type);
  return session.own(value, "ReleaseValue");
}
