import { type MethodEntry, TpError } from '@tp/core'
import type { AbortSignalLike, AnswerForm, Runtime, Session } from '@tp/core/runtime'
import { loadTokenizer, type RequiredPooling, readModel, requirePooling, taggedInputs } from '@tp/data'
import { loadFile } from '@tp/data/files'
import {
  batches,
  type ModelInputs,
  maskOf,
  runBatch,
  textDataset,
  textInputs,
  withDefaultPrompt,
} from '@tp/data/inputs'
import { embeddingOutput, pooledToken, type Task, taskOf } from '@tp/data/outputs'
import { cascade } from '@tp/guard'
import { openPlanned } from '@tp/plans'
import { nodeRuntime } from '@tp/runtime-node'
import type { TextRow } from '../input/read-rows.ts'
import type { Column } from '../output/column.ts'
import { type AnswerTaker, answersOf, formFinder, type Words } from './answers.ts'
import type { ComputeSpec, RuntimeName, SessionSpec } from './compute-spec.ts'
import type { HashedModel } from './model-files.ts'

export interface OpenModelOptions {
  /** The methods among which those of the plan are found. */
  readonly methods?: readonly MethodEntry[] | undefined
  /** Threads inside one operator; default: the runtime's own choice. */
  readonly threads?: number | undefined
  readonly signal?: AbortSignalLike | undefined
}

export interface ComputeOptions {
  readonly signal?: AbortSignalLike | undefined
  /** Number of the first row among all, for messages. Default 0. */
  readonly firstRow?: number | undefined
  /** Told how many rows have been computed, after each batch. */
  readonly onRows?: ((rows: number) => void) | undefined
}

/** A model that is ready to compute. */
export interface BulkModel extends AsyncDisposable {
  readonly files: HashedModel
  readonly outputs: Session['outputs']
  /** Its task, by its outputs. */
  readonly task: Task
  /** How its token states become vectors. @throws TpError TP_POOLING */
  pooling(): RequiredPooling
  /**
   * Answers for rows, in their order.
   * @param source for messages
   * @throws TpError TP_OUTPUT, TP_TOKENIZER, TP_RUN, TP_ABORTED
   */
  compute(rows: readonly TextRow[], source: string, spec: ComputeSpec, options?: ComputeOptions): Promise<Column[]>
  /** The form that the numbers in the answers for rows seem to have. @throws as `compute` */
  formFor(rows: readonly TextRow[], source: string, spec: ComputeSpec, options?: ComputeOptions): Promise<AnswerForm>
}

/** @throws TpError TP_CHANGED if the files are others than those that were hashed; TP_RUNTIME if the runtime is not installed; those of `load`, `openPlanned` and `cascade` */
export async function openBulkModel(
  files: HashedModel,
  spec: SessionSpec,
  options: OpenModelOptions = {},
): Promise<BulkModel> {
  const tokenizer = await loadTokenizer(files.folder.tokenizer)
  const session = await openSession(files, spec, options)
  try {
    // From here on nothing is read from files: whatever happens to them, answers are of what was hashed.
    await files.requireUnchanged()
  } catch (error) {
    await session.dispose()
    throw error
  }
  const inputNames = Object.fromEntries(session.inputs.map((input) => [input.name, input]))
  const [first] = session.inputs
  const size = typeof first?.dims[0] === 'number' ? first.dims[0] : undefined

  const vectors = embeddingOutput(Object.fromEntries(session.outputs.map((output) => [output.name, output])))

  async function prepare(
    rows: readonly TextRow[],
    source: string,
    { task, maxTokens }: ComputeSpec,
  ): Promise<Prepared> {
    const { vocabularySize, maxTokens: most } = files.folder
    const limits = { vocabularySize, maxTokens: maxTokens ?? most, signal: options.signal }
    if (task !== 'tokens') {
      const dataset = textDataset(
        source,
        rows.map(({ text, pair }) => ({ text, pair, label: -1 })),
      )
      const own = task === 'embeddings' ? withDefaultPrompt(tokenizer, files.folder.prompts) : tokenizer
      return { inputs: await textInputs(dataset, session.inputs, own, limits) }
    }
    // Each word is given its number as a tag, which tells whose first token a token is.
    const sentences = rows.map(({ words, text }, i) => {
      const own = words ?? text.split(/\s+/).filter((word) => word !== '')
      return { words: own, tags: own.map((_, number) => number), source: `${source}, text ${i}` }
    })
    const inputs = await taggedInputs({ source, sentences }, session.inputs, tokenizer, limits)
    return { inputs, words: { of: inputs.tags, counts: sentences.map((each) => each.words.length) } }
  }

  async function runAll(
    inputs: ModelInputs,
    source: string,
    { batchTokens, maxTokens }: ComputeSpec,
    answers: AnswerTaker,
    { signal: stop, onRows, firstRow = 0 }: ComputeOptions = {},
  ): Promise<void> {
    const limit = size === undefined ? { tokens: batchTokens, padded: maskOf(inputNames) !== undefined } : { size }
    const { lengths, targets } = inputs
    const divided = batches(targets.length, { ...limit, lengths, countsPadding: !files.isPacked })
    for (const positions of divided) {
      const filled = size === undefined ? positions : filledUp(positions, size)
      const feeds = await inputs.feeds(filled)
      const sourceOf = (row: number): string => `row ${firstRow + (filled[row] as number)} (from 0) of ${source}`
      const outputs = await runBatch(session, feeds, stop, { sourceOf, maxTokens: maxTokens ?? undefined })
      answers.take(positions, { feeds, outputs, rows: filled.length })
      onRows?.(positions.length)
    }
  }

  const pooling = (): RequiredPooling => requirePooling(files.folder.pooling, files.model.path, vectors)

  return {
    files,
    pooling,
    outputs: session.outputs,
    task: taskOf(session.outputs, { ...files.folder, answerForm: files.answerForm }),
    async compute(rows, source, spec, options) {
      const { inputs, words } = await prepare(rows, source, spec)
      const answers = answersOf(spec, spec.task === 'embeddings' ? pooling() : undefined, rows.length, words)
      await runAll(inputs, source, spec, answers, options)
      return answers.columns()
    },
    async formFor(rows, source, spec, options) {
      const { inputs } = await prepare(rows, source, spec)
      const finder = formFinder(spec.task, rows.length)
      await runAll(inputs, source, spec, finder, options)
      return finder.form()
    },
    [Symbol.asyncDispose]: () => session.dispose(),
  }
}

interface Prepared {
  readonly inputs: ModelInputs
  readonly words?: Words
}

/** A model of a fixed batch computes all of it: the last text several times. */
function filledUp(positions: readonly number[], size: number): number[] {
  return Array.from({ length: size }, (_, i) => positions[Math.min(i, positions.length - 1)] as number)
}

async function openSession(
  { model, dense, folder }: HashedModel,
  { runtime: name, plan, guard }: SessionSpec,
  { threads, signal, methods = [] }: OpenModelOptions,
): Promise<Session> {
  const runtime = await runtimeOf(name)
  // In a worker, so that the next texts are tokenized meanwhile.
  const options = { threads, signal, worker: true }
  if (plan !== null) {
    const { contents, model: dense } = await readModel(model.path)
    return await openPlanned(contents, plan, {
      methods,
      load: (pruned) => runtime.load(pruned, options),
      pooled: pooledToken(dense, folder),
    })
  }
  const pruned = await loadFile(runtime, await readModel(model.path), options)
  if (guard === null || dense === undefined) return pruned
  try {
    return cascade({ ...guard, pruned, dense: await loadFile(runtime, await readModel(dense.path), options) })
  } catch (error) {
    await pruned.dispose()
    throw error
  }
}

/** Whether `@tp/runtime-native` is installed and runs here. */
export async function hasNative(): Promise<boolean> {
  try {
    await (await import('@tp/runtime-native')).nativeRuntime().diagnose()
    return true
  } catch {
    return false
  }
}

async function runtimeOf(name: RuntimeName): Promise<Runtime> {
  if (name === 'node') return nodeRuntime()
  try {
    return (await import('@tp/runtime-native')).nativeRuntime()
  } catch (cause) {
    const advice = 'install @tp/runtime-native, as it is where the run began'
    throw new TpError(
      'TP_RUNTIME',
      'bulk',
      `the native runtime is not there (${(cause as Error).message}); ${advice}`,
      { cause },
    )
  }
}
