import { runSections } from './report/run-sections.ts'
import { sameAnswers, webgpuAnswers } from './web/same-answers.ts'
import { wasmAccuracy } from './web/wasm-accuracy.ts'
import { wasmSpeed } from './web/wasm-speed.ts'

await runSections(
  {
    name: 'web',
    opening:
      '# Measured: in the browser\n\nWritten by `pnpm --filter benchmark web`; the same numbers, unrounded, are in ' +
      '`reports/web.json`. Speed is that of the model alone, all models in turns in one page of Chromium, and a factor over ' +
      '`none`, which is dense without its dead tokens; all the pruned ones are without theirs, too. Loss in points against ' +
      '`none`, paired by example, with its 95 % interval.',
  },
  [wasmSpeed, wasmAccuracy, sameAnswers, webgpuAnswers],
)
