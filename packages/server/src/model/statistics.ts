import type { BatchReport } from '../engine/engine.ts'

/** A number of things, and how long all of them took, in nanoseconds. */
export interface Duration {
  count: number
  ns: number
}

/** The work of a model since it was first opened. */
export interface Statistics {
  /** Of whole requests that were answered, and of those that failed. */
  readonly success: Readonly<Duration>
  readonly fail: Readonly<Duration>
  /** Of rows: how long they waited for their runs, and how long these took. */
  readonly queue: Readonly<Duration>
  readonly compute: Readonly<Duration>
  /** Of runs, by their number of rows. */
  readonly runs: ReadonlyMap<number, Readonly<Duration>>
  /** Milliseconds since 1970; 0 before the first run. */
  readonly lastRun: number
}

const NS = 1e6

/** Counts what a model does. */
export class StatisticsCounter implements Statistics {
  readonly success: Duration = { count: 0, ns: 0 }
  readonly fail: Duration = { count: 0, ns: 0 }
  readonly queue: Duration = { count: 0, ns: 0 }
  readonly compute: Duration = { count: 0, ns: 0 }
  readonly runs: Map<number, Duration> = new Map()
  lastRun: number = 0

  addRun({ rows, ms, waited }: BatchReport): void {
    for (const each of waited) add(this.queue, 1, each)
    add(this.compute, rows, rows * ms)
    const ofSize = this.runs.get(rows) ?? { count: 0, ns: 0 }
    this.runs.set(rows, ofSize)
    add(ofSize, 1, ms)
    this.lastRun = Date.now()
  }

  /** Counts a request by its outcome. */
  async time<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    let outcome = this.fail
    try {
      const result = await work()
      outcome = this.success
      return result
    } finally {
      add(outcome, 1, performance.now() - start)
    }
  }
}

function add(to: Duration, count: number, ms: number): void {
  to.count += count
  to.ns += Math.round(ms * NS)
}
