import { hash } from './divide.ts'
import { contentKeys, type ModelInputs } from './model-inputs.ts'

/** Characters of a mark: 32 bits to the base 36. */
const LENGTH = 7

/**
 * A mark of each example, to know it again in other data whatever its label is: a hash of its tokens, or of its file's content.
 * Undefined where nothing is known of the examples.
 */
export async function exampleMarks(inputs: ModelInputs): Promise<string[] | undefined> {
  const keys = await contentKeys(inputs)
  return keys?.map((key) => hash(key).toString(36).padStart(LENGTH, '0'))
}

/** The marks of all examples of some data as one text; empty where nothing is known of them. */
export async function joinMarks(all: readonly ModelInputs[]): Promise<string> {
  const marks = (await Promise.all(all.map(exampleMarks))).flatMap((own) => own ?? [])
  return [...new Set(marks)].sort().join('')
}

/** The marks of which `joinMarks` has made a text. */
export function splitMarks(text: string): ReadonlySet<string> {
  return new Set(text.match(new RegExp(`.{${LENGTH}}`, 'g')))
}
