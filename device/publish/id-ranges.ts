/** A set of whole numbers that lie close together: sorted ranges, each with both its ends. */
export class IdRanges {
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  /** @throws {SyntaxError} where the text is not what {@link IdRanges.text} gives */
  static parse(text: string): IdRanges {
    const ranges = new IdRanges();
    for (const part of text === "" ? [] : text.split(",")) {
      const match = /^(\d{1,15})-(\d{1,15})$/.exec(part);
      const [from, to] = [Number(match?.[1]), Number(match?.[2])];
      const last = ranges.#to.at(-1) ?? -1;
      if (!(from <= to && from > last)) throw new SyntaxError(`${text.slice(0, 40)} is not a list of ranges`);
      ranges.#from.push(from);
      ranges.#to.push(to);
    }
    return ranges;
  }

  get text(): string {
    return this.#from.map((from, index) => `${from}-${this.#to[index]}`).join(",");
  }

  get last(): number {
    return this.#to.at(-1) ?? 0;
  }

  has(id: number): boolean {
    const index = this.#at(id);
    return index < this.#from.length && this.#from[index]! <= id;
  }

  add(id: number): void {
    this.addRange(id, id);
  }

  addRange(from: number, to: number): void {
    if (from > to) return;
    // Ranges that touch it become one with it.
    const first = this.#at(from - 1);
    let end = first;
    let [low, high] = [from, to];
    for (; end < this.#from.length && this.#from[end]! <= to + 1; end++) {
      low = Math.min(low, this.#from[end]!);
      high = Math.max(high, this.#to[end]!);
    }
    this.#from.splice(first, end - first, low);
    this.#to.splice(first, end - first, high);
  }

  /** How many numbers of `from` to `to` are in the set. */
  count(from: number, to: number): number {
    let sum = 0;
    for (let index = this.#at(from); index < this.#from.length && this.#from[index]! <= to; index++) {
      sum += Math.min(to, this.#to[index]!) - Math.max(from, this.#from[index]!) + 1;
    }
    return sum;
  }

  /** Ids from `from` to `to` that are not in the set, lowest first. */
  *gaps(from: number, to: number): Generator<readonly [from: number, to: number]> {
    let next = from;
    for (let index = this.#at(from); index < this.#from.length && next <= to; index++) {
      if (this.#from[index]! > to) break;
      if (this.#from[index]! > next) yield [next, this.#from[index]! - 1];
      next = this.#to[index]! + 1;
    }
    if (next <= to) yield [next, to];
  }

  copy(): IdRanges {
    const copy = new IdRanges();
    copy.#from.push(...this.#from);
    copy.#to.push(...this.#to);
    return copy;
  }

  /** Index of the first range that ends at `id` or later. */
  #at(id: number): number {
    let low = 0;
    let high = this.#to.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#to[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
