import { openDataset, prepareInputs, readModelFolder } from '@tp/eval'
import { divide, type ModelInputs, someExamples } from '@tp/eval/inputs'
import { openMinilm } from '../foundations/minilm.ts'
import type { Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'

/** MiniLM and SST-2: texts to learn from, texts to choose by, and the dev set, which is reported once. */
export interface Sst2 {
  readonly dev: Subject
  readonly training: ModelInputs
  readonly selection: ModelInputs
}

/**
 * Most of SST-2's training texts are parts of sentences, 13 tokens long on average, where those of its dev set are whole
 * sentences of 25: only texts of at least so many tokens are learned from, 24 on average.
 */
const LEAST_TOKENS = 15

/** Of ten of them, one is to choose by. */
const TURNS = ['selection', ...Array<'training'>(9).fill('training')] as const

export async function openSst2(context: Context): Promise<Sst2> {
  const dev = await openMinilm(context, ['sst2', 'dev.tsv'])
  const folder = await readModelFolder(context.shared('models', 'minilm-sentiment', 'model.onnx'))
  const dataset = await openDataset(context.shared('data', 'sst2', 'train.tsv'), { labels: folder.labels })
  await using session = await context.runtime.load(dev.file, { threads: 1 })
  const texts = await prepareInputs(dataset, session.inputs, folder)
  const long = (texts.lengths as readonly number[]).flatMap((length, i) => (length >= LEAST_TOKENS ? [i] : []))
  return { dev, ...splitOf(someExamples(texts, long)) }
}

/** Examples to learn from, and to choose by. */
export function splitOf(inputs: ModelInputs): Pick<Sst2, 'training' | 'selection'> {
  const { training, selection } = divide(inputs, TURNS)
  return { training: someExamples(inputs, training), selection: someExamples(inputs, selection) }
}
