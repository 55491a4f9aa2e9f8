import { batchInvariance } from './foundations/batch-invariance.ts'
import { deadTokens } from './foundations/dead-tokens.ts'
import { embeddings } from './foundations/embeddings.ts'
import { minilmImdb, minilmSst2 } from './foundations/minilm-accuracy.ts'
import { minilmChoice } from './foundations/minilm-choice.ts'
import { int8Accuracy, int8Speed } from './foundations/minilm-int8.ts'
import { minilmSpeed } from './foundations/minilm-speed.ts'
import { minilmTrained } from './foundations/minilm-trained.ts'
import { profile } from './foundations/profile.ts'
import { pruneCost } from './foundations/prune-cost.ts'
import { runSections } from './report/run-sections.ts'
import type { Section } from './report/section.ts'

const sections: readonly Section[] = [
  minilmChoice,
  minilmImdb,
  minilmSst2,
  minilmTrained,
  minilmSpeed,
  deadTokens,
  profile,
  int8Speed,
  int8Accuracy,
  embeddings,
  batchInvariance,
  pruneCost,
]

await runSections(
  {
    name: 'foundations',
    opening:
      '# Measured: the foundations\n\nWritten by `pnpm --filter benchmark foundations`; the same numbers, unrounded, are in ' +
      '`reports/foundations.json`. Accuracy in percent with half the width of its 95 % interval; loss in points ' +
      'against dense, paired by example, with its 95 % interval; FLOPs and speed-up are factors over dense, and speed is ' +
      'measured on one thread with all models in turns. `none` is dense without its dead tokens; every other row has that too.',
  },
  sections,
)
