import type { QuantizeOptions } from '@tp/compiler'
import type { Interval } from '@tp/metrics'
import { projectPath } from '../files.ts'
import type { Speeds } from '../measure/speeds.ts'
import { commitHere, processorOf } from '../outside/evidence.ts'
import { readJsonLines, writeJsonLines } from '../report/json-lines.ts'

/** Ways of 8 bits, in the order of the table; `published` is the file that all are made from. */
export const forms = ['published', 'dynamic', 'token', 'smoothed', 'packed', 'OpenVINO int8', 'OpenVINO bf16'] as const

export type EightBitForm = (typeof forms)[number]

/** How many of the examples have the same bits as alone, of how many, and the largest difference. */
export type Same = readonly [same: number, of: number, largest: number]

/** A model in a form. */
interface EightBitRow {
  readonly model: string
  readonly form: EightBitForm
  /** The file in words. */
  readonly setting: string
  /** Answers in other company against those alone, by what is different. */
  readonly same?: Readonly<Record<string, Same>>
  readonly metric?: string
  readonly quality?: Interval
  /** Points lost against the published file. */
  readonly loss?: Interval
  readonly similarity?: number
  /** Over the published file, by shape. */
  readonly speed?: Speeds
  /** The same on two threads, by the clock on the wall. */
  readonly speedOfTwo?: Speeds
  /** In Chromium. */
  readonly wasm?: Speeds
  readonly date: string
  readonly commit: string
  readonly machine: string
  /** Whether sums of 8-bit products saturate on the processor, where weights of 8 bits have 7: rows of both kinds of processor stand side by side. */
  readonly withoutVnni?: true
}

const FILE = 'docs/results/eight-bits.jsonl'

/** Digits beyond these say nothing. */
const DIGITS = 4

/** Figures of a model in a form, or some of them. */
export type Measurement = Omit<EightBitRow, 'date' | 'commit' | 'machine' | 'withoutVnni'>

/** Writes what was measured, next to what else is known of the same, with day, commit and processor. */
export async function recordRow(
  measurement: Measurement,
  { machine, weights }: { readonly machine: string; readonly weights: QuantizeOptions },
): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const row: EightBitRow = { ...measurement, date, commit: commitHere(), machine, ...processorOf(weights) }
  const rows = await readJsonLines<EightBitRow>(projectPath(FILE))
  const isOf = (own: EightBitRow): boolean =>
    own.model === row.model && own.form === row.form && own.withoutVnni === row.withoutVnni
  const all = [...rows.filter((own) => !isOf(own)), { ...rows.find(isOf), ...row }]
  const models = [...new Set([...rows, row].map(({ model }) => model))]
  const sorted = all.toSorted(
    (a, b) => models.indexOf(a.model) - models.indexOf(b.model) || forms.indexOf(a.form) - forms.indexOf(b.form),
  )
  await writeJsonLines(projectPath(FILE), sorted, DIGITS)
}
