interface Stream {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

/** On pipes one line in so many ms, on terminals one line that is rewritten. */
const QUIET_MS = 15_000

/** Says how far a run is and how long the rest will take, judged by the mean time of each kind of cell. */
export class Progress {
  readonly #stream: Stream
  readonly #start: number = performance.now()
  readonly #seconds = new Map<string, { count: number; total: number }>()
  #shown = Number.NEGATIVE_INFINITY

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** A cell of a kind took so long, by itself. */
  took(kind: string, seconds: number): void {
    const { count, total } = this.#seconds.get(kind) ?? { count: 0, total: 0 }
    this.#seconds.set(kind, { count: count + 1, total: total + seconds })
  }

  /** @param waiting kinds of the cells that are still to be measured, as far as that is known */
  show(done: number, waiting: readonly string[], what: string): void {
    const now = performance.now()
    if (!this.#stream.isTTY && now - this.#shown < QUIET_MS) return
    this.#shown = now
    const minutes = ((now - this.#start) / 60_000).toFixed(1)
    const text = `${done} of ${done + waiting.length} cells, ${minutes} min, ${this.#left(waiting)}: ${what}`
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${text.slice(0, 118)}` : `${text}\n`)
  }

  note(text: string): void {
    this.#stream.write(`${this.#stream.isTTY ? '\r\x1b[K' : ''}${text}\n`)
  }

  #left(waiting: readonly string[]): string {
    const all = [...this.#seconds.values()]
    const count = all.reduce((sum, one) => sum + one.count, 0)
    if (count === 0) return 'just begun'
    const usual = all.reduce((sum, one) => sum + one.total, 0) / count
    const seconds = waiting.reduce((sum, kind) => {
      const own = this.#seconds.get(kind)
      return sum + (own === undefined ? usual : own.total / own.count)
    }, 0)
    return `about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`} to go`
  }
}
