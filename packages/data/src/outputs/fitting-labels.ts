import { TpError } from '@tp/core'
import type { ValueInfo } from '@tp/core/runtime'

interface NamedModel {
  readonly outputs: readonly ValueInfo[]
  readonly task: string
  readonly path: string
}

/** Tasks whose answers are names of classes. */
const NAMED = new Set(['classification', 'multi-label', 'tokens'])

/**
 * The names of a model's classes, as config.json next to it has them, where they can be told apart and are as many as its logits.
 * @throws TpError TP_DATA for names that do not fit: an answer would have the name of another class, or of several
 */
export function fittingLabels(
  labels: readonly string[] | undefined,
  { outputs, task, path }: NamedModel,
): readonly string[] | undefined {
  // Exporters write these for every model, whatever its outputs are.
  if (labels === undefined || !NAMED.has(task) || labels.every((label, id) => label === `LABEL_${id}`)) return labels
  const names = new Set<string>()
  const twice = labels.find((label) => names.size === names.add(label).size)
  if (twice !== undefined) throw misfit(path, `names two classes ${JSON.stringify(twice)}`)
  const count = outputs.find(({ name }) => name === 'logits')?.dims.at(-1)
  // One logit tells two classes apart.
  if (typeof count !== 'number' || count === labels.length || (count === 1 && labels.length === 2)) return labels
  throw misfit(path, `names ${labels.length.toLocaleString('en-US')} classes, and the model has ${count} logits`)
}

function misfit(path: string, seen: string): TpError {
  return new TpError('TP_DATA', 'data', `id2label in config.json next to ${path} ${seen}; correct it, or remove it`)
}
