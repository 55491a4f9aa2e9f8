import { realAnswers, syntheticAnswers } from './promises/sections.ts'
import { runSections } from './report/run-sections.ts'

await runSections(
  {
    name: 'promises',
    opening:
      '# Measured: how often promises and intervals are wrong\n\nWritten by `pnpm --filter benchmark promises`; the same numbers, ' +
      'unrounded, are in `reports/promises.json`. What models answer to some examples is taken for all there is; 2,000 sets of 24, ' +
      '60, 150, 400 and 1,000 examples in turns are drawn from it with replacement, and what is said of each set is compared with ' +
      'what is true of all. Shares of the draws have their exact 95 % intervals (Clopper and Pearson). Figures and losses are in ' +
      'percent and points, as are the mean widths of their intervals. For `--confident` the examples are those to verify on, two fifths of what ' +
      'tune is given, and all prunings come to be verified, also those that choosing would have left out.',
  },
  [realAnswers, syntheticAnswers],
)
