import type { Runtime } from '@tp/core/runtime'
import { readModel } from '@tp/data'
import { quantizeFormFor } from '@tp/optimize'
import { asPooled } from '@tp/plans/files'
import { surroundings } from '../files.ts'
import { type OutsideCase, outsideCases } from './cases.ts'
import { dataPath, type OutsideData, readPart } from './data.ts'
import {
  commitHere,
  type EvidenceRow,
  processorOf,
  type RowSpeeds,
  readEvidence,
  recordRow,
  type SettingKind,
} from './evidence.ts'
import { AnswerMeter, type RowAnswers, timedBatches, timedPart } from './measure.ts'
import { measureOwn } from './measure-own.ts'
import { measureRivals } from './measure-rivals.ts'
import { measureOwnTexts, textSuiteOf } from './measure-texts.ts'
import type { OpenCase, RowHead, RowRun } from './open-case.ts'

export interface OutsideOptions {
  readonly runtime: Runtime
  /** The Python of the rivals. */
  readonly python: string | undefined
  /** Kinds of rows; undefined: all. */
  readonly kinds: readonly string[] | undefined
  /** Whether rows that are there are measured again, … */
  readonly again: boolean
  /** … or only timed again. */
  readonly times: boolean
  /** Whether other programs run, so that only times of the processor, of one thread, mean anything. */
  readonly busy: boolean
  readonly onProgress: (text: string) => void
}

/** Measures what is not known of a case, row by row, each written when it is there. */
export async function measureCase(one: OutsideCase, options: OutsideOptions): Promise<void> {
  const { runtime, onProgress, again, times } = options
  const path = one.model()
  const chooser = outsideCases.find(({ name }) => name === one.chosenIn) ?? one
  const file = one.byToken ? await readModel(path) : await asPooled(await readModel(path))
  const dense: OpenCase['dense'] = (threads) => runtime.load(path, { threads })
  await using session = await dense(1)
  const choosingPath = await dataPath(chooser, 'choosing', chooser.choosing ?? chooser.testing)
  const choosing = await readPart(one, session, choosingPath)
  const testingPath = await dataPath(one, 'testing', one.testing)
  const testing = await readPart(one, session, testingPath)
  const weights = await quantizeFormFor(runtime)
  const processor = processorOf(weights)
  const rows: OpenCase['rows'] = async () =>
    (await readEvidence()).filter((row) => row.case === one.name && row.withoutVnni === processor.withoutVnni)
  const known = again ? [] : await rows()
  const { machine, versions } = await surroundings(runtime)
  const n = examplesOf(testing)
  const common = { case: one.name, task: one.task, n, of: one.examples, machine, ...processor, versions }
  const usual = `npm run benchmark -- outside --only ${one.name}`
  const batches = await timedBatches(timedPart(testing).inputs, one.batches)
  let meter: AnswerMeter | undefined
  const answers = async ({ kind }: RowHead, { open }: RowRun): Promise<RowAnswers> => {
    if (meter === undefined) onProgress(`the dense model on ${n} ${one.examples}`)
    meter ??= await AnswerMeter.open(testing, session)
    return kind === 'dense' ? meter.dense() : await meter.measure(open)
  }
  const wants: OpenCase['wants'] = (kind) => options.kinds?.includes(kind) ?? true
  const knownRow = ({ kind, setting }: { kind: SettingKind; setting?: string | undefined }): EvidenceRow | undefined =>
    known.find((row) => row.kind === kind && (setting ?? row.setting) === row.setting)
  const open: OpenCase = {
    ...{ one, path, dense, batches, choosing, testing, wants, weights, rows },
    isDue: (kind, setting) => wants(kind) && (knownRow({ kind, setting }) === undefined) !== times,
    async measure(head, run) {
      const before = times ? knownRow(head) : undefined
      const own = before ?? { ...(await answers(head, run)), bytes: run.bytes, memory: await run.memory?.() }
      const row = { ...common, command: usual, ...own, ...head, ...(await allSpeeds(run, open, options)) }
      const date = new Date().toISOString().slice(0, 10)
      await recordRow({ ...row, machine, date, commit: commitHere() })
    },
  }
  await measureOwn(open, { ...options, model: file.model, chooser, choosingPath })
  const suite = await textSuiteOf(open, testingPath.path)
  if (suite !== undefined) await measureOwnTexts(open, suite, runtime)
  if (options.python === undefined) onProgress('rivals are left out: --python names no Python')
  else if (wants('rival')) await measureRivals(open, { ...options, suite, python: options.python })
}

async function allSpeeds(
  run: RowRun,
  { one, batches }: OpenCase,
  { busy }: OutsideOptions,
): Promise<RowSpeeds & Pick<EvidenceRow, 'twoThreads'>> {
  const speeds = await run.speeds(1, batches)
  if (busy) return speeds
  const ends = [`${Math.min(...one.batches)}`, `${Math.max(...one.batches)}`]
  const some = new Map([...batches].filter(([name]) => ends.includes(name)))
  return { ...speeds, twoThreads: (await run.speeds(2, some)).speed }
}

/** Pairs of texts are two texts each. */
function examplesOf(data: OutsideData): number {
  const judged = data.task === 'embeddings' ? data.judged : undefined
  if (judged === undefined) return data.inputs.targets.length
  return 'scores' in judged ? judged.scores.length : judged.queryCount
}
