import { TpError } from '@tp/core'
import { checkAmount } from '../amount.ts'
import type { TextShift } from '../shift.ts'
import { neutralSentences } from './neutral-sentences.ts'
import { countWords } from './words.ts'

export type PaddingPlace = 'before' | 'after' | 'around'

/**
 * Adds neutral sentences, so that decisive words are a smaller part of the text: with a fixed keep ratio a method must choose
 * well, and a text longer than the model's limit loses its end. The label stays valid as long as the sentences are neutral to
 * it. A larger factor extends what a smaller one adds.
 * @param factor the least number of words, relative to the original; 1 or more
 * @param sentences to draw from; default: two dozen of the package's own, without sentiment or topic
 * @throws TpError TP_OPTION
 */
export function padding(
  place: PaddingPlace,
  factor: number,
  sentences: readonly string[] = neutralSentences,
): TextShift {
  checkAmount(`padding-${place}`, 'the factor', factor, 1, 1000)
  if (sentences.every((sentence) => countWords(sentence) === 0)) {
    throw new TpError('TP_OPTION', 'benchmark', `padding-${place}: there is no sentence to add`)
  }
  return {
    modality: 'text',
    name: `padding-${place} ${factor}`,
    apply(text, random) {
      const added = draw(sentences, Math.ceil((factor - 1) * countWords(text)), random)
      const before = place === 'before' ? added : place === 'after' ? [] : added.filter((_, i) => i % 2 === 0)
      const after = place === 'after' ? added : place === 'before' ? [] : added.filter((_, i) => i % 2 === 1)
      return [...before, text, ...after].join(' ')
    },
  }
}

/** Sentences with at least this many words together; none repeats before all have occurred. */
function draw(sentences: readonly string[], words: number, random: () => number): string[] {
  const drawn: string[] = []
  let left: string[] = []
  for (let missing = words; missing > 0; ) {
    if (left.length === 0) left = [...sentences]
    const [sentence] = left.splice(Math.floor(random() * left.length), 1) as [string]
    drawn.push(sentence)
    missing -= countWords(sentence)
  }
  return drawn
}
