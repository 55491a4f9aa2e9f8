import type { AnswerForm, ValueInfo } from '@tp/core/runtime'
import { Graph, type Model } from '@tp/onnx'
import type { ModelFacts } from '../inputs/model-facts.ts'
import { EMBEDDING_OUTPUTS } from './vectors.ts'

/**
 * The kind of answer that a model computes: a class of the whole input, labels of which any number may hold, a class of each token, a vector
 * that represents the input, one number to rank inputs by, one that is estimated, or states from which a decoder writes down speech.
 */
export type Task = 'classification' | 'multi-label' | 'tokens' | 'embeddings' | 'ranking' | 'regression' | 'asr'

export const tasks: readonly Task[] = [
  ...(['classification', 'multi-label', 'tokens', 'embeddings', 'ranking', 'regression', 'asr'] as const),
]

/** Of the files next to a model, and of its graph, those facts that say what its outputs are. */
export interface TaskFacts extends Partial<Pick<ModelFacts, 'labels' | 'pooling' | 'problem'>> {
  /** The form of its answers, as `answerHead` finds it: sigmoids of several numbers are labels, unless the files say that they exclude each other. */
  readonly answerForm?: AnswerForm | undefined
}

/** Usual names of the output with the last hidden states. */
const TOKEN_STATES: readonly string[] = ['last_hidden_state', 'token_embeddings']

/**
 * The task of a model, judged by its outputs: `logits` of a class each input or each token, or vectors under the names that
 * exporters give them. One logit an input ranks inputs, as that of a cross-encoder does. One row for each token under another
 * name: classes if there are as many as `labels`, else vectors.
 * Scores of words are pooled to sparse vectors where the folder says so. Labels and estimated numbers are told from classes by the
 * problem that config.json names; several sigmoids are labels where it names none.
 */
export function taskOf(outputs: readonly ValueInfo[], facts: TaskFacts = {}): Task {
  const { labels, pooling } = facts
  const own = outputs.filter(({ name }) => !name.startsWith('tp.'))
  const logits = own.find(({ name }) => name === 'logits')
  if (pooling?.of === 'SPLADE maximum') return 'embeddings'
  if (logits !== undefined) return logits.dims.length === 3 ? 'tokens' : ofRow(logits, facts)
  if (own.some(({ name }) => EMBEDDING_OUTPUTS.includes(name) || TOKEN_STATES.includes(name))) return 'embeddings'
  const [output] = own
  if (own.length !== 1 || output?.dims.length !== 3) return ofRow(rowOutput(own), facts)
  return labels !== undefined && output.dims[2] === labels.length ? 'tokens' : 'embeddings'
}

/** The outputs of a model as it declares them. */
export function declaredOutputs(model: Model): ValueInfo[] {
  return new Graph(model).outputs.map(({ name, type, dims = [] }) => ({ name, type, dims }))
}

/** The only float output with a row for each example, or else with a number. */
export function rowOutput(own: readonly ValueInfo[]): ValueInfo | undefined {
  const ofRank = (rank: number): ValueInfo[] =>
    own.filter(({ type, dims }) => type.startsWith('float') && dims.length === rank)
  const [tables, columns] = [ofRank(2), ofRank(1)]
  const found = tables.length > 0 ? tables : columns
  return found.length === 1 ? found[0] : undefined
}

function ofRow(output: ValueInfo | undefined, { problem, answerForm }: TaskFacts): Task {
  if (output === undefined) return 'classification'
  if (problem === 'numbers') return 'regression'
  if (output.dims.length === 1 || output.dims[1] === 1) return 'ranking'
  // A softmax lets no two classes be likely, whatever the files say.
  const isOfLabels = problem === 'labels' || (problem === undefined && answerForm === 'sigmoid')
  return isOfLabels && answerForm !== 'softmax' ? 'multi-label' : 'classification'
}
