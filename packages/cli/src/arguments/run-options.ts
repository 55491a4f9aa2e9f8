/** How `tp serve` and `tp run` run a model: by a plan, or with a guard. */
export const runOptions = {
  plan: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: 'a plan (of tp optimize, regimes and cascade included) by which the dense model is pruned first',
  },
  guard: {
    type: 'string',
    value: 'GUARD',
    reads: 'file',
    description:
      'what tp calibrate or tp optimize --cascade has written; uncertain answers fall back to the model of --against',
    needs: ['against'],
    excludes: ['plan'],
    because: '--guard is of a pruned file, and --plan prunes a dense one',
  },
  against: {
    type: 'string',
    value: 'DENSE',
    reads: 'model',
    description: 'the dense model, with --guard',
    needs: ['guard'],
  },
} as const
