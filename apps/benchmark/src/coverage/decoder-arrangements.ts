import { readFileSync } from 'node:fs'
import { largestDifference, relativeDistance, rowOf } from '@tp/compare'
import { lastLogits, press, prunePrompt, quantize, quantizeCaches, transform } from '@tp/compiler'
import { type Amount, isTpError } from '@tp/core'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { keyDiff, lastQuery } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type DecoderName, decoderFeeds, decoderPath, nextFeeds } from 'exported-decoders'
import { type Changed, eightBitForm } from './arrangements.ts'

const node = nodeRuntime()
/** Of the longer prompt of two; … */
const TOKENS = 12
/** … the other one is so many shorter. */
const PADDING = 4
/** Tokens after the prompt. */
const STEPS = 2
const all: Amount = { kind: 'ratio', value: 1 }
const half: Amount = { kind: 'ratio', value: 0.5 }
/** Rounding in another order; and in 8 bits, of tiny models with random weights. */
const limits = { exact: 1e-4, rounded: 0.5 }

const arrangements = ['alone', 'padded right', 'padded left'] as const
type Arrangement = (typeof arrangements)[number]

/** The last real token's logits of the shorter prompt, and of each token after it; nothing where the file refuses to run. */
type Answers = Readonly<Record<Arrangement, readonly TensorLike[]>>

interface Opened {
  readonly model: Model
  readonly session: Session
}

type Compared = Pick<Changed, 'difference' | 'arrangements'>

export const decoderChangeNames = [
  'last logits',
  'prompt, all kept',
  'prompt pruned',
  '8 bits',
  'last logits, 8 bits',
  'caches in 8 bits',
  'pressed',
] as const
type DecoderChange = (typeof decoderChangeNames)[number]

const changes: Readonly<Record<DecoderChange, (source: Opened) => Promise<Compared>>> = {
  'last logits': (source) =>
    nearSource(source, transform(source.model, lastLogits()).model, 'exact', ['alone', 'padded left']),
  'prompt, all kept': (source) => nearSource(source, prompted(source.model, all), 'exact'),
  'prompt pruned': (source) => nearItself(source, prompted(source.model, half)),
  '8 bits': (source) => nearSource(source, transform(source.model, quantize(eightBitForm)).model, 'rounded'),
  'last logits, 8 bits': (source) =>
    nearSource(source, transform(source.model, lastLogits(), quantize(eightBitForm)).model, 'rounded', [
      'alone',
      'padded left',
    ]),
  'caches in 8 bits': (source) => nearSource(source, transform(source.model, quantizeCaches()).model, 'rounded'),
  pressed: pressedAlone,
}

/** Changes a decoder in every way. Logits are compared with its own before, or where tokens are pruned with those alone. */
export async function checkDecoderArrangements(name: DecoderName): Promise<readonly Changed<DecoderChange>[]> {
  const model = decodeModel(readFileSync(decoderPath(name)))
  await using session = await node.load(decoderPath(name))
  const found: Changed<DecoderChange>[] = []
  for (const change of decoderChangeNames) {
    try {
      found.push({ change, ...(await changes[change]({ model, session })) })
    } catch (error) {
      if (error instanceof Wrong) found.push({ change, wrong: error.message })
      else if (isTpError(error)) found.push({ change, refused: error.code })
      else throw error
    }
  }
  return found
}

/** Findings that should not be. */
class Wrong extends Error {}

function prompted(model: Model, amount: Amount): Model {
  return transform(model, prunePrompt({ method: lastQuery(), amount, layer: 0, leastTokens: 0 })).model
}

/** @param among arrangements in which the changed decoder has the logits of the last real token */
async function nearSource(
  { model, session }: Opened,
  changed: Model,
  limit: keyof typeof limits,
  among: readonly Arrangement[] = arrangements,
): Promise<Compared> {
  await using after = await node.load(encodeModel(changed))
  const [expected, seen] = [await answersOf(model, session), await answersOf(changed, after)]
  return compared(seen, (arrangement) => expected[arrangement], { among, limit, own: expected })
}

async function nearItself({ model, session }: Opened, changed: Model): Promise<Compared> {
  await using after = await node.load(encodeModel(changed))
  const seen = await answersOf(changed, after)
  return compared(seen, () => seen.alone, { among: arrangements, limit: 'exact', own: await answersOf(model, session) })
}

/** @throws Wrong */
function compared(
  seen: Answers,
  expected: (arrangement: Arrangement) => readonly TensorLike[],
  { among, limit, own }: { among: readonly Arrangement[]; limit: keyof typeof limits; own: Answers },
): Compared {
  const measure = limit === 'exact' ? largestDifference : relativeDistance
  // Where the source does not answer as alone, there is nothing to compare with: GroupQueryAttention reads no padding.
  const held = among.filter(
    (each) =>
      seen[each].length > 0 &&
      own[each].every((logits, i) => largestDifference(logits, at(own.alone, i)) < limits.exact),
  )
  let difference = 0
  for (const arrangement of held) {
    for (const [i, logits] of seen[arrangement].entries()) {
      const far = measure(logits, at(expected(arrangement), i))
      if (!(far <= limits[limit])) throw new Wrong(`${arrangement}, logits of step ${i} differ by ${far}`)
      difference = Math.max(difference, far)
    }
  }
  return { difference, arrangements: held }
}

function at(logits: readonly TensorLike[], step: number): TensorLike {
  return logits[step] as TensorLike
}

async function answersOf(model: Model, session: Session): Promise<Answers> {
  const alone = shorter(decoderFeeds(model, { batch: 2, tokens: TOKENS, padding: PADDING }))
  const left = decoderFeeds(model, { batch: 2, tokens: TOKENS, padding: PADDING })
  return {
    alone: await generated(model, session, alone, 0),
    'padded right': await unlessRefused(generated(model, session, paddedRight(left), PADDING)),
    'padded left': await unlessRefused(generated(model, session, left, 0)),
  }
}

async function unlessRefused(run: Promise<readonly TensorLike[]>): Promise<readonly TensorLike[]> {
  try {
    return await run
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_RUN') return []
    throw error
  }
}

/** @param after padding that stands after the shorter prompt's last token, in the first run */
async function generated(
  model: Model,
  session: Session,
  prompt: NamedTensors,
  after: number,
): Promise<readonly TensorLike[]> {
  const logits: TensorLike[] = []
  let feeds = prompt
  for (let step = 0; step <= STEPS; step++) {
    const answer = await session.run(feeds)
    logits.push(lastOf(answer.logits as TensorLike, step === 0 ? after : 0))
    feeds = sameToken(nextFeeds(model, feeds, answer, 1))
  }
  return logits
}

/** Feeds in which the next token of every example is the same, however many there are. */
function sameToken(feeds: NamedTensors): NamedTensors {
  const ids = feeds.input_ids as TensorLike
  const data = (ids.data.slice() as BigInt64Array).fill(7n)
  return { ...feeds, input_ids: { ...ids, data } }
}

/** Logits [b,n,V] → [1,1,V] of the last example, of the token that `after` others follow; of one that has the last logits alone, these. */
function lastOf({ type, dims, data }: TensorLike, after: number): TensorLike {
  const [, tokens = 1, width = 1] = dims
  const end = data.length - (tokens === 1 ? 0 : after) * width
  return { type, dims: [1, 1, width], data: data.slice(end - width, end) as Float32Array }
}

/** The last example alone, without its padding on the left. */
function shorter(feeds: NamedTensors): NamedTensors {
  const length = TOKENS - PADDING
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]): [string, TensorLike] =>
      dims.length > 2
        ? [name, { type, dims: [1, ...dims.slice(1)], data: data.slice(0, 0) as Float32Array }]
        : [name, { type, dims: [1, length], data: data.slice(-length) as BigInt64Array }],
    ),
  )
}

/** The same prompts with padding on the other side. */
function paddedRight(feeds: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]): [string, TensorLike] => {
      if (tensor.dims.length > 2) return [name, tensor]
      const data = tensor.data.slice() as BigInt64Array
      const row = data.slice(TOKENS)
      data.set([...row.slice(PADDING), ...row.slice(0, PADDING)], TOKENS)
      return [name, { ...tensor, data }]
    }),
  )
}

/** Caches of two prompts of one length, pressed together and each alone. @throws Wrong */
async function pressedAlone({ model, session }: Opened): Promise<Compared> {
  await using pressing = await node.load(press(model, { method: keyDiff(), amount: half }))
  const { logits: _, ...caches } = await session.run(decoderFeeds(model, { batch: 2, tokens: TOKENS }))
  const together = await pressing.run(caches)
  for (const example of [0, 1]) {
    const alone = await pressing.run(rowOf(caches, example))
    for (const [name, tensor] of Object.entries(rowOf(together, example))) {
      const far = largestDifference(alone[name], tensor)
      if (far > 0) throw new Wrong(`cache ${name} of example ${example} differs by ${far} alone and in a batch`)
    }
  }
  return { difference: 0, arrangements: ['alone', 'in a batch'] }
}
