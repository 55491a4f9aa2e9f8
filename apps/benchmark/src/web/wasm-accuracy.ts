import { compareToDense } from '@tp/eval'
import { openMinilm } from '../foundations/minilm.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { plusMinus, points } from '../output/numbers.ts'
import type { Section } from '../report/section.ts'
import { timedFiles } from './timed-files.ts'

const sets = { 'IMDB, 2,000 of test': ['imdb', 'test.tsv'], 'SST-2, dev': ['sst2', 'dev.tsv'] } as const

/** In Node, where it takes a fraction of the time; the section on equal answers says what that leaves open. */
export const wasmAccuracy: Section = {
  name: 'wasm-accuracy',
  title: 'minilm-sentiment: accuracy of what is timed',
  async run(context) {
    const rows: string[][] = []
    const values: Record<string, unknown> = {}
    for (const [title, data] of Object.entries(sets)) {
      context.onProgress(title)
      const subject = await openMinilm(context, data, 2000)
      const { dense: _, ...files } = timedFiles(subject)
      const evaluations = await inParallel(
        Object.values(files).map((file) => () => evaluateFile(context.runtime, file, subject.inputs)),
      )
      const [none] = evaluations
      for (const [i, name] of Object.keys(files).entries()) {
        const evaluation = evaluations[i]
        if (none === undefined || evaluation === undefined) continue
        const { loss, agreement } = compareToDense(evaluation, none)
        rows.push([title, name, plusMinus(evaluation.accuracy), points(loss), `${agreement.toFixed(1)} %`])
        values[`${title}: ${name}`] = { accuracy: evaluation.accuracy, loss, agreement }
      }
    }
    const headings = ['data', 'model', 'accuracy', 'loss', 'agrees with none']
    const tables = [{ caption: 'Each share kept in each layer but the first', headings, rows }]
    return { tables, notes: [], values }
  },
}
