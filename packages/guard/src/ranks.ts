/**
 * Where each value of a stream stands among those before it, as a number in 0…1: the smoothed conformal p-value
 *
 *   p = (values below + τ·(values equal, itself among them)) / (all values, itself among them),     τ uniform in 0…1
 *
 * If the stream and the values that it begins with are exchangeable (drawn alike, in any order), the p of a stream are
 * independent and uniform, exactly and for any distribution (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random
 * World, 2005, theorem 8.1). That is why values are kept, and not quantiles of them: against a distribution that was only
 * estimated, a long enough stream always looks foreign.
 */
export class Ranks {
  readonly #start: Float64Array
  readonly #random: () => number
  #sorted: Float64Array
  #count: number

  /** @param start what the stream is compared with, in any order */
  constructor(start: readonly number[], random: () => number) {
    this.#start = Float64Array.from(start).sort()
    this.#random = random
    this.#sorted = Float64Array.from(this.#start)
    this.#count = start.length
  }

  get count(): number {
    return this.#count
  }

  /** p of the next value, which belongs to those before from then on. Not a number counts as below all others. */
  add(next: number): number {
    const value = Number.isNaN(next) ? Number.NEGATIVE_INFINITY : next
    const below = this.#firstFrom((other) => other >= value)
    const upTo = this.#firstFrom((other) => other > value)
    this.#insert(value, upTo)
    return (below + this.#random() * (upTo - below + 1)) / this.#count
  }

  /** Forgets the stream. */
  restart(): void {
    this.#count = this.#start.length
    this.#sorted.set(this.#start)
  }

  #firstFrom(holds: (value: number) => boolean): number {
    let [low, high] = [0, this.#count]
    while (low < high) {
      const middle = (low + high) >> 1
      if (holds(this.#sorted[middle] as number)) high = middle
      else low = middle + 1
    }
    return low
  }

  #insert(value: number, position: number): void {
    if (this.#count === this.#sorted.length) {
      const larger = new Float64Array(2 * this.#count + 16)
      larger.set(this.#sorted)
      this.#sorted = larger
    }
    this.#sorted.copyWithin(position + 1, position, this.#count)
    this.#sorted[position] = value
    this.#count++
  }
}
