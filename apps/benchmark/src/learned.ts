import { generalisation } from './learned/generalisation.ts'
import { fashion, half, predicted, third } from './learned/sections.ts'
import { stepCost } from './learned/step-cost.ts'
import { runSections } from './report/run-sections.ts'

await runSections(
  {
    name: 'learned',
    opening:
      '# Measured: learned pruning\n\nWritten by `pnpm --filter benchmark learned`; the same numbers, unrounded, are in ' +
      '`reports/learned.json`, and what was trained in `reports/learned/`. Settings are chosen and thresholds fitted on texts ' +
      'of the training set that nothing is trained on; the dev set is reported once. Layers 1 to 4, the learning rate and ' +
      'the share of distillation are from four trials by hand before, which saw the dev set; all methods share them but for ' +
      'the layers of what was only fine-tuned. Loss in points against dense, paired by example, with its 95 % interval; speed is that of the model alone, on one thread, all models in turns.',
  },
  [half, predicted, third, fashion, generalisation, stepCost],
)
