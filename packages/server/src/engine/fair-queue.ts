import type { ExampleRow } from './row.ts'

/** A row that waits. */
export interface Entry<Request> {
  readonly request: Request
  readonly row: ExampleRow
  /** Its position among the rows of the request. */
  readonly position: number
  readonly tokens: number
  readonly key: string
  /** `performance.now()` when it began to wait. */
  readonly since: number
  /** When it is due, in tokens that each request has had computed by then. */
  readonly due: number
}

/**
 * Fair queueing (Demers, Keshav and Shenker, 1989): a request's first row is due now, each of its others when the rows before it would be
 * done if all requests that wait shared the model equally. So a request of a single row need not wait for the thousands of another, which
 * advances all the same.
 */
export class FairQueue<Request> {
  /** Ascending by `due`. */
  #entries: Entry<Request>[] = []
  #now = 0
  #tokens = 0

  get entries(): readonly Entry<Request>[] {
    return this.#entries
  }

  /** Of all rows that wait. */
  get tokens(): number {
    return this.#tokens
  }

  add(request: Request, rows: readonly ExampleRow[]): void {
    let due = this.#now
    const since = performance.now()
    const added = rows.map((row, position): Entry<Request> => {
      const entry = { request, row, position, tokens: row.tokens, key: row.key, since, due }
      due += row.tokens
      this.#tokens += row.tokens
      return entry
    })
    // Both are in order, and so is what a stable sort makes of them: of equals, who came first.
    this.#entries = [...this.#entries, ...added].sort((a, b) => a.due - b.due)
  }

  take(entries: readonly Entry<Request>[]): void {
    const taken = new Set(entries)
    const sharing = new Set(this.#entries.map(({ request }) => request)).size
    this.#now += entries.reduce((sum, { tokens }) => sum + tokens, 0) / sharing
    this.#keep((entry) => !taken.has(entry))
  }

  remove(request: Request): void {
    this.#keep((entry) => entry.request !== request)
  }

  /** The longest that a row has waited, in milliseconds. */
  waited(): number {
    const first = this.#entries.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY)
    return performance.now() - first
  }

  #keep(fits: (entry: Entry<Request>) => boolean): void {
    this.#entries = this.#entries.filter(fits)
    this.#tokens = this.#entries.reduce((sum, { tokens }) => sum + tokens, 0)
  }
}
