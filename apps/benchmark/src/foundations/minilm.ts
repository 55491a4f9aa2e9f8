import { type Method, TpError } from '@tp/core'
import { openDataset, readModelFolder } from '@tp/eval'
import { balanced, receivedAttention, valueAware } from '@tp/method-attention'
import type { Budget } from '../measure/compare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'

/** Files of MiniLM-L6-H384 (22.7 M parameters): as trained, and with weights and inputs of products in 8 bits. */
export type MinilmFile = 'model.onnx' | 'model.int8.onnx'

/** MiniLM with the first `limit` texts of one of its data sets. */
export async function openMinilm(
  { runtime, shared }: Context,
  data: readonly string[],
  limit?: number,
  file: MinilmFile = 'model.onnx',
): Promise<Subject> {
  const path = shared('models', 'minilm-sentiment', file)
  const folder = await readModelFolder(path)
  const dataset = await openDataset(shared('data', ...data), { labels: folder.labels, limit })
  return openSubject(runtime, { name: 'minilm-sentiment', path, dataset, prepare: folder })
}

/** What the setting is chosen from: what did best when single budgets were tried, on calibration data too. */
export const candidateMethods: readonly Method[] = [receivedAttention(), valueAware(), balanced({ values: true })]

const [laterLayers, allLayers] = [
  [1, 2, 3, 4, 5],
  [0, 1, 2, 3, 4, 5],
]

/** The same share in each layer but the first, or shares that fall. */
export const candidateBudgets: readonly Budget[] = [
  { keep: 0.62, layers: laterLayers },
  { keep: [0.9, 0.7, 0.65, 0.65, 0.6, 0.5], layers: allLayers },
  { keep: [0.85, 0.75, 0.7, 0.65, 0.6, 0.5], layers: allLayers },
  { keep: [0.85, 0.72, 0.68, 0.65, 0.6, 0.5], layers: allLayers },
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
