/**
 * How much work on symbolic sizes and known contents is still allowed. Each formula and each value that is followed is
 * small, but a graph can hold any number of them.
 */
let left = Number.POSITIVE_INFINITY

/**
 * Runs `build` with a limit on the work that its symbolic sizes and known contents may take, in terms and elements
 * (about 100 bytes and 100 ns each). Anything that exceeds the limit is unknown, like everything else that cannot be followed.
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

/** Uses up this many steps; false if fewer are left. */
export function mayWork(steps: number): boolean {
  if (steps > left) return false
  left -= steps
  return true
}
