import { runSections } from './report/run-sections.ts'
import { sections } from './tuning/sections.ts'

await runSections(
  {
    name: 'tuning',
    opening:
      '# Measured: tuned plans\n\nWritten by `pnpm --filter benchmark tuning`; the same numbers, unrounded, are in ' +
      '`reports/tuning.json`. Plans are chosen and verified on calibration data (`tp tune`), and reported once on test. The best ' +
      'uniform plan is chosen on the same examples: of the two most promising methods, with and without a cut in the first ' +
      'block, the smallest ratio for all blocks that loses no more. Loss in points against dense, paired by example, with its 95 % bootstrap interval; ' +
      'times on one thread, all models in turns.',
  },
  sections,
)
