import { TpError } from '@tp/core'
import { shown } from './table/data-error.ts'
import { numberIn } from './table/number-in.ts'

export interface LabeledOptions {
  /** The model's class names by number; without them labels have to be class numbers. */
  readonly labels?: readonly string[] | undefined
  /** Whether the data have no labels, or theirs are not to be read. Default: where none are found. */
  readonly unlabeled?: boolean | undefined
  /** The largest number of examples to read. */
  readonly limit?: number | undefined
}

/**
 * Class number of a label in data: a name of the model (any case) or a class number. Names win, because a
 * model may call its class 0 "1".
 * @param labels the model's names by class number; undefined if it has none: then only numbers are accepted
 */
export function classOf(label: string, labels: readonly string[] | undefined): number | undefined {
  const plain = label.trim().toLowerCase()
  if (labels !== undefined) {
    const exact = labels.indexOf(label)
    if (exact >= 0) return exact
    const position = labels.findIndex((name) => name.toLowerCase() === plain)
    if (position >= 0) return position
  }
  // Tables of numbers write class 1 as 1.0.
  if (!/^\d{1,9}(?:\.0*)?$/.test(plain)) return undefined
  const id = Number(plain)
  return labels === undefined || id < labels.length ? id : undefined
}

/** Advice where labels are not understood. */
export const NO_LABELS = 'to read no labels, give unlabeled (--unlabeled)'

/** Like {@link classOf}, for a label that has to be known. */
export function requireClass(label: string, labels: readonly string[] | undefined, source: string): number {
  const id = classOf(label, labels)
  if (id !== undefined && labels !== undefined && labels.indexOf(label) !== labels.lastIndexOf(label)) {
    const seen = `the model has several classes called ${shown(label)}`
    throw new TpError('TP_DATA', 'data', `${source}: ${seen}; label such examples by the number of their class`)
  }
  if (id !== undefined) return id
  if (labels === undefined && numberIn(label) !== undefined) {
    const advice = `where the model estimates such numbers, give the task regression; ${NO_LABELS}`
    throw new TpError('TP_DATA', 'data', `${source}: the label ${shown(label)} is not the number of a class; ${advice}`)
  }
  throw new TpError(
    'TP_DATA',
    'data',
    labels === undefined
      ? `${source}: the label ${shown(label)} is a name, but the model's class names are not known; give them as labels (--read labels=NAME,NAME…); ${NO_LABELS}`
      : `${source}: unknown label ${shown(label)}; the model knows ${listOf(labels)}, or their numbers 0…${labels.length - 1}; ${NO_LABELS}`,
  )
}

function listOf(labels: readonly string[]): string {
  const shown = labels.slice(0, 20).join(', ')
  return labels.length > 20 ? `${shown}, … (${labels.length} in all)` : shown
}
