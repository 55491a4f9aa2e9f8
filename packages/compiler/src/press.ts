import { type Amount, axisSize, concat, input, type Method, reshape, slice, type Tensor, TpError } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { initialState, reduceTokens, type SiteSource } from '@tp/core/host'
import { emitModel, type Model, opset } from '@tp/onnx'
import { countedByLength } from './analyze/cache-length.ts'
import { requireFloatCaches } from './analyze/decoder.ts'
import { type DecoderInspection, requireDecoder } from './inspect-decoder.ts'
import { requireOptions } from './plan/require-options.ts'
import { withEqualSizes } from './program/program.ts'
import { Refused, refusing } from './program/refusal.ts'
import { checkCacheAmount } from './prune/cache-amount.ts'
import { checkMethod } from './prune/prune-options.ts'

export interface PressOptions {
  /** Chooses by keys and values alone; attention is refused, since caches have no queries. */
  readonly method: Method
  /** How many tokens of a cache are kept, the same number in every layer and head. */
  readonly amount: Amount
  /** Positions that are kept whatever their score. */
  readonly protect?: readonly number[]
}

/**
 * Bytes of a small model that prunes the caches of a decoder: it runs once, between a prompt and what is generated after it. Its inputs are
 * named as the decoder's outputs (`present.0.key`, [b,g,n,d]), its outputs as the decoder's inputs (`past_key_values.0.key`,
 * [b,g,k,d]). Every head of keys and values is a site of its own, with tokens of its own: to the method it looks like an
 * example with one head, whose hidden state is the key followed by the value. Kept tokens keep their order.
 *
 * It is a second model alongside the decoder, which remains as it is, so `press` is not a transform.
 *
 * Keys have been turned by their positions, and keep them. So new tokens have to be given theirs, and a decoder that counts positions
 * by the length of its caches is refused (TP_POSITIONS); so are a model without caches (TP_DECODER) and one with caches of 8 bits (TP_QUANTIZED).
 * A window of a decoder that sees only the last tokens counts kept ones afterwards.
 * @throws TpError TP_METHOD for a method that reads what caches do not have, or does other than choose; TP_SCHEDULE, TP_OPTION for the
 * amount; TP_NOT_ONNX for a value that is not a model; Refused
 * @example
 * await writeFile('press.onnx', press(decoder, { method: keyNorm(), amount: { kind: 'ratio', value: 0.5 } }))
 */
export function press(model: Model, options: PressOptions): Uint8Array {
  checkPress(options)
  return refusing(() => {
    const found = requireDecoder(model)
    return withEqualSizes(() => emitModel(pressed(found, options), { opset: opset(model), name: 'press' }))
  })
}

function pressed(decoder: DecoderInspection, options: PressOptions): Record<string, Tensor> {
  const { positions, caches, keyHeads, headSize, byHead, dtype, layerCount } = decoder
  requireFloatCaches(caches)
  if (positions === undefined) throw countedByLength('the caches', 'export the decoder with position_ids')
  if (!byHead)
    throw new Refused('TP_HEADS', 'the caches are not [batch, heads, tokens, head size], the form that can be pressed')
  if (typeof keyHeads !== 'number' || typeof headSize !== 'number') {
    throw new Refused('TP_HEADS', 'the caches have a number or a size of heads that is not known')
  }
  const outputs: Record<string, Tensor> = {}
  for (const [layer, { keys, values }] of caches.entries()) {
    const [key, value] = [keys, values].map(({ present }) =>
      input(present, dtype, ['batch', keyHeads, 'tokens', headSize]),
    ) as [Tensor, Tensor]
    const kept = pressedLayer({ key, value, layer, layerCount }, options)
    outputs[keys.past] = slice(kept, { axis: 3, start: 0, end: headSize })
    outputs[values.past] = slice(kept, { axis: 3, start: headSize, end: 2 * headSize })
  }
  return outputs
}

interface CachedLayer {
  /** [b,g,n,d] */
  readonly key: Tensor
  readonly value: Tensor
  readonly layer: number
  readonly layerCount: number
}

/** Keys and values side by side, of kept tokens alone: [b,g,k,2·d]. */
function pressedLayer(
  { key, value, layer, layerCount }: CachedLayer,
  { method, amount, protect = [] }: PressOptions,
): Tensor {
  const [, heads, , size] = key.dims as [Dim, number, Dim, number]
  const rows = (x: Tensor): Tensor => reshape(x, [-1, axisSize(x, 2), x.dims[3] as number])
  const hidden = rows(concat([key, value], 3))
  const perHead = (x: Tensor) => (): Tensor => reshape(x, [-1, 1, axisSize(x, 2), size])
  const source: SiteSource = {
    layer,
    layerCount,
    hidden,
    key: perHead(key),
    value: perHead(value),
    query: () => refuse(method, 'queries'),
    attention: () => refuse(method, 'attention'),
    attentionFrom: () => refuse(method, 'attention'),
    classToken: () => refuse(method, 'a class token'),
  }
  const { cut, state } = reduceTokens({ method, source, state: initialState(hidden, undefined, protect), amount })
  if (state.size !== undefined) throw merges(method)
  const kept = cut === undefined ? hidden : cut.states(hidden)
  return reshape(kept, [-1, heads, axisSize(kept, 1), 2 * size])
}

/** Keys of different positions have no mean, and sizes have no place in a cache. */
function merges({ name }: Method): TpError {
  return new TpError(
    'TP_METHOD',
    'compiler',
    `${name} merges tokens, and caches can only lose them; choose a method that drops`,
  )
}

/** @throws TpError TP_METHOD, TP_SCHEDULE, TP_OPTION */
function checkPress(options: PressOptions): void {
  requireOptions(options, ['method', 'amount', 'protect'])
  const { method, amount } = options
  checkMethod(method)
  if (method.returns || method.unscheduled) {
    const reason = method.returns ? 'gives tokens back in later layers' : 'decides by itself how many tokens are kept'
    throw new TpError('TP_METHOD', 'compiler', `${method.name} ${reason}, and all caches are of one length`)
  }
  checkCacheAmount(amount)
}

function refuse({ name }: Method, what: string): never {
  throw new TpError(
    'TP_METHOD',
    'compiler',
    `${name} reads ${what}, which caches do not have; choose a method that scores keys or values`,
  )
}
