import { randomNumbers } from '@tp/core/statistics'
import { dataError } from '../datasets/table/data-error.ts'
import { readText } from '../datasets/table/read-table.ts'
import type { Prompt, PromptOptions } from './prompts.ts'

export interface NeedleOptions extends PromptOptions {
  /** Tokens of each prompt, about. */
  readonly length: number
  /** How many numbers are hidden in each; the question is for one of them. */
  readonly keys: number
  /** Tokens whose likelihood is measured after a passage of `length` tokens. */
  readonly continuation: number
}

/**
 * Prompts of a plain text. In half of them a number is hidden between its sentences and asked for at the end (needle in a haystack,
 * as RULER states it: Hsieh et al., COLM 2024, arXiv:2404.06654): its depth is spread evenly, with other numbers elsewhere. The others are
 * passages with what follows them; passages do not overlap, so there may be fewer.
 * @throws TpError TP_DATA for a text that is shorter than one prompt
 */
export async function readNeedles(path: string, options: NeedleOptions): Promise<Prompt[]> {
  const text = await readText(path)
  return [...needles(text, path, options), ...passages(text, path, options)]
}

const PROMPTS = 40

const PLACES = [
  'archive,attic,bakery,barn,basement,boathouse,cabin,castle,cellar,chapel,clinic,cottage,depot,dock,farm,ferry,forge',
  'garage,garden,greenhouse,hangar,harbour,hotel,kitchen,laboratory,library,lighthouse,mill,mine,museum,observatory,office',
  'orchard,palace,pavilion,quarry,school,stable,studio,theatre,temple,tunnel,vault,vineyard,warehouse,workshop',
].flatMap((line) => line.split(','))

function needles(text: string, path: string, options: NeedleOptions): Prompt[] {
  const { tokenizer, template, length, keys, limit = PROMPTS } = options
  const sentences = text.split(/(?<=[.!?])\s+/).filter((sentence) => sentence.trim() !== '')
  const sizes = sentences.map((sentence) => tokenizer.encodeAlone(` ${sentence}`).length)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let next = 0
  return Array.from({ length: limit }, (_, i) => {
    const uniform = randomNumbers(i + 1)
    const hidden = hide(keys, uniform)
    const [needle] = hidden as [Hidden]
    const encode = (haystack: readonly string[]): number[] => {
      const question = `What is the access code of the ${needle.place}? Answer with the number alone.`
      const message = `Remember the access codes in this text.\n\n${haystack.join(' ')}\n\n${question}`
      return template === undefined
        ? tokenizer.encode(`${message}\nAnswer:`, Number.POSITIVE_INFINITY)
        : tokenizer.encodeAlone(template(message))
    }
    let room = length - encode(hidden.map(({ sentence }) => sentence)).length
    if (room > total) throw dataError(path, `has ${total} tokens; prompts of ${length} need more text`)
    const haystack: string[] = []
    for (; room > 0; next = (next + 1) % sentences.length) {
      haystack.push(sentences[next] as string)
      room -= sizes[next] as number
    }
    const depths = hidden.map((_, j) => (j === 0 ? (i + 0.5) / limit : uniform()))
    for (const [j, { sentence }] of hidden.entries())
      haystack.splice(Math.round((depths[j] as number) * haystack.length), 0, sentence)
    return { tokens: encode(haystack), answer: needle.number }
  })
}

interface Hidden {
  readonly place: string
  readonly number: string
  readonly sentence: string
}

/** Numbers of different places; the question is for the first. */
function hide(count: number, uniform: () => number): Hidden[] {
  const places = [...PLACES]
  return Array.from({ length: count }, () => {
    const [place] = places.splice(Math.floor(uniform() * places.length), 1) as [string]
    const number = `${Math.floor(1e6 + uniform() * 9e6)}`
    return { place, number, sentence: `The access code of the ${place} is ${number}.` }
  })
}

/** The most numbers that one prompt can hide. */
export const MOST_KEYS: number = PLACES.length

function passages(
  text: string,
  path: string,
  { tokenizer, length, continuation, limit = PROMPTS }: NeedleOptions,
): Prompt[] {
  const start = tokenizer.encode('', Number.POSITIVE_INFINITY)
  const tokens = tokenizer.encodeAlone(text)
  const size = length + continuation
  const count = Math.min(limit, Math.floor(tokens.length / size))
  if (count === 0) {
    const needed = `passages of ${length}, and ${continuation} after them, need more text`
    throw dataError(path, `has ${tokens.length} tokens; ${needed}`)
  }
  return Array.from({ length: count }, (_, i) => {
    const own = tokens.slice(i * size, (i + 1) * size)
    return { tokens: [...start, ...own.slice(0, length)], continuation: own.slice(length) }
  })
}
