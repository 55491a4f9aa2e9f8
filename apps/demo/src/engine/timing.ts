/** Times of single runs in ms; the i-th of each were taken one right after the other. */
export interface RunTimes {
  readonly dense: readonly number[]
  readonly pruned: readonly number[]
}
