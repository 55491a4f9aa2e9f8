import { readFile } from 'node:fs/promises'
import { isRefused, type Plan, transform, transformsOf } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Runtime, Session } from '@tp/core/runtime'
import { readModel } from '@tp/data'
import { encodeModel, type Model } from '@tp/onnx'
import { asPooled } from '@tp/plans/files'
import { nativeRuntime } from '@tp/runtime-native'
import { reportsPath, writeWhole } from '../files.ts'
import { entries } from '../registry/methods.ts'
import { surroundings } from '../report/section.ts'
import { type OutsideCase, outsideCases } from './cases.ts'
import { dataPath, type OutsideData, readPart } from './data.ts'
import { commitHere, readEvidence, recordRow } from './evidence.ts'
import { AnswerMeter, type Openers, speedsOf, timedBatches } from './measure.ts'
import { measureRivals } from './measure-rivals.ts'
import { memoryOf } from './memory.ts'
import { largest, type OpenCase, type RowToRecord } from './open-case.ts'
import { optimizedFile } from './optimized.ts'
import { plannedSettings } from './settings.ts'

export interface OutsideOptions {
  readonly runtime: Runtime
  /** The Python of the rivals. */
  readonly python: string | undefined
  /** Kinds of rows; undefined: all. */
  readonly kinds: readonly string[] | undefined
  /** Whether rows that are there are measured again. */
  readonly again: boolean
  readonly onProgress: (text: string) => void
}

/** Measures what is not known of a case, row by row, each written when it is there. */
export async function measureCase(one: OutsideCase, options: OutsideOptions): Promise<void> {
  const { runtime, onProgress, again } = options
  const path = one.model()
  const chooser = outsideCases.find(({ name }) => name === one.chosenIn) ?? one
  const file = await asPooled(await readModel(path))
  const dense = (): Promise<Session> => runtime.load(path, { threads: 1 })
  await using session = await dense()
  const choosingPath = await dataPath(chooser, 'choosing', chooser.choosing ?? chooser.testing)
  const choosing = await readPart(path, session, choosingPath)
  const testing = await readPart(path, session, await dataPath(one, 'testing', one.testing))
  const known = again ? [] : (await readEvidence()).filter((row) => row.case === one.name)
  const { machine, versions } = await surroundings(runtime)
  const n = examplesOf(testing)
  const common = { case: one.name, task: one.task, n, of: one.examples, machine, versions }
  const usual = `npm run benchmark -- outside --only ${one.name}`
  onProgress(`the dense model on ${n} ${one.examples}`)
  const answers = await AnswerMeter.open(testing, session)
  const open: OpenCase = {
    ...{ one, path, answers, dense, choosing, testing },
    batches: await timedBatches(testing.inputs, one.batches),
    isDue: (kind, setting) => (options.kinds?.includes(kind) ?? true) && !known.some((row) => row.setting === setting),
    async record(row) {
      const date = new Date().toISOString().slice(0, 10)
      await recordRow({ ...common, command: usual, ...row, date, commit: commitHere() })
    },
  }
  if (open.isDue('dense', 'as published')) await recordDense(open)
  await ownRows(open, { ...options, model: file.model, chooser, choosingPath })
  if (options.python === undefined) onProgress('rivals are left out: --python names no Python')
  else if (open.isDue('rival', '')) await measureRivals(open, { ...options, python: options.python })
}

/** Pairs of texts are two texts each. */
function examplesOf(data: OutsideData): number {
  const judged = data.task === 'embeddings' ? data.judged : undefined
  return judged && 'scores' in judged ? judged.scores.length : data.inputs.targets.length
}

async function recordDense(open: OpenCase): Promise<void> {
  const { path, answers, batches, record } = open
  const bytes = (await readFile(path)).length
  const memory = await memoryOf({ path, runtime: 'node', feeds: largest(open) })
  const speed = Object.fromEntries([...batches.keys()].map((name) => [name, [1, 1, 1] as const]))
  await record({ kind: 'dense', setting: 'as published', ...answers.dense(), speed, bytes, memory })
}

interface OwnOptions extends OutsideOptions {
  readonly model: Model
  readonly chooser: OutsideCase
  readonly choosingPath: Awaited<ReturnType<typeof dataPath>>
}

async function ownRows(open: OpenCase, options: OwnOptions): Promise<void> {
  const [first, ...others] = plannedSettings(open.one)
  if (first !== undefined) await plannedRow(open, first, options)
  await optimizedRow(open, options)
  for (const planned of others) await plannedRow(open, planned, options)
}

/** Bytes that say what has made a file, at most. */
const METADATA = 1000

async function optimizedRow(open: OpenCase, { runtime, chooser, choosingPath, onProgress }: OwnOptions): Promise<void> {
  if (!open.isDue('optimized', '')) return
  onProgress('tp optimize')
  const { path, setting, seconds, command } = await optimizedFile(chooser, choosingPath)
  const name = `tp optimize: ${setting}`
  if (!open.isDue('optimized', name)) return
  onProgress(name)
  const bytes = await readFile(path)
  const common = { kind: 'optimized', setting: name, command, seconds } as const
  // The plan of another row makes the same file, but for the names of tools in it.
  const same = (await readEvidence()).find((row) => row.case === open.one.name && row.setting === setting)
  if (same !== undefined && Math.abs(same.bytes - bytes.length) < METADATA)
    return await open.record({ ...same, ...common })
  const isNative = open.one.batches.length > 2
  const load = (): Promise<Session> => (isNative ? nativeRuntime() : runtime).load(bytes, { threads: 1 })
  await open.record({ ...common, ...(await measured(open, [load], { path, isNative })) })
}

async function plannedRow(
  open: OpenCase,
  { kind, setting, plans }: ReturnType<typeof plannedSettings>[number],
  { runtime, model, onProgress }: OwnOptions,
): Promise<void> {
  if (!open.isDue(kind, setting)) return
  onProgress(setting)
  const isNative = plans[0].pack === true
  const path = reportsPath(`outside/${open.one.name}/setting.onnx`)
  try {
    const files = plans.map((plan: Plan) => encodeModel(transform(model, ...transformsOf(plan, entries)).model))
    await writeWhole(path, files[0] as Uint8Array)
    const load = files.map((bytes) => () => (isNative ? nativeRuntime() : runtime).load(bytes, { threads: 1 }))
    await open.record({ kind, setting, ...(await measured(open, load as unknown as Openers, { path, isNative })) })
  } catch (error) {
    if (!isRefused(error) && !(isTpError(error) && error.code === 'TP_QUANTIZE')) throw error
    onProgress(`${setting} is refused: ${(error as Error).message}`)
  }
}

async function measured(
  open: OpenCase,
  load: Openers,
  { path, isNative }: { readonly path: string; readonly isNative: boolean },
): Promise<Omit<RowToRecord, 'kind' | 'setting'>> {
  const speed = await speedsOf(open.dense, load[0], open.batches)
  const memory = await memoryOf({ path, runtime: isNative ? 'native' : 'node', feeds: largest(open) })
  const bytes = (await readFile(path)).length
  return { ...(await open.answers.measure(load)), speed, bytes, memory }
}
