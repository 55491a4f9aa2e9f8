import type { AnswerForm } from '@tp/core/runtime'
import { formOf, type Logits } from '@tp/metrics'
import { Graph, type Model, type NodeProto } from '@tp/onnx'
import { formOfLabels } from './tags.ts'
import { declaredOutputs, rowOutput, type Task } from './task-of.ts'

/** The form of a model's answers, and the value that its logits are, before a softmax or sigmoid. */
export interface AnswerHead {
  readonly form: AnswerForm
  /** Name of a value of the graph, [batch, classes]; undefined where what follows it picks one of the classes. */
  readonly logits: string | undefined
}

/**
 * The form of a model's answers, by the last operators of its graph: of the output `logits` if it exists, else of the only float
 * output with a row, or a number, for each example. Undefined where they do not say it: then {@link formOfAnswers} does.
 */
export function answerHead(model: Model): AnswerHead | undefined {
  const graph = new Graph(model)
  const own = declaredOutputs(model).filter(({ name }) => !name.startsWith('tp.'))
  const output = own.some(({ name }) => name === 'logits') ? 'logits' : rowOutput(own)?.name
  return output === undefined ? undefined : headOf(graph, output)
}

/** The form that the numbers of all examples seem to have: those of classes by {@link formOf}, those of labels by {@link formOfLabels}. */
export function formOfAnswers(task: Task, answers: Logits): AnswerForm {
  return task === 'multi-label' ? formOfLabels(answers.data) : formOf(answers)
}

/** Operators after which the numbers are the same, some of them, or in another form. */
const passes: ReadonlySet<string> = new Set([
  ...['Identity', 'Cast', 'CastLike', 'Dropout', 'Clip'],
  ...['Squeeze', 'Unsqueeze', 'Reshape', 'Flatten', 'Transpose'],
  ...['QuantizeLinear', 'DequantizeLinear'],
])
const picks: ReadonlySet<string> = new Set(['Gather', 'Slice', 'Split'])
const forms: Readonly<Record<string, AnswerForm>> = { Softmax: 'softmax', Sigmoid: 'sigmoid', HardSigmoid: 'sigmoid' }
/** Results of these are not confined to a range. */
const unbounded: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'MatMul', 'Gemm', 'Conv', 'Einsum', 'LogSoftmax', 'LayerNormalization'],
  ...['MatMulInteger', 'QLinearMatMul', 'MatMulNBits', 'QGemm', 'FusedMatMul', 'FusedGemm', 'DynamicQuantizeMatMul'],
  ...['MatMulIntegerToFloat', 'GemmFloat8'],
])

function headOf(graph: Graph, output: string): AnswerHead | undefined {
  let name = output
  let isPicked = false
  for (let node = graph.producer(name); node !== undefined; node = graph.producer(name)) {
    const form = formAfter(graph, node, isPicked)
    const before = node.input[0] ?? ''
    if (form !== undefined) return { form, logits: isPicked ? undefined : form === 'logits' ? name : before }
    isPicked ||= picks.has(node.opType)
    if (!passes.has(node.opType) && !picks.has(node.opType)) return undefined
    name = before
  }
  return undefined
}

function formAfter(
  graph: Graph,
  { opType, input: [before = ''] }: NodeProto,
  isPicked: boolean,
): AnswerForm | undefined {
  if (unbounded.has(opType)) return 'logits'
  // The logarithm of a softmax is as good as its logits.
  if (opType === 'Log') return graph.producer(before)?.opType === 'Softmax' ? 'logits' : undefined
  const form = forms[opType]
  // One of the probabilities of a softmax is one by itself.
  return form === 'softmax' && isPicked ? 'sigmoid' : form
}
