import { basename } from 'node:path'
import { type Explanation, explain, meanCorrelation } from '@tp/compare'
import { Refused } from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import { classNames, loadTokenizer, type ModelFile, readModelFolder } from '@tp/data'
import { loadFile, loadSession } from '@tp/data/files'
import { inspectEncoders } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import { type SaliencyScore, saliencyOf } from '@tp/train'
import { dataOptions } from '../arguments/data-options.ts'
import { needing, text } from '../arguments/option.ts'
import { amountOptions, encoderOption, methodOption, planOption, pruningOptions } from '../arguments/pruning-options.ts'
import { usageError } from '../arguments/usage-error.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, openInputs } from '../model/open-task-inputs.ts'
import { className, describeExplanation } from '../printing/explanation-text.ts'
import { pruneFile } from '../pruning/prune-file.ts'
import { type ReadPlan, readPlan, refuseLeaveOut } from '../pruning/read-plan.ts'
import { type Command, command } from './command.ts'

/** Default number of examples. */
const EXAMPLES = 5

const scores = ['gradient-input', 'taylor'] as const satisfies readonly SaliencyScore[]

const options = {
  ...dataOptions,
  text: text('TEXT', 'a text to explain; may be given several times; instead of --data', {
    multiple: true,
    excludes: ['data', 'limit'],
    because: 'they are examples of a file',
  }),
  limit: { ...dataOptions.limit, description: `only the first N examples; default ${EXAMPLES}` },
  score: text(
    'SCORE',
    'gradient-input (default) or taylor; the size of gradient times value, or of the change if the token becomes 0',
    { is: 'word', words: scores },
  ),
  ...methodOption,
  ...planOption,
  ...needing(['method', 'plan'], { ...amountOptions, ...pruningOptions }),
  ...encoderOption,
} as const

export const explainCommand: Command = command({
  options,
  notes: [
    "Saliency is by the gradient of the logit of the model's own answer at what its first layer is given, as a share of that of",
    'the most salient token of the example. With a method it also says at which layer each token is pruned, and how far the',
    "order of pruning agrees with saliency (Spearman's rank correlation, without protected tokens: 1 if the least salient are",
    'pruned first, 0 if the two are unrelated). Examples:',
    '',
    '  tp explain model.onnx --text "Win a free prize now"',
    '  tp explain model.onnx --data dev.tsv --limit 3',
    '  tp explain model.onnx --data dev.tsv --score taylor --method received-attention --keep 0.7',
  ],
  async run([path = ''], args, context) {
    const { progress, signal, styled = false } = context
    const { data = args.text, score = 'gradient-input', tokenizer } = args
    if (data === undefined) throw usageError('--data PATH or --text TEXT is missing: the examples to explain')
    const plan = args.method === undefined && args.plan === undefined ? undefined : await readPlan(args)
    if (plan !== undefined) refuseLeaveOut(plan.plan, 'tp explain')
    const file = await readModelFile(path, context)
    const [inspection] = inspectEncoders(file.model, plan?.plan.encoder ?? args.encoder)
    if (inspection.open > 0) {
      const message = 'this model is pruned already; explain the file that it was made from, with --method'
      throw new Refused('TP_PRUNED', message)
    }
    if (plan !== undefined) progress.stage(`pruning ${basename(path)}`)
    const { encoder, protectedTokens } = inspection
    const protect = plan?.plan.protect ?? 'auto'
    const pruned = plan && {
      ...(await pruneFile(file, { ...plan, plan: { ...plan.plan, encoder } }, { trace: 'scores' })),
      protectedPositions: protect === 'auto' ? protectedTokens : protect,
    }
    const batchSize = batchSizeOf(file)
    const limit = args.limit ?? batchSize * Math.ceil(EXAMPLES / batchSize)
    const inputs = await openInputs(path, data, batchSize, { ...args, limit }, context)
    for (const note of inputs.notes) progress.note(note)
    const known = await readModelFolder(path)
    const classes = args.labels?.split(',') ?? classNames(known.labels)
    progress.stage('computing saliency')
    const saliency = await saliencyOf({
      ...{ model: file.model, runtime: nodeRuntime(), inputs, encoder, score, batchSize, signal },
    }).catch((error: unknown) => {
      throw isTpError(error) && error.code === 'TP_GRADIENT' ? impassable(file, error) : error
    })
    const loading = { threads: 1, signal }
    await using dense = await loadFile(nodeRuntime(), file, loading)
    if (pruned) progress.stage('following tokens')
    await using session = pruned && (await loadSession(nodeRuntime(), pruned.model, file, loading))
    // Only texts have lengths of their own, and words to show.
    const words = inputs.lengths && (tokenizer ?? known.tokenizer)
    const found = await explain({
      ...{ dense, inputs, saliency, batchSize, signal },
      tokenizer: words === undefined ? undefined : await loadTokenizer(words),
      ...(pruned && session && { pruned: { session, protectedPositions: pruned.protectedPositions } }),
      onProgress: (done, total) => progress.step(done, total),
    })
    const correlation = meanCorrelation(found)
    const schedule = pruned?.encoders[0]?.schedule
    const { classToken } = inspection
    const texts = found.map((explanation) => describeExplanation(explanation, { classes, classToken, styled }))
    return {
      content: {
        ...{ model: path, ...(args.text ? { texts: args.text } : { data }), score, notes: inputs.notes },
        ...(plan && { method: plan.plan.method, params: plan.plan.params ?? {} }),
        ...(schedule && { schedule: [...schedule].map(([layer, amount]) => ({ layer, ...amount })) }),
        ...(plan && { correlation: correlation ?? null }),
        examples: found.map((explanation) => content(explanation, classes)),
      },
      text: [...texts, ...(plan ? [summary(plan, correlation)] : [])].join('\n\n'),
    }
  },
})

function content(explanation: Explanation, classes: readonly string[] | undefined): object {
  const { label, answer, probability, tokens, grid, pruned, example } = explanation
  return {
    ...{ example, label: className(label, classes), answer: className(answer, classes), probability },
    ...(grid && { grid }),
    ...(pruned && {
      pruned: { answer: className(pruned.answer, classes), correlation: pruned.correlation ?? null },
    }),
    tokens,
  }
}

function summary({ method: { name } }: ReadPlan, correlation: number | undefined): string {
  return correlation === undefined
    ? `${name}: no rank correlation with saliency, since all tokens of an example are pruned at the same layer, or none is`
    : `${name}: mean rank correlation of how long tokens are kept with their saliency ${correlation.toFixed(2)}`
}

function impassable({ path }: ModelFile, cause: TpError): TpError {
  const reason = bareMessage(cause)
  const advice = 'explain the model as it was before it was quantized or fused'
  return new TpError('TP_GRADIENT', 'tp', `${basename(path)}: a gradient cannot pass ${reason}; ${advice}`, { cause })
}
