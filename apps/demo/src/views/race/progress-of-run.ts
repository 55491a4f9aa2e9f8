/**
 * How many layers of a run are done. Only whole runs are timed; within one, each layer takes as long as it has tokens.
 * @param tokens of each layer
 * @param share of the run that is over, 0 … 1
 */
export function layersDone(tokens: readonly number[], share: number): number {
  if (share >= 1) return tokens.length
  const all = tokens.reduce((sum, count) => sum + count, 0)
  let before = 0
  const done = tokens.findIndex((count) => {
    before += count
    return before > share * all
  })
  return done < 0 ? tokens.length : done
}
