import { loadTokenizer } from '@tp/data'
import { modelPath } from '@tp/models'

const STEP = 1000

/** Cuts off the part of a mail that its model never sees, for the page's weight; the tokens do not change. */
export async function firstTokens(count: number): Promise<(text: string) => string> {
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  return (text) => {
    const expected = tokenizer.encode(text, count).join()
    for (let length = 2 * STEP; length < text.length; length += STEP) {
      const start = text.slice(0, length)
      if (tokenizer.encode(start, count).join() === expected) return start
    }
    return text
  }
}
