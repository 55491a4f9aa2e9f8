import { batchSections } from './native/batches.ts'
import { kernelSection } from './native/kernel.ts'
import { paritySections } from './native/parity.ts'
import { serviceSection } from './native/service.ts'
import { singleSection } from './native/single.ts'
import { runSections } from './report/run-sections.ts'

await runSections(
  {
    name: 'native',
    opening:
      '# Measured: the native runtime and packed models\n\nWritten by `pnpm --filter benchmark native`; the same numbers, ' +
      'unrounded, are in `reports/native.json`. All models in turns in one process; times are medians, speed-ups medians over ' +
      'rounds with the interval that covers the true one with 95 % probability. Padded models run in onnxruntime-node; both ' +
      'runtimes use the same library of onnxruntime. Dead tokens are removed in every row.',
  },
  [...paritySections, ...batchSections, singleSection, kernelSection, serviceSection],
)
