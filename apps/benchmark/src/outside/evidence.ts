import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { QuantizeOptions } from '@tp/compiler'
import type { Interval } from '@tp/metrics'
import { projectPath, writeWhole } from '../files.ts'

/** Kinds of settings, in the order of the tables. */
export const kindNames = [
  'dense',
  '8 bits',
  '8-bit packed',
  'packed',
  'from texts',
  'optimized',
  'training-free',
  'training-free packed',
  'learned',
  'fewer layers',
  'random',
  'rival',
] as const

export type SettingKind = (typeof kindNames)[number]

/** How many times as fast as the dense model, by the name of a batch, with 95 % intervals. */
export type Speeds = Readonly<Record<string, readonly [value: number, low: number, high: number]>>

/** One setting of a model, measured on examples that no choice has seen. */
export interface EvidenceRow {
  /** MODELxSUITE. */
  readonly case: string
  readonly task: string
  readonly kind: SettingKind
  readonly setting: string
  /** Test examples, … */
  readonly n: number
  /** … and what they are, as `pairs of 68 questions`. */
  readonly of: string
  /** The figure that is compared, as `accuracy`, in percent: of this row, with its 95 % interval. */
  readonly metric: string
  readonly quality: Interval
  /** Points lost against the dense model, paired by example; absent for that. */
  readonly loss?: Interval
  /** Of classes: points lost by the dense model's own probabilities, and percent of answers changed. */
  readonly expectedLoss?: Interval
  readonly changed?: Interval
  /** Of rankings: MRR and what of it was lost, rank correlation, share of the first ten that is kept. */
  readonly ranking?: Readonly<Record<'mrr' | 'mrrLoss' | 'rankCorrelation' | 'top10', Interval>>
  /** Of vectors and tags: how near answers are to the dense ones, 0 … 1. */
  readonly similarity?: number
  /** On one thread, by time of the processor. Packed files run with the operators. */
  readonly speed: Speeds
  /** The same for a packed file in onnxruntime without the operators; absent for other files. */
  readonly speedPlain?: Speeds
  /** On two, by the clock; absent where other programs ran. */
  readonly twoThreads?: Speeds
  /** Bytes of the file, and the most that a process with it has held. */
  readonly bytes: number
  readonly memory?: number | undefined
  /** Processor time of the choice. */
  readonly seconds?: number
  readonly date: string
  readonly commit: string
  readonly machine: string
  /** Whether sums of 8-bit products saturate on the processor, where weights of 8 bits have 7: rows of both kinds of processor stand side by side. */
  readonly withoutVnni?: true
  readonly versions: string
  readonly command: string
}

export type RowSpeeds = Pick<EvidenceRow, 'speed' | 'speedPlain'>

const FILE = 'docs/results/evidence.jsonl'

/** Digits beyond these say nothing. */
const DIGITS = 5

/** One line a row, so that a run that was broken off goes on, and changes can be read. */
export async function readEvidence(): Promise<readonly EvidenceRow[]> {
  const text = await readFile(projectPath(FILE), 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as EvidenceRow)
}

/** Replaces the row of the same case, kind of processor and setting; of what was chosen there is one. */
export async function recordRow(row: EvidenceRow): Promise<void> {
  const isReplaced = (own: EvidenceRow): boolean =>
    own.case === row.case &&
    own.withoutVnni === row.withoutVnni &&
    (own.setting === row.setting || (row.kind === 'optimized' && own.kind === 'optimized'))
  const others = (await readEvidence()).filter((own) => !isReplaced(own))
  // Rows of a case stand together, in the order of their kinds.
  const cases = [...new Set([...others, row].map((own) => own.case))]
  const rows = [...others, row].toSorted(
    (a, b) => cases.indexOf(a.case) - cases.indexOf(b.case) || kindNames.indexOf(a.kind) - kindNames.indexOf(b.kind),
  )
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value
  await writeWhole(projectPath(FILE), rows.map((own) => `${JSON.stringify(own, rounded)}\n`).join(''))
}

/** The processor, by the weights of 8 bits that it takes. */
export function processorOf({ reduceRange }: QuantizeOptions): Pick<EvidenceRow, 'withoutVnni'> {
  return reduceRange ? { withoutVnni: true } : {}
}

/** The last commit that has changed what is measured. */
export function commitHere(): string {
  const options = { cwd: projectPath('.'), encoding: 'utf8' } as const
  return execFileSync('git', ['log', '-1', '--format=%h', '--abbrev=8', '--', 'packages'], options).trim()
}
