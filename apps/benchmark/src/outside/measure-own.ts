import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isRefused, type Plan, type TrainedValues, transform, transformsOf } from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { readSafetensors } from '@tp/core/host'
import { encodeModel, type Model } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { nodeRuntime } from '@tp/runtime-node'
import { reportsPath, writeWhole } from '../files.ts'
import { entries } from '../methods.ts'
import type { OutsideCase } from './cases.ts'
import { hasLearned, isKept, learnedFile, type Optimized, optimizedFile } from './command-line.ts'
import type { DataPath } from './data.ts'
import { type EvidenceRow, recordRow } from './evidence.ts'
import { type Opener, speedsOf } from './measure.ts'
import { memoryOf } from './memory.ts'
import { largest, type OpenCase, type Openers, type RowRun } from './open-case.ts'
import { planOf } from './setting-text.ts'
import { learnedSettings, type PlannedSetting, packs, plannedSettings } from './settings.ts'

interface OwnOptions {
  readonly model: Model
  readonly chooser: OutsideCase
  readonly choosingPath: DataPath
  /** Whether what was chosen and learned before is chosen and learned again. */
  readonly again: boolean
  /** Whether rows are only timed again, whose files are taken as they were kept. */
  readonly times: boolean
  readonly onProgress: (text: string) => void
}

/** All rows but those of the rivals. */
export async function measureOwn(open: OpenCase, options: OwnOptions): Promise<void> {
  const { path, dense } = open
  if (open.isDue('dense', 'as published')) {
    const bytes = await readFile(path)
    await open.measure(
      { kind: 'dense', setting: 'as published' },
      runOf(open, [dense], { path, bytes, isNative: false }),
    )
  }
  for (const planned of plannedSettings(open.one, open.weights)) await plannedRow(open, planned, options)
  await learnedRows(open, options)
  // Last: where it is what another row is, that one has its times by now.
  if (open.one.chosenBy === undefined) await optimizedRow(open, options)
}

async function learnedRows(open: OpenCase, options: OwnOptions): Promise<void> {
  const due = learnedSettings(open.one, open.weights).filter(({ kind, setting }) => open.isDue(kind, setting))
  if (due.length === 0) return
  if (options.times && !hasLearned(options.chooser)) {
    options.onProgress('what sdtp has learned is not kept; --again --kinds learned learns again')
    return
  }
  options.onProgress('what sdtp has learned')
  const { path: values, command } = await learnedFile(options.chooser, options.choosingPath, isRepeated(open, options))
  for (const planned of due) await plannedRow(open, { ...planned, values, command }, options)
}

async function optimizedRow(open: OpenCase, options: OwnOptions): Promise<void> {
  const { chooser, choosingPath, times, onProgress } = options
  if (!open.isDue('optimized')) return
  onProgress('tp optimize')
  const isLost = times && !isKept(chooser)
  const found = isLost ? chosenBefore(open, options) : optimizedFile(chooser, choosingPath, isRepeated(open, options))
  const optimized = await found.catch((error: unknown) => {
    if (!isTpError(error) || !['TP_RUN', 'TP_WEIGHTS'].includes(error.code)) throw error
    // The rivals do not need it; that it finds nothing is a finding, too.
    onProgress(
      isLost ? `its file is not kept: ${error.message}; --again --kinds optimized chooses again` : error.message,
    )
  })
  if (optimized === undefined) return
  const { path, setting, plan, seconds, command } = optimized
  const head = { kind: 'optimized', setting: `tp optimize: ${setting}`, command, seconds } as const
  onProgress(head.setting)
  // A plan that learns nothing makes the same file as the row of that plan, which has been measured by now.
  const same = (await open.rows()).find((row) => row.setting === setting)
  if (same !== undefined && plan.method === 'none') return await recordRow({ ...same, ...head })
  const bytes = await readFile(path)
  const isNative = packs(open.one)
  await open.measure(head, runOf(open, [openerOf(bytes, isNative)], { path, bytes, isNative }))
}

/** The choice that a row describes, its file made again. @throws TpError TP_WEIGHTS if it has learned values, TP_RUN if it cannot be read */
async function chosenBefore(open: OpenCase, { model }: OwnOptions): Promise<Optimized> {
  const row = (await open.rows()).find(({ kind }) => kind === 'optimized') as EvidenceRow
  const setting = row.setting.replace(/^tp optimize: /, '')
  const plan = planOf(setting)
  if (plan === undefined) throw new TpError('TP_RUN', 'benchmark', `"${setting}" is not a plan`)
  const path = keptFile(open.one, row.setting)
  if (!existsSync(path)) await writeWhole(path, fileOf(model, plan))
  return { path, setting, plan, seconds: row.seconds ?? 0, command: row.command }
}

function fileOf(model: Model, plan: Plan, values?: TrainedValues): Uint8Array {
  return encodeModel(transform(model, ...transformsOf(plan, entries, { values })).model)
}

function openerOf(bytes: Uint8Array, isNative: boolean): Opener {
  return (threads) => (isNative ? nativeRuntime() : nodeRuntime()).load(bytes, { threads })
}

/** Only in the case that chooses and learns: others take what that has. */
function isRepeated({ one }: OpenCase, { chooser, again }: OwnOptions): boolean {
  return again && chooser === one
}

interface Learned {
  /** The file of learned values, and the command that has made it. */
  readonly values?: string
  readonly command?: string
}

async function plannedRow(
  open: OpenCase,
  { kind, setting, plans, values, ...how }: PlannedSetting & Learned,
  { model, times, onProgress }: OwnOptions,
): Promise<void> {
  if (!open.isDue(kind, setting)) return
  onProgress(setting)
  const isNative = plans[0].pack === true
  const path = keptFile(open.one, setting)
  const trained = values === undefined ? undefined : readSafetensors(await readFile(values))
  try {
    const isThere = times && existsSync(path)
    const files = isThere ? [await readFile(path)] : plans.map((plan) => fileOf(model, plan, trained))
    const [bytes] = files as [Uint8Array, ...Uint8Array[]]
    if (!isThere) await writeWhole(path, bytes)
    const load = files.map((file) => openerOf(file, isNative))
    await open.measure({ kind, setting, ...how }, runOf(open, load, { path, bytes, isNative }))
  } catch (error) {
    if (!isRefused(error) && !(isTpError(error) && error.code === 'TP_QUANTIZE')) throw error
    onProgress(`${setting} is refused: ${(error as Error).message}`)
  }
}

/** The file of a setting, of the first seed where there are several: its times can be measured again. */
export function keptFile({ name }: OutsideCase, setting: string): string {
  return reportsPath(`outside/${name}/${setting.replaceAll(/[^\w.]+/g, '-')}.onnx`)
}

/** A file of ours, or several, of which the first is timed. */
export function runOf(
  open: OpenCase,
  load: readonly Opener[],
  { path, bytes, isNative }: { readonly path: string; readonly bytes: Uint8Array; readonly isNative: boolean },
): RowRun {
  const [own] = load as [Opener]
  const plain: Opener | undefined = isNative ? (threads) => nodeRuntime().load(bytes, { threads }) : undefined
  return {
    open: load.map((one) => () => one(1)) as unknown as Openers,
    speeds: (threads, batches) => speedsOf(open.dense, { own, plain }, { threads, batches }),
    bytes: bytes.length,
    memory: () => memoryOf({ path, runtime: isNative ? 'native' : 'node', feeds: largest(open) }),
  }
}
