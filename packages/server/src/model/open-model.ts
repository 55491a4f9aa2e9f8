import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { RunPlan } from '@tp/compiler'
import { isPacked } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { AnswerForm, Runtime, Session } from '@tp/core/runtime'
import {
  hashesOfFiles,
  loadTokenizer,
  type ModelFile,
  type Pooling,
  readModel,
  readModelFolder,
  requirePooling,
} from '@tp/data'
import { loadFile } from '@tp/data/files'
import { type TextTokenizer, tokenRows, withDefaultPrompt } from '@tp/data/inputs'
import { answerHead, embeddingOutput, fittingLabels, pooledToken, type Task, taskOf } from '@tp/data/outputs'
import type { CascadeRun } from '@tp/guard'
import { batchNotes, openPlanned } from '@tp/plans'
import { nodeRuntime } from '@tp/runtime-node'
import { type Engine, type EngineOptions, startEngine } from '../engine/engine.ts'
import { formByTexts } from './answer-form.ts'
import { type GuardOptions, guarded } from './guarded.ts'
import type { TextReading } from './texts.ts'

export interface ServedModelOptions
  extends Pick<EngineOptions, 'name' | 'maxWait' | 'batchTokens' | 'queueTokens' | 'onBatch'> {
  /** The ONNX file; of `serve` also its folder. The files next to it say how texts become inputs and vectors ({@link readModelFolder}). */
  readonly path: string
  /** The dense model as the fallback of this pruned one. */
  readonly guard?: GuardOptions | undefined
  /** How the file, a dense one, is pruned when it is opened. Not with `guard`. */
  readonly plan?: RunPlan | undefined
  /** The methods among which those of the plan are found. */
  readonly methods?: readonly MethodEntry[] | undefined
  /** Called after every run in which answers may have fallen back. */
  readonly onCascade?: ((run: CascadeRun) => void) | undefined
  /** Default: `@tp/runtime-native` where it is installed, else `@tp/runtime-node` with a worker for each run at once. */
  readonly runtime?: Runtime | undefined
  /** Runs that compute at the same time. Default 1. */
  readonly atOnce?: number | undefined
  /** Threads of each run. Default: one per core, divided by `atOnce`. */
  readonly threads?: number | undefined
  /** Tokens of a text, special ones included; at most what the model takes, which is the default. */
  readonly maxTokens?: number | undefined
}

/** A file that answers. */
export interface OpenModel {
  readonly engine: Engine
  readonly session: Pick<Session, 'inputs' | 'outputs'>
  /** First digits of the SHA-256 of the file, and of its data files and the plan if there are any. */
  readonly version: string
  /** `states`: rows of something else than texts, for a decoder of speech or whoever reads tensors. */
  readonly task: Task | 'states'
  /** Class names by number. */
  readonly labels: readonly string[] | undefined
  /** How texts become inputs; a sentence that says why they cannot. */
  readonly texts: TextReading | string
  /** Token ids are below it. */
  readonly vocabularySize: number | undefined
  /** The form of the numbers of classes or labels, decided when it is opened; undefined for a model of another task. */
  readonly answerForm: AnswerForm | undefined
  /** The output that embeddings are read from. */
  readonly vectors: { readonly output: string; readonly pooling: Pooling['of'] } | undefined
  readonly runtime: string
  /** Facts about its answers, for whoever serves it. */
  readonly notes: readonly string[]
}

/**
 * Loads a model, and reads what lies next to it.
 * @throws TpError TP_FILE_NOT_FOUND, TP_NOT_ONNX, TP_MODEL_LOAD, TP_BFLOAT16; TP_EXTERNAL_PATH for data outside its folder;
 *   TP_SERVE for a model whose examples cannot be batched; TP_TOKENIZER, TP_DATA for files next to it; TP_GUARD; those of `openPlanned`
 */
export async function openModel(options: ServedModelOptions): Promise<OpenModel> {
  const { path, atOnce = 1, guard, plan, methods = [], maxTokens, onCascade: onRun } = options
  const file = await readModel(path)
  const { model } = file
  const hashes = await hashesOfFiles(file)
  const folder = await readModelFolder(path)
  const pooled = pooledToken(model, folder)
  const tokenizer = folder.tokenizer === undefined ? undefined : await loadTokenizer(folder.tokenizer)
  const runtime = options.runtime ?? (await defaultRuntime(atOnce))
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / atOnce))
  const loading = { threads, worker: true }
  const load = (own: ModelFile): Promise<Session> => loadFile(runtime, own, loading)
  const loadBytes = (bytes: Uint8Array): Promise<Session> => runtime.load(bytes, loading)
  // A session of the native runtime computes several runs at once; of the other each worker has a copy of the weights.
  const count = runtime.name === 'native' && guard === undefined && plan === undefined ? 1 : atOnce
  const loaded: Session[] = []
  let probe: Session | undefined
  let ruleForm = plan?.cascade?.answerForm
  try {
    for (let i = 0; i < count; i++) {
      if (plan !== undefined)
        loaded.push(await openPlanned(file.contents, plan, { methods, load: loadBytes, pooled, onRun }))
      else if (guard === undefined) loaded.push(await load(file))
      else {
        const own = await guarded(guard, { file, load, onRun })
        probe = own.pruned
        ruleForm = own.answerForm
        loaded.push(own.session)
      }
    }
    const [session] = loaded as [Session]
    const sessions = count === atOnce ? loaded : new Array<Session>(atOnce).fill(session)
    const engine = await startEngine({
      ...options,
      sessions: sessions as [Session, ...Session[]],
      probe,
      packed: isPacked(model),
      padId: tokenizer?.padId,
      inOrder: guard !== undefined,
    })
    const formOfGraph = answerHead(model)?.form
    const known = taskOf(session.outputs, { ...folder, answerForm: formOfGraph })
    const task = known === 'embeddings' && !readsTokens(session) ? 'states' : known
    const texts = textsOf(
      session,
      tokenizer && (task === 'embeddings' ? withDefaultPrompt(tokenizer, folder.prompts) : tokenizer),
      {
        maxTokens: lesser(maxTokens, folder.maxTokens),
        vocabularySize: folder.vocabularySize,
      },
    )
    const declared = Object.fromEntries(session.outputs.map((output) => [output.name, output]))
    const output = task === 'embeddings' ? embeddingOutput(declared) : undefined
    const pooling = output && requirePooling(folder.pooling, path, output)
    return {
      engine,
      session,
      version: versionOf(hashes, plan),
      task,
      labels: fittingLabels(folder.labels, { outputs: session.outputs, task, path }),
      texts,
      vocabularySize: folder.vocabularySize,
      vectors: output && pooling && { output: output.name, pooling: pooling.of },
      answerForm: formOfGraph ?? ruleForm ?? (await formByTexts(probe ?? session, task, texts, engine.form)),
      runtime: runtime.name,
      notes: [
        ...(pooling?.note === undefined ? [] : [pooling.note]),
        ...(options.batchTokens === 1 ? [] : batchNotes(model)),
      ],
    }
  } catch (error) {
    await Promise.all(loaded.map((session) => session.dispose()))
    throw error
  }
}

/** Token ids are whole numbers; frames, samples and pixels are not. */
function readsTokens({ inputs }: Session): boolean {
  return inputs.some(({ type }) => type === 'int64' || type === 'int32')
}

function versionOf([own = '', ...data]: readonly string[], plan: RunPlan | undefined): string {
  const others = [...data, ...(plan === undefined ? [] : [JSON.stringify(plan)])]
  const hash =
    others.length === 0
      ? own
      : createHash('sha256')
          .update([own, ...others].join(''))
          .digest('hex')
  return hash.slice(0, 12)
}

async function defaultRuntime(atOnce: number): Promise<Runtime> {
  try {
    const { nativeRuntime } = await import('@tp/runtime-native')
    const native = nativeRuntime({ atOnce })
    await native.diagnose()
    return native
  } catch {
    // Not installed, or not built: every file runs without it, packed ones slower.
    return nodeRuntime()
  }
}

function textsOf(
  { inputs }: Session,
  tokenizer: TextTokenizer | undefined,
  limits: { readonly maxTokens: number | undefined; readonly vocabularySize: number | undefined },
): OpenModel['texts'] {
  if (tokenizer === undefined) return 'there is no tokenizer.json next to it'
  try {
    return { tokenizer, form: tokenRows(inputs, tokenizer, limits) }
  } catch (error) {
    return (error as Error).message
  }
}

function lesser(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}
