import { TpError } from '@tp/core'
import { shown } from '../datasets/table/data-error.ts'
import { readBytes } from '../read-bytes.ts'
import { openTokenizer, type TextTokenizer } from './tokenizer.ts'
import { withinTime } from './within-time.ts'

/** The largest that are published have 35 MB. */
const MOST_BYTES = 128 * 2 ** 20

/** Of the largest, on a machine that is busy with other work. */
const OPENING_MS = 30_000

/**
 * Opens a Hugging Face tokenizer.json. Its own truncation and padding are not followed: they remain from training.
 * A text that takes too long is refused, since its regular expressions come with the file and may never end.
 * @throws TpError TP_TOKENIZER, also from the returned functions
 */
export async function loadTokenizer(path: string): Promise<TextTokenizer> {
  const advice = "give the model's tokenizer.json"
  const bytes = await readBytes(path, { code: 'TP_TOKENIZER', mostBytes: MOST_BYTES, advice })
  const text = new TextDecoder().decode(bytes)
  return bounded(
    withinTime(
      () => openTokenizer(text, path),
      OPENING_MS,
      () => tooLong(path, OPENING_MS, 'to be opened', []),
    ),
  )
}

/** Shorter texts are not watched if there are no expressions: they never take long, and watching takes 0.1 ms each. */
const SHORT = 1000

function bounded(tokenizer: TextTokenizer): TextTokenizer {
  const { source, expressions } = tokenizer
  const watched = <Result>(text: string, work: () => Result): Result => {
    if (expressions.length === 0 && text.length < SHORT) return work()
    const milliseconds = 4000 + text.length / 50
    const what = `for ${text.length} characters, ${shown(text)}`
    return withinTime(work, milliseconds, () => tooLong(source, milliseconds, what, expressions))
  }
  return {
    ...tokenizer,
    encode: (text, maxTokens) => watched(text, () => tokenizer.encode(text, maxTokens)),
    encodePair: (first, second, maxTokens) =>
      watched(`${first} ${second}`, () => tokenizer.encodePair(first, second, maxTokens)),
    encodeAlone: (text) => watched(text, () => tokenizer.encodeAlone(text)),
    decode: (ids) => watched('', () => tokenizer.decode(ids)),
    pairSeparator: () => watched('', () => tokenizer.pairSeparator()),
    encodeWords: (words, maxTokens) => watched(words.join(' '), () => tokenizer.encodeWords(words, maxTokens)),
    textOf: (id) => watched('', () => tokenizer.textOf(id)),
  }
}

function tooLong(source: string, milliseconds: number, what: string, expressions: readonly string[]): TpError {
  const cause =
    expressions.length === 0 ? '' : `; its regular expressions (${expressions.map(shown).join(', ')}) may never end`
  const seconds = Number((milliseconds / 1000).toFixed(1))
  return new TpError('TP_TOKENIZER', 'data', `${source}: takes more than ${seconds} s ${what}${cause}`)
}
