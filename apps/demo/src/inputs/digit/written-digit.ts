import { embedded } from '../../workbench/embedded.ts'
import type { Content } from '../content.ts'

/** The first example of a digit. */
export async function writtenDigit(digit: number): Promise<Content | undefined> {
  const examples = await (await embedded.digits()).set?.load()
  return examples?.find(({ label }) => label === digit)?.content
}
