import type { QuantizeOptions } from '@tp/compiler'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { OutsideCase } from './cases.ts'
import type { OutsideData } from './data.ts'
import type { EvidenceRow, RowSpeeds, SettingKind } from './evidence.ts'

/** A case that is open: what each of its rows takes. */
export interface OpenCase {
  readonly one: OutsideCase
  readonly path: string
  readonly dense: (threads: number) => Promise<Session>
  readonly batches: ReadonlyMap<string, readonly NamedTensors[]>
  readonly choosing: OutsideData
  readonly testing: OutsideData
  /** Weights of 8 bits, as this processor takes them. */
  readonly weights: QuantizeOptions
  /** Rows that are there, of this case on this kind of processor. */
  readonly rows: () => Promise<readonly EvidenceRow[]>
  /** Measures a row and writes it; of a row that is only timed again, its times. */
  readonly measure: (head: RowHead, run: RowRun) => Promise<void>
  /** Whether rows of a kind are to be measured, … */
  readonly wants: (kind: SettingKind) => boolean
  /** … and this one, or any: not there yet, or where rows are timed again, there. */
  readonly isDue: (kind: SettingKind, setting?: string) => boolean
}

/** Kind and setting of a row. */
export type RowHead = Pick<EvidenceRow, 'kind' | 'setting' | 'seconds'> & {
  readonly command?: string
  readonly versions?: string
}

/** A way to run a model. */
export interface RowRun {
  /** For answers, on one thread; several where chance chooses the tokens, one a seed. */
  readonly open: Openers
  /** In turns with the dense model. */
  speeds(threads: number, batches: OpenCase['batches']): Promise<RowSpeeds>
  readonly bytes: number
  readonly memory?: () => Promise<number>
}

export type Openers = readonly [() => Promise<Session>, ...(() => Promise<Session>)[]]

/** The batches that memory is measured on: the largest as they come. */
export function largest({ one, batches }: Pick<OpenCase, 'one' | 'batches'>): readonly NamedTensors[] {
  return batches.get(`${Math.max(...one.batches)}`) ?? []
}
