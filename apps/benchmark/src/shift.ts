import { runSections } from './report/run-sections.ts'
import { shiftSections } from './shift/sections.ts'

await runSections(
  {
    name: 'shift',
    opening:
      '# Measured: shifted data\n\nWritten by `pnpm --filter benchmark shift`; the same numbers, unrounded, are in ' +
      '`reports/shift.json`. What pruning costs on data like those of training, and how much more it costs on others: the ' +
      '*extra loss*, in points, is the loss against dense on the shifted data less the loss in distribution, with its 95 % ' +
      'interval, paired where the examples are the same. Shifts and their severities are those of `@tp/eval` ' +
      '(`tp eval --shift`). Of twenty intervals one excludes zero by chance. On texts two methods have learned before: the networks of ' +
      '`sdtp`, without labels, from 1,200 reviews or 12,000 sentences that nothing is chosen by, and `tr-bert` with its encoder ' +
      'from 18,000 sentences, at one budget.',
  },
  shiftSections,
)
