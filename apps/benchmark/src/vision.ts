import { runSections } from './report/run-sections.ts'
import { accuracySections } from './vision/accuracy.ts'
import { attentionMaps } from './vision/attention-maps.ts'
import { mergeCost } from './vision/merge-cost.ts'
import { speedSections } from './vision/speed.ts'
import { triedSection } from './vision/tried.ts'

await runSections(
  {
    name: 'vision',
    opening:
      '# Measured: images and speech\n\nWritten by `pnpm --filter benchmark vision`; the same numbers, unrounded, are in ' +
      '`reports/vision.json`. Loss in points against dense, paired by example, with its 95 % interval; FLOPs and ' +
      'speed-up are factors over dense, and speed is that of the model alone, on one thread, all models in turns. Dead ' +
      'tokens are removed in every row but dense.',
  },
  [...accuracySections, ...speedSections, triedSection, attentionMaps, mergeCost],
)
