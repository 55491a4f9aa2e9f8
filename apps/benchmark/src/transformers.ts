import { runSections } from './report/run-sections.ts'
import { sections } from './transformers/sections.ts'

await runSections(
  {
    name: 'transformers',
    opening:
      '# Measured: inside transformers.js, unchanged\n\nWritten by `pnpm --filter benchmark transformers`; the same numbers, ' +
      'unrounded, are in `reports/transformers.json`. One script, `apps/benchmark/src/transformers/script.ts`, runs in two ' +
      'processes: `node script.js`, and `node --import ./prune.js script.js`. They take turns on every example. Times are ' +
      'those of the whole pipeline, from a text or an image to its label, on one thread (`session_options: { ' +
      'intraOpNumThreads: 1 }`); `pipeline() ms` is the time to load a model once, with pruning it where that is done. ' +
      'Accuracy in percent with half the width of its 95 % interval; loss in points, paired by example, with its ' +
      '95 % interval.',
  },
  sections,
)
