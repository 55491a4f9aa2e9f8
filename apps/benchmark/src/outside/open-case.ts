import type { NamedTensors, Session } from '@tp/core/runtime'
import type { OutsideCase } from './cases.ts'
import type { OutsideData } from './data.ts'
import type { EvidenceRow, SettingKind } from './evidence.ts'
import type { AnswerMeter } from './measure.ts'

/** A case that is open: what each of its rows takes. */
export interface OpenCase {
  readonly one: OutsideCase
  readonly path: string
  readonly answers: AnswerMeter
  readonly dense: () => Promise<Session>
  readonly batches: ReadonlyMap<string, readonly NamedTensors[]>
  readonly choosing: OutsideData
  readonly testing: OutsideData
  readonly record: (row: RowToRecord) => Promise<void>
  /** Whether a row is to be measured: of a requested kind, and not there yet. */
  readonly isDue: (kind: SettingKind, setting: string) => boolean
}

export type RowToRecord = Omit<
  EvidenceRow,
  'case' | 'task' | 'n' | 'of' | 'date' | 'commit' | 'machine' | 'versions' | 'command'
> & { readonly command?: string; readonly versions?: string }

/** The batches that memory is measured on: the largest as they come. */
export function largest({ one, batches }: OpenCase): readonly NamedTensors[] {
  return batches.get(`${Math.max(...one.batches)}`) ?? []
}
