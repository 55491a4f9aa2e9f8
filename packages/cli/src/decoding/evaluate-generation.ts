import { basename, extname } from 'node:path'
import { type DecoderInspection, inspectDecoder } from '@tp/compiler'
import { amountNames } from '@tp/core/host'
import type { NamedTensors, Runtime, Session, TensorLike } from '@tp/core/runtime'
import {
  type AnswerOptions,
  answerPrompts,
  type Generation,
  loadTokenizer,
  MOST_KEYS,
  openTextDecoder,
  type Prompt,
  readChatTemplate,
  readEndTokens,
  readModelFolder,
  readNeedles,
  readPrompts,
  type TextDecoder,
} from '@tp/data'
import { comparePaired, type VariantLatency } from '@tp/metrics'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { evaluation, timing } from '../measuring/expected-stages.ts'
import { loadSession, withModelAsFile } from '../model/load-session.ts'
import { type ModelFile, readModelFile } from '../model/model-file.ts'
import type { dataOptions } from '../model/open-inputs.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { jsonDocument } from '../output/document.ts'
import { grouped } from '../output/numbers.ts'
import { partOf } from '../output/progress.ts'
import { type comparedAmountOptions, readComparedAmounts } from '../pruning/amounts.ts'
import { wholeNumber } from '../pruning/numbers.ts'
import { type pruningOptions, readSettings } from '../pruning/plan-options.ts'
import { describeGeneration, type GenerationRow, type GenerationTimes, generationContent } from './generation-rows.ts'
import { type GenerationVariant, generationVariants } from './generation-variants.ts'
import { peakMemory } from './peak-memory.ts'

export const generationOptions = {
  caches: {
    type: 'boolean',
    description: 'of a decoder (--task generation): a row with its caches in 8 bits, as tp quantize --caches writes it',
  },
  memory: {
    type: 'boolean',
    description:
      'of a decoder: also the peak memory of a process of its own, which loads it and reads the longest prompt',
  },
  press: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    reads: 'model',
    description: 'of a decoder (--task generation): a row with its caches pruned by what tp press has written',
  },
  length: {
    type: 'string',
    value: 'T',
    description: 'of a decoder, and a plain text (.txt) as data: tokens of each prompt; default 1024',
  },
  keys: {
    type: 'string',
    value: 'N',
    description: 'of a decoder, and a plain text: how many numbers each prompt hides; default 1',
  },
  'max-tokens': {
    type: 'string',
    value: 'N',
    description: 'of a decoder: the most tokens that are generated after a prompt; default 24',
  },
} as const

type Given = Arguments<
  typeof generationOptions & typeof dataOptions & typeof comparedAmountOptions & typeof pruningOptions
> & { readonly methods?: string; readonly runtime?: string; readonly json?: boolean }

/** Tokens whose likelihood is measured after a passage. */
const CONTINUATION = 128
/** Prompts on which rows are timed, one after another. */
const TIMED_PROMPTS = 3
const TIMING_MS = 20_000

/**
 * What `tp eval --task generation` prints: right answers, likelihood of continuations, bytes of caches and times of a decoder, as it
 * is and pruned.
 * @throws RefusalError for what is no decoder; TpError TP_USAGE, TP_DATA, TP_TOKENIZER, TP_INPUT and what pruning throws
 */
export async function evaluateGeneration(path: string, data: string, given: Given, context: Context): Promise<string> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const asked = readAsked(given)
  const file = await readModelFile(path, context)
  const decoder = inspectDecoder(file.model)
  if (!decoder.ok) throw new RefusalError(path, decoder.refusal)
  progress.stage(`pruning ${basename(path)}`)
  const variants = await generationVariants({ file, decoder, ...asked })
  progress.stage(`reading ${data}`)
  const { prompts, ...options } = await openPrompts(path, data, given)
  const about = { file, decoder, runtime, signal }
  const rows: Omit<GenerationRow, keyof GenerationTimes>[] = []
  const { timingMs = TIMING_MS } = context
  progress.expect?.([
    ...variants.map(({ models }) => evaluation(models.length * prompts.length)),
    timing(prompts.length, 2 * timingMs),
  ])
  for (const variant of variants) {
    const { method, keep, models, shorten } = variant
    const generations: Generation[] = []
    progress.stage(`evaluating ${[method, keep].join(' ').trim()}`)
    for (const [i, model] of models.entries()) {
      const { step } = partOf(progress, i, models.length)
      await using opened = await openVariant(variant, model, about)
      generations.push(
        await answerPrompts(
          opened.text,
          prompts.map((prompt) => shortened(prompt, shorten)),
          {
            ...options,
            signal,
            onProgress: (done, total) => step(done, total),
          },
        ),
      )
    }
    const peakBytes = given.memory ? await memoryOf(variant, prompts, about, given.runtime) : undefined
    rows.push({
      ...{ method, keep, generations: generations as [Generation, ...Generation[]] },
      ...(peakBytes !== undefined && { peakBytes }),
    })
  }
  progress.stage('timing')
  const times = await timeVariants(variants, prompts, about, context)
  progress.end()
  const timed = rows.map((row, i): GenerationRow => ({ ...row, ...(times[i] as GenerationTimes) }))
  if (given.json)
    return jsonDocument('generation', { model: path, data, prompts: prompts.length, rows: generationContent(timed) })
  const lengths = prompts.map(({ tokens }) => tokens.length)
  const { runtime: name, version } = await runtime.diagnose()
  const title = [
    `model  ${basename(path)}`,
    `${grouped(prompts.length)} prompts, ${Math.min(...lengths)} … ${Math.max(...lengths)} tokens`,
    `${name} ${version}, 1 thread`,
  ].join('   ')
  return `${title}\n${describeGeneration(timed)}`
}

/** Of the longest prompt, and of the first model of those that chance makes. */
async function memoryOf(
  { models: [model], decoder: own, press, shorten }: GenerationVariant,
  prompts: readonly Prompt[],
  { file, decoder, signal }: AboutDecoder,
  runtime: string | undefined,
): Promise<number> {
  const longest = prompts.reduce((a, b) => (b.tokens.length > a.tokens.length ? b : a))
  const { tokens } = shortened(longest, shorten)
  const measure = (path: string): Promise<number> =>
    peakMemory({ path, runtime, decoder: own ?? decoder, press, tokens }, signal)
  return model === file.model ? await measure(file.path) : await withModelAsFile(model, file, signal, measure)
}

/** @throws TpError TP_USAGE for options that mean nothing for a decoder */
function readAsked(given: Given): Omit<Parameters<typeof generationVariants>[0], 'file' | 'decoder'> {
  const known = new Set([
    'data',
    'tokenizer',
    'limit',
    'methods',
    'task',
    'json',
    'runtime',
    'param',
    'protect',
    'plugin',
  ])
  for (const name of [...Object.keys(generationOptions), ...amountNames, 'layers']) known.add(name)
  const idle = Object.keys(given).find((name) => !known.has(name))
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task generation, which does not read it`)
  return {
    methods: given.methods?.split(',').map((name) => name.trim()) ?? [],
    amounts: readComparedAmounts(given),
    settings: readSettings(given),
    plugins: given.plugin ?? [],
    presses: given.press ?? [],
    caches: given.caches === true,
  }
}

/**
 * Prompts of a table, or made of a plain text.
 * @throws TpError TP_USAGE, TP_DATA, TP_TOKENIZER
 */
async function openPrompts(
  path: string,
  data: string,
  given: Given,
): Promise<{ readonly prompts: readonly Prompt[] } & Pick<AnswerOptions, 'tokenizer' | 'ends' | 'maxTokens'>> {
  const file = given.tokenizer ?? (await readModelFolder(path)).tokenizer
  if (file === undefined) throw usageError('--tokenizer FILE is missing: none is next to the model')
  const tokenizer = await loadTokenizer(file)
  const template = await readChatTemplate(path)
  const limit = given.limit === undefined ? undefined : wholeNumber('limit', given.limit)
  const ofTexts = (['length', 'keys'] as const).find((name) => given[name] !== undefined)
  const isText = extname(data).toLowerCase() === '.txt'
  if (!isText && ofTexts !== undefined) throw usageError(`--${ofTexts} is for a plain text as data (.txt)`)
  const keys = wholeNumber('keys', given.keys ?? '1')
  if (keys > MOST_KEYS) throw usageError(`--keys is ${keys}; a prompt can hide ${MOST_KEYS} numbers at most`)
  const common = { tokenizer, template, limit }
  const prompts = isText
    ? await readNeedles(data, {
        ...common,
        length: wholeNumber('length', given.length ?? '1024'),
        keys,
        continuation: CONTINUATION,
      })
    : await readPrompts(data, common)
  return {
    prompts,
    tokenizer,
    ends: await readEndTokens(path),
    maxTokens: wholeNumber('max-tokens', given['max-tokens'] ?? '24'),
  }
}

interface AboutDecoder {
  readonly file: ModelFile
  readonly decoder: DecoderInspection
  readonly runtime: Runtime
  readonly signal: AbortSignal
}

interface OpenedVariant extends AsyncDisposable {
  readonly session: Session
  readonly text: TextDecoder
}

/** Loads one model of a variant, and its press. */
async function openVariant(
  { press: path, decoder: own }: GenerationVariant,
  model: GenerationVariant['models'][0],
  { file, decoder, runtime, signal }: AboutDecoder,
): Promise<OpenedVariant> {
  const loaded: Session[] = []
  const dispose = async (): Promise<void> => {
    for (const session of loaded) await session.dispose()
  }
  try {
    const options = { threads: 1, signal }
    const session = await (model === file.model
      ? runtime.load(file.path, options)
      : loadSession(model, file, { runtime, ...options }))
    loaded.push(session)
    const press = path === undefined ? undefined : await runtime.load(path, options)
    if (press !== undefined) loaded.push(press)
    return {
      session,
      text: openTextDecoder(session, own ?? decoder, { press, signal }),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

function shortened(prompt: Prompt, shorten: GenerationVariant['shorten']): Prompt {
  return shorten === undefined ? prompt : { ...prompt, tokens: shorten(prompt.tokens) }
}

/** All variants in turns: some prompts, and one token after each of them. */
async function timeVariants(
  variants: readonly GenerationVariant[],
  prompts: readonly Prompt[],
  about: AboutDecoder,
  { progress, signal, timingMs = TIMING_MS }: Context,
): Promise<GenerationTimes[]> {
  const opened: OpenedVariant[] = []
  try {
    for (const variant of variants) opened.push(await openVariant(variant, variant.models[0], about))
    const some = prompts.slice(0, TIMED_PROMPTS)
    const ownTokens = variants.map(({ shorten }) => some.map((prompt) => shortened(prompt, shorten).tokens))
    const timed = async (
      sessions: readonly Session[],
      inputs: readonly (readonly NamedTensors[])[],
    ): Promise<VariantLatency[]> => {
      const named = <Value>(values: readonly Value[]): Record<string, Value> =>
        Object.fromEntries(values.map((value, i) => [`${i}`, value]))
      const { variants: latencies } = await comparePaired(named(sessions), inputs[0] ?? [], {
        inputsOf: named(inputs),
        budgetMs: timingMs,
        signal,
        onProgress: (done, rounds) => progress.step(done, rounds),
      })
      return sessions.map((_, i) => latencies[`${i}`] as VariantLatency)
    }
    const prefill = await timed(
      opened.map(readingWhole),
      ownTokens.map((own, i) => own.map((tokens) => (opened[i] as OpenedVariant).text.feeds(tokens))),
    )
    const steps: NamedTensors[][] = []
    for (const [i, { text }] of opened.entries()) {
      const feeds: NamedTensors[] = []
      for (const tokens of ownTokens[i] ?? []) feeds.push((await text.read(tokens)).feeds(tokens.at(-1) as number))
      steps.push(feeds)
    }
    const step = await timed(
      opened.map(({ session }) => session),
      steps,
    )
    return variants.map((_, i) => ({ prefill: prefill[i] as VariantLatency, step: step[i] as VariantLatency }))
  } finally {
    for (const variant of opened) await variant[Symbol.asyncDispose]()
  }
}

/** A session whose run is a whole prompt, with the press after it. */
function readingWhole({ session, text }: OpenedVariant): Session {
  return {
    ...session,
    async run({ input_ids: ids }) {
      await text.read(Array.from((ids as TensorLike).data as BigInt64Array, Number))
      return {}
    },
  }
}
