import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isRefused, transform, transformsOf } from '@tp/compiler'
import { isTpError } from '@tp/core'
import { readSafetensors } from '@tp/core/host'
import type { Runtime, Session } from '@tp/core/runtime'
import { encodeModel, type Model } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { reportsPath, writeWhole } from '../files.ts'
import { entries } from '../methods.ts'
import type { OutsideCase } from './cases.ts'
import { hasLearned, isKept, learnedFile, optimizedFile } from './command-line.ts'
import type { DataPath } from './data.ts'
import { recordRow } from './evidence.ts'
import { speedsOf } from './measure.ts'
import { memoryOf } from './memory.ts'
import { largest, type OpenCase, type Openers, type RowRun } from './open-case.ts'
import { learnedSettings, type PlannedSetting, packs, plannedSettings } from './settings.ts'

interface OwnOptions {
  readonly runtime: Runtime
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
  const { runtime, chooser, choosingPath, times, onProgress } = options
  if (!open.isDue('optimized')) return
  onProgress('tp optimize')
  if (times && !isKept(chooser)) {
    onProgress('what tp optimize chose is not kept; --again --kinds optimized chooses again')
    return
  }
  const optimized = await optimizedFile(chooser, choosingPath, isRepeated(open, options)).catch((error: unknown) => {
    if (!isTpError(error) || error.code !== 'TP_RUN') throw error
    // The rivals do not need it; that it finds nothing is a finding, too.
    onProgress(error.message)
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
  const load = (threads: number): Promise<Session> => (isNative ? nativeRuntime() : runtime).load(bytes, { threads })
  await open.measure(head, runOf(open, [load], { path, bytes, isNative }))
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
  { runtime, model, times, onProgress }: OwnOptions,
): Promise<void> {
  if (!open.isDue(kind, setting)) return
  onProgress(setting)
  const isNative = plans[0].pack === true
  const path = keptFile(open.one, setting)
  const trained = values === undefined ? {} : { values: readSafetensors(await readFile(values)) }
  try {
    const isThere = times && existsSync(path)
    const files = isThere
      ? [await readFile(path)]
      : plans.map((plan) => encodeModel(transform(model, ...transformsOf(plan, entries, trained)).model))
    const [bytes] = files as [Uint8Array, ...Uint8Array[]]
    if (!isThere) await writeWhole(path, bytes)
    const load = files.map(
      (file) =>
        (threads: number): Promise<Session> =>
          (isNative ? nativeRuntime() : runtime).load(file, { threads }),
    )
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
  load: readonly ((threads: number) => Promise<Session>)[],
  { path, bytes, isNative }: { readonly path: string; readonly bytes: Uint8Array; readonly isNative: boolean },
): RowRun {
  const [first] = load as [(threads: number) => Promise<Session>]
  return {
    open: load.map((one) => () => one(1)) as unknown as Openers,
    speeds: (threads, batches) => speedsOf(open.dense, first, { threads, batches }),
    bytes: bytes.length,
    memory: () => memoryOf({ path, runtime: isNative ? 'native' : 'node', feeds: largest(open) }),
  }
}
