import type { ModelFile } from '@tp/data'
import { endable } from '../context/endable.ts'
import { ONE_ROW } from '../model/as-pooled.ts'
import { attemptContent, type PrintedPruning } from '../printing/pruned-report.ts'
import type { Attempt } from './attempt.ts'
import type { Written } from './write-attempt.ts'

/** The pruned and written model. */
interface WrittenAttempt {
  readonly file: ModelFile
  /** The file as it was pruned, perhaps with one row of its states. */
  readonly whole: ModelFile
  readonly out: string
  readonly attempt: Attempt
  readonly written: Written
  /** Further sentences for the user. */
  readonly notes?: readonly string[]
  /** When the command began, by `performance.now()`. */
  readonly began: number
}

/** The document of a pruned file. */
export async function writtenReport({
  file,
  whole,
  out,
  attempt,
  written,
  notes = [],
  began,
}: WrittenAttempt): Promise<PrintedPruning & { readonly model: string; readonly milliseconds: number }> {
  const { speed } = attempt
  return {
    ...{ model: file.path, out },
    ...(await endable(async () => attemptContent(whole, attempt))),
    ...written,
    ...(speed && { speed }),
    notes: [...attempt.notes, ...(whole === file ? [] : [ONE_ROW]), ...notes],
    milliseconds: Math.round(performance.now() - began),
  }
}
