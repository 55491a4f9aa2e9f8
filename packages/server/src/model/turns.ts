/** Work that is done in parts. */
export interface Turns {
  /** Waits for a turn. */
  next(): Promise<void>
}

interface Waiting {
  readonly came: number
  readonly hadOne: boolean
  begin(): void
}

const waiting: Waiting[] = []
let came = 0

/**
 * Turns at what blocks the event loop: one in each turn of the loop, whoever they belong to, so that whatever waits, others are heard in between.
 * Work that has had none comes first, as small work needs no other; of the rest the one that came first, so that each ends soon.
 */
export function takingTurns(): Turns {
  const own = came++
  let hadOne = false
  return {
    next() {
      return new Promise((resolve) => {
        waiting.push({ came: own, hadOne, begin: resolve })
        hadOne = true
        if (waiting.length === 1) setImmediate(beginFirst)
      })
    },
  }
}

function beginFirst(): void {
  const first = waiting.reduce((one, other) => (isBefore(other, one) ? other : one))
  waiting.splice(waiting.indexOf(first), 1)
  if (waiting.length > 0) setImmediate(beginFirst)
  first.begin()
}

function isBefore(one: Waiting, other: Waiting): boolean {
  return one.hadOne === other.hadOne ? one.came < other.came : !one.hadOne
}
