import { type Method, TpError } from '@tp/core'
import { openDataset, readModelFolder } from '@tp/eval'
import { balanced, clsAttention, receivedAttention, valueAware, valueWeighted } from '@tp/method-attention'
import type { Budget } from '../measure/compare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import type { Context } from './section.ts'

/** MiniLM-L6-H384 (22.7 M parameters) with the first `limit` texts of one of its data sets. */
export async function openMinilm(
  { runtime, shared }: Context,
  data: readonly string[],
  limit?: number,
): Promise<Subject> {
  const path = shared('models', 'minilm-sentiment', 'model.onnx')
  const folder = await readModelFolder(path)
  const dataset = await openDataset(shared('data', ...data), { labels: folder.labels, limit })
  return openSubject(runtime, { name: 'minilm-sentiment', path, dataset, prepare: folder })
}

/** What the setting is chosen from. */
export const candidateMethods: readonly Method[] = [
  clsAttention(),
  receivedAttention(),
  valueWeighted(),
  valueAware(),
  balanced({ values: true }),
]

const laterBlocks: readonly number[] = [1, 2, 3, 4, 5]

/** The same share in each block but the first, shares that fall, also from the first block on, or few and early cuts. */
export const candidateBudgets: readonly Budget[] = [
  { keep: 0.7, layers: laterBlocks },
  { keep: 0.6, layers: laterBlocks },
  { keep: 0.5, layers: laterBlocks },
  { keep: [0.7, 0.6, 0.5, 0.4], layers: [1, 2, 3, 4] },
  { keep: [0.8, 0.75, 0.7, 0.65, 0.6], layers: [0, 1, 2, 3, 4] },
  { keep: 0.3, layers: [1] },
  { keep: 0.5, layers: [1, 3] },
  { keep: 0.4, layers: [1, 3] },
]

/** A method and what it keeps. */
export interface Setting {
  readonly method: string
  readonly budget: Budget
}

/** What the section `minilm-choice` has chosen. */
export function chosenSetting({ found }: Context): { readonly method: Method; readonly budget: Budget } {
  const values = found('minilm-choice')?.values as { chosen?: Setting } | undefined
  const method = candidateMethods.find(({ name }) => name === values?.chosen?.method)
  if (values?.chosen !== undefined && method !== undefined) return { method, budget: values.chosen.budget }
  throw new TpError('TP_OPTION', 'benchmark', 'no setting has been chosen yet; run the section minilm-choice first')
}
