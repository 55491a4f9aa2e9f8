/**
 * Work on symbolic sizes and known contents: how much of it is left. Each formula and each value that is followed is
 * small, but a graph can hold any number of them.
 */
let left = Number.POSITIVE_INFINITY

/**
 * Runs `build` with a limit on the work that its symbolic sizes and known contents may take, in terms and elements
 * (about 100 bytes and 100 ns each). What would go beyond it is unknown, as everything else that cannot be followed.
 */
export function withWorkLimit<T>(steps: number, build: () => T): T {
  const outer = left
  left = Math.min(outer, steps)
  try {
    return build()
  } finally {
    left = outer
  }
}

/** Takes so many steps from what is left; false if they are not. */
export function mayWork(steps: number): boolean {
  if (steps > left) return false
  left -= steps
  return true
}
