import { TpError } from '@tp/core'
import { audioInputs, imageDataset, imageInputs, textDataset, textInputs } from '@tp/data/inputs'
import type { Content, InputImage, InputSound, Sample, ShownInput } from './content.ts'
import { madeUpFeeds } from './made-up.ts'
import type { ModelInputsKnown } from './model-inputs-known.ts'
import { piecesOf } from './text/pieces.ts'

/** @throws TpError TP_INPUT, TP_TOKENIZER, TP_DATA where the content does not fit the model */
export async function prepare(content: Content, known: ModelInputsKnown): Promise<Sample> {
  switch (content.kind) {
    case 'text':
      return prepareText(content.text, known)
    case 'image':
      return prepareImage(content.image, known)
    case 'sound':
      return prepareSound(content.sound, known)
    case 'made-up':
      return madeUpSample(known, content.tokens)
  }
}

async function madeUpSample(known: ModelInputsKnown, tokens: number): Promise<Sample> {
  const feeds = madeUpFeeds(known, tokens)
  const count = await tokenCount(known, Object.values(feeds)[0]?.dims ?? [])
  return { feeds, real: allAttended(count), shown: { kind: 'tokens' } }
}

async function prepareText(text: string, { inputs, facts, tokenizer }: ModelInputsKnown): Promise<Sample> {
  if (tokenizer === undefined) throw new TpError('TP_TOKENIZER', 'demo', 'texts need the tokenizer.json of the model')
  const prepared = await textInputs(textDataset('your text', [{ text, label: 0 }]), inputs, tokenizer, facts)
  const feeds = await prepared.feeds([0])
  const count = prepared.lengths?.[0] as number
  const ids = Object.values(feeds)[0]
  const numbers = Array.from(ids?.data as BigInt64Array | Int32Array, Number)
  const pieces = piecesOf(
    text,
    numbers.slice(0, count).map((id) => tokenizer.textOf(id)),
  )
  // A text may also end with what no token shows: emoji, another script.
  const isCut = pieces.at(-1)?.token === undefined && tokenizer.encode(text, count + 1).length > count
  return { feeds, real: numbers.map((_, i) => i < count), shown: { kind: 'words', pieces, isCut } }
}

async function prepareImage(image: InputImage, known: ModelInputsKnown): Promise<Sample> {
  const normalization = known.facts.normalization ?? { mean: [0.5], std: [0.5] }
  const dataset = imageDataset('your image', image, [{ pixels: image.pixels, label: 0 }])
  const prepared = await imageInputs(dataset, known.inputs, { normalization })
  const feeds = await prepared.feeds([0])
  const count = await tokenCount(known, [1, image.channels, image.height, image.width])
  return { feeds, real: allAttended(count), shown: grid(count, known.protectedTokens.length, image) }
}

async function prepareSound(sound: InputSound, known: ModelInputsKnown): Promise<Sample> {
  const dataset = { modality: 'audio', source: 'your sound', examples: [example(sound)] } as const
  const feeds = await audioInputs(dataset, known.inputs, known.facts).feeds([0])
  const count = await tokenCount(known, Object.values(feeds)[0]?.dims ?? [])
  const before = known.protectedTokens.length
  return {
    feeds,
    real: allAttended(count),
    shown: count === undefined ? { kind: 'tokens' } : { kind: 'columns', sound, columns: count - before, before },
  }
}

function example(sound: InputSound): { label: number; source: string; read(): InputSound } {
  return { label: 0, source: 'your sound', read: () => sound }
}

/** Patches in a square after the tokens that stand for none. */
function grid(count: number | undefined, protectedTokens: number, image: InputImage): ShownInput {
  if (count === undefined) return { kind: 'tokens' }
  for (const before of [protectedTokens, 0, 1, 2, 5]) {
    const columns = Math.sqrt(count - before)
    if (Number.isInteger(columns)) return { kind: 'patches', image, columns, before }
  }
  return { kind: 'tokens' }
}

function tokenCount(known: ModelInputsKnown, dims: readonly number[]): Promise<number | undefined> {
  const names = known.inputs[0]?.dims.map((dim, axis) => [dim, dims[axis]] as const) ?? []
  const free = names.filter((entry): entry is [string, number] => typeof entry[0] === 'string' && entry[0] !== '')
  return known.countTokens(Object.fromEntries(free))
}

function allAttended(count = 0): readonly boolean[] {
  return Array.from({ length: count }, () => true)
}
