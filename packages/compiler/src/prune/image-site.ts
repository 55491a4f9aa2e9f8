import { type Method, mean, type Site, scorer, type Tensor, TpError, unsqueeze } from '@tp/core'
import { initialState, reduceTokens, type SiteSource } from '@tp/core/host'
import type { Encoder } from '../analyze/encoder.ts'
import type { FoundEncoder } from '../analyze/find-encoders.ts'
import type { Layer } from '../analyze/layer.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { followScore } from './follow-score.ts'
import { siteSources } from './site-source.ts'
import { startOf } from './start.ts'

/** Thrown at a method that reads attention where there is none; it never leaves this file. */
class NoAttention extends Error {}

export interface ImageSiteOptions {
  readonly method: Method
  /** The output [images, N, D]. */
  readonly output: string
  /** How many of the N are handed over. */
  readonly tokens: number
  /** The encoders of the file, where one is found. @throws Refused */
  encoders(): readonly FoundEncoder[]
}

/** [images, K, D], and the values of the graph that it is computed from. */
interface KeptImageTokens {
  readonly kept: Tensor
  readonly names: ReadonlyMap<Tensor, string>
}

/**
 * The image tokens that a method keeps, in their order. A method that reads states or keys reads the image tokens themselves, as one head of
 * keys; what a token receives of attention, or of the class token's, is that of its patches in the encoder's last layer, followed through
 * the projector. A method that reads other attention scores patches there, and the scores are followed.
 * @throws Refused, TpError TP_METHOD where a method does not fit
 */
export function keptImageTokens(program: Program, options: ImageSiteOptions): KeptImageTokens {
  try {
    return keptByFeatures(program, options)
  } catch (error) {
    if (!(error instanceof NoAttention)) throw error
    const score = scoreInLastLayer(program, options)
    const { method } = options
    const byScore = (placeholder: Tensor): Method =>
      scorer({ name: method.name, family: method.family, signed: true, score: () => placeholder })
    const { value, names } = new Operands(program)
    const { kept, names: own } = keptByFeatures(program, { ...options, method: byScore(value(score, ['B', 'N'])) })
    return { kept, names: new Map([...own, ...names]) }
  }
}

function keptByFeatures(program: Program, options: ImageSiteOptions): KeptImageTokens {
  const { method, output, tokens } = options
  const { value, names } = new Operands(program)
  const hidden = value(output, ['B', 'N', 'D'])
  /** float [B,N]: attention in the last layer, as a mean for each image token. */
  const followed = (name: string, score: (site: Site) => Tensor): Tensor => {
    const ofPatches = scorer({ name, family: 'attention', score })
    return value(scoreInLastLayer(program, { ...options, method: ofPatches }), ['B', 'N'])
  }
  const none = (): never => {
    throw new NoAttention()
  }
  const source: SiteSource = {
    ...{
      layer: 0,
      layerCount: 1,
      hidden,
      query: none,
      value: none,
      attention: none,
      received: () => followed(method.name, (site) => site.received),
      classToken: () => 0,
      // Of rows, only that of the class token is known: which is not among the image tokens.
      attentionFrom: (rows: Tensor | number) =>
        rows === 0
          ? unsqueeze(
              followed(method.name, (site) => mean(site.clsAttention, 1)),
              [1, 2],
            )
          : none(),
    },
    key: () => unsqueeze(hidden, [1]),
  }
  const state = initialState(hidden, undefined, [])
  const amount = { kind: 'tokens', value: tokens } as const
  const { cut } = reduceTokens({ method: inImageOrder(method), source, state, amount })
  if (cut !== undefined && cut.score === undefined) throw notByScore(method, 'does not choose tokens by a score')
  return { kept: cut === undefined ? hidden : cut.states(hidden), names }
}

/** Decoders read image tokens in rows of the image; layers of a vision encoder do not mind the order that a method returns them in. */
function inImageOrder(method: Method): Method {
  return {
    ...method,
    reduce(site) {
      const { order: _, ...reduction } = method.reduce(site)
      return reduction
    },
  }
}

/** The value float32 [images, N]: a method's score of patches in the last layer, as a mean for each image token. */
function scoreInLastLayer(program: Program, { method, output, tokens, encoders }: ImageSiteOptions): string {
  const encoder = encoderOf(program, encoders(), output)
  const index = encoder.layers.length - 1
  const inLayer = siteSources.attention.source(program, encoder, index)
  // The head of a projector skips the class token, which is learned all the same.
  const leads = encoder.classToken === undefined && encoder.apart[0] === 0 && !encoder.readsIds
  const source = leads ? { ...inLayer, classToken: () => 0 } : inLayer
  const { state, names } = startOf(program, encoder, { protectedTokens: encoder.protectedTokens, site: method.site })
  let merges = false
  const watched: Method = {
    ...method,
    reduce(site) {
      const reduction = method.reduce(site)
      merges = reduction.into !== undefined
      return reduction
    },
  }
  const { cut } = reduceTokens({ method: watched, source, state, amount: { kind: 'tokens', value: tokens } })
  if (cut?.score === undefined || merges) {
    throw notByScore(method, `reads attention and ${merges ? 'merges tokens' : 'does not choose them by a score'}`)
  }
  const all = new Map([...names, ...inLayer.names])
  const [batch, count] = program.tensor((encoder.layers[index] as Layer).site).dims
  const dims = [[batch ?? 'B', count ?? 'N']]
  const score = program.write(cut.score, all, { prefix: 'tp/image-tokens/score', dims })
  return followScore(program, { score: score.name, stream: (encoder.layers[index] as Layer).site, output })
}

function notByScore({ name }: Method, seen: string): TpError {
  const advice =
    'image tokens are chosen once, after the projector; take a method that only scores, or one that merges by keys'
  return new TpError('TP_METHOD', 'compiler', `${name} ${seen}; ${advice}`)
}

function encoderOf(program: Program, found: readonly FoundEncoder[], output: string): Encoder {
  const upstream = program.before(output)
  const reaching = found.flatMap((each) =>
    'encoder' in each && upstream.has((each.encoder.layers.at(-1) as Layer).site) ? [each.encoder] : [],
  )
  const [encoder, another] = reaching
  if (encoder !== undefined && another === undefined) return encoder
  const seen = another === undefined ? 'no encoder with attention was found' : 'several encoders were found'
  throw new Refused('TP_IMAGE_TOKENS', `${seen} upstream of ${output}; take a method that reads no attention`)
}
