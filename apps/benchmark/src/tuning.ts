import { runSections } from './report/run-sections.ts'
import { sections } from './tuning/sections.ts'

await runSections(
  {
    name: 'tuning',
    opening:
      '# Measured: tuned plans\n\nWritten by `pnpm --filter benchmark tuning`; the same numbers, unrounded, are in ' +
      '`reports/tuning.json`. Plans are chosen and verified on calibration data (`tp tune`), and reported once on test. The best ' +
      'uniform plan is chosen and verified on the same examples: of the two most promising methods, with and without a cut in the ' +
      'first layer, the smallest ratio for all layers that loses no more. “Uniform, as safe” is chosen with hindsight: the fastest of the same ' +
      'that loses no more than the tuned plan on test. A plan is one file whose loss is within what is allowed as far as the examples ' +
      'estimate it, or a cascade (`--cascade`): answers that are uncertain are run again on the dense model, which counts as ' +
      'time, and the upper end of the interval of the loss is within what is allowed, both where it was chosen and where it was ' +
      'verified. Uniform plans run nothing again; beside a cascade they are held to the same loss. Loss in points against dense, paired by example, with its 95 % interval; ' +
      'by belief: by the dense model’s own probabilities of the two answers, which tell more of few answers that turn, and by which losses ' +
      'are compared here; times on one thread, all models in turns.',
  },
  sections,
)
