import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { median } from 'simple-statistics'
import { type Cost, processCost } from '../measure/process-cost.ts'
import type { Section } from '../report/section.ts'

const RUNS = 5

/** Time and memory of the command on a 91 MB file, as a user meets them: a process of its own, from start to end. */
export const pruneCost: Section = {
  name: 'prune-cost',
  title: 'tp prune of the 91 MB model',
  async run({ shared, onProgress }) {
    const model = shared('models', 'minilm-sentiment', 'model.onnx')
    const megabytes = (await stat(model)).size / 1e6
    const folder = await mkdtemp(join(tmpdir(), 'tp-prune-'))
    try {
      const runs = Array.from({ length: RUNS }, (_, run) => {
        onProgress(`run ${run + 1} of ${RUNS}`)
        return measure([
          'prune',
          model,
          '-o',
          join(folder, `${run}.onnx`),
          '--method',
          'cls-attention',
          '--keep',
          '0.5',
        ])
      })
      const idle = measure(['--help'])
      const seconds = median(runs.map((run) => run.seconds))
      const peak = Math.max(...runs.map((run) => run.megabytes))
      return {
        tables: [
          {
            caption: `File of ${megabytes.toFixed(1)} MB, ${RUNS} runs`,
            headings: ['', 'value'],
            rows: [
              ['median time', `${seconds.toFixed(2)} s`],
              ['longest time', `${Math.max(...runs.map((run) => run.seconds)).toFixed(2)} s`],
              ['largest peak of resident memory', `${peak.toFixed(0)} MB`],
              ['the same over the size of the file', (peak / megabytes).toFixed(2)],
              ['of it, the command without a model', `${idle.megabytes.toFixed(0)} MB`],
            ],
          },
        ],
        notes: [],
        values: { megabytes, runs, idle },
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

function measure(args: readonly string[]): Cost {
  const cli = join(dirname(createRequire(import.meta.url).resolve('@tp/cli/package.json')), 'bin', 'tp.js')
  return processCost([cli, ...args])
}
