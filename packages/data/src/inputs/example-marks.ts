import { hash } from './divide.ts'
import { contentKeys, type ModelInputs } from './model-inputs.ts'

/** Characters of a mark: 32 bits to the base 36. */
const LENGTH = 7
/** Marks that a plan or a step of a file remembers at most, 70 kB; plans with more are refused. */
export const MOST_MARKS = 10_000

/**
 * A mark of each example, to know it again in other data whatever its label is: a hash of its tokens, or of its file's content.
 * Undefined where nothing is known of the examples.
 */
export async function exampleMarks(inputs: ModelInputs): Promise<string[] | undefined> {
  const keys = await contentKeys(inputs)
  return keys?.map((key) => hash(key).toString(36).padStart(LENGTH, '0'))
}

/**
 * The marks of all examples of some data as one text; empty where nothing is known of them. Of too many the least are taken: marks are
 * hashes, so that these are a sample, of which it is known what else would be in it.
 */
export async function joinMarks(all: readonly ModelInputs[]): Promise<string> {
  const marks = (await Promise.all(all.map(exampleMarks))).flatMap((own) => own ?? [])
  return [...new Set(marks)].sort().slice(0, MOST_MARKS).join('')
}

/** Whether a mark is one of those of which `joinMarks` has made a text; undefined if it may have been one too many. */
export type MarkReader = (mark: string) => boolean | undefined

export function markReader(text: string): MarkReader {
  const marks = text.match(new RegExp(`.{${LENGTH}}`, 'g')) ?? []
  const known = new Set<string>(marks)
  const last = marks.length < MOST_MARKS ? undefined : marks.at(-1)
  return (mark) => known.has(mark) || (last !== undefined && mark > last ? undefined : false)
}
