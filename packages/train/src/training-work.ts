/** How far something is. */
export interface WorkDone {
  readonly done: number
  readonly total: number
}

/** The progress of a training: how many examples of all, steps, or schedules; whole numbers but inside of a step or schedule. */
export interface TrainingWork extends WorkDone {
  /**
   * `saliency`: the dense model shows which tokens count, before the first step that needs it. `step`: a batch that is run in parts.
   * `selection`: the selection set is evaluated. `FLOPs`: amounts are fitted to their target. `search`: schedules are tried.
   */
  readonly task: 'saliency' | 'step' | 'selection' | 'FLOPs' | 'search'
}
