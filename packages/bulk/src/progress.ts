/** How far a run is. */
export interface BulkProgress {
  /** Rows whose answers exist, those of earlier runs included. */
  readonly rows: number
  readonly total: number
  /** Since this run began; undefined until there is something to judge by. */
  readonly rowsPerSecond: number | undefined
  readonly secondsLeft: number | undefined
  /** Processes that compute, where a queue knows them. */
  readonly workers?: number
}

/** Rates of a run that begins now with `before` rows already computed. */
export function progressFrom(before: number, total: number): (rows: number, workers?: number) => BulkProgress {
  const start = performance.now()
  return (rows, workers) => {
    const seconds = (performance.now() - start) / 1000
    const rate = rows > before && seconds > 0 ? (rows - before) / seconds : undefined
    return {
      ...{ rows, total, rowsPerSecond: rate, secondsLeft: rate === undefined ? undefined : (total - rows) / rate },
      ...(workers !== undefined && { workers }),
    }
  }
}
