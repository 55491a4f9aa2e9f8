import type { ValueInfo } from '@tp/core/runtime'
import { Graph, type Model } from '@tp/onnx'
import type { ModelFacts } from '../inputs/model-facts.ts'
import { EMBEDDING_OUTPUTS } from './vectors.ts'

/**
 * The kind of answer that a model computes: a class of the whole input, one of each token, a vector that represents the input,
 * one number to rank inputs by, or states from which a decoder writes down speech.
 */
export type Task = 'classification' | 'tokens' | 'embeddings' | 'ranking' | 'asr'

/** Of the files next to a model, those facts that say what its outputs are. */
export type TaskFacts = Partial<Pick<ModelFacts, 'labels' | 'pooling'>>

/** Usual names of the output with the last hidden states. */
const TOKEN_STATES: readonly string[] = ['last_hidden_state', 'token_embeddings']

/**
 * The task of a model, judged by its outputs: `logits` of a class each input or each token, or vectors under the names that
 * exporters give them. One logit an input ranks inputs, as that of a cross-encoder does. One row for each token under another
 * name: classes if there are as many as `labels`, else vectors.
 * Scores of words are pooled to sparse vectors where the folder says so.
 * @param known the model's class names and pooling, if it has any
 */
export function taskOf(outputs: readonly ValueInfo[], { labels, pooling }: TaskFacts = {}): Task {
  const own = outputs.filter(({ name }) => !name.startsWith('tp.'))
  const logits = own.find(({ name }) => name === 'logits')
  if (pooling?.of === 'SPLADE maximum') return 'embeddings'
  if (logits !== undefined) return logits.dims.length === 3 ? 'tokens' : ofRow(logits)
  if (own.some(({ name }) => EMBEDDING_OUTPUTS.includes(name) || TOKEN_STATES.includes(name))) return 'embeddings'
  const [output] = own
  if (own.length !== 1 || output?.dims.length !== 3) return own.length === 1 ? ofRow(output) : 'classification'
  return labels !== undefined && output.dims[2] === labels.length ? 'tokens' : 'embeddings'
}

/** The outputs of a model as it declares them. */
export function declaredOutputs(model: Model): ValueInfo[] {
  return new Graph(model).outputs.map(({ name, type, dims = [] }) => ({ name, type, dims }))
}

function ofRow(output: ValueInfo | undefined): Task {
  const isOne = output?.dims.length === 1 || (output?.dims.length === 2 && output.dims[1] === 1)
  return isOne ? 'ranking' : 'classification'
}
