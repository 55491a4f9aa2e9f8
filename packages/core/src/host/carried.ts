import { TpError } from '../errors.ts'
import { type Dim, floorDivideDims } from '../expression/dim.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import type { Spec, Values } from '../method/site.ts'
import { add, axisSize, cast, constant, div, equal, less, slice, transpose, unsqueeze } from '../ops/index.ts'
import { assume } from './assume.ts'
import type { Slots } from './compact.ts'
import type { TokenState } from './state.ts'

/** The axes of a carried value for each token: one number, one for each token, or some features. */
type Carried =
  | { readonly each: 'number' }
  | { readonly each: 'tokens' }
  | { readonly each: 'features'; readonly size?: number; readonly of?: number }

/**
 * The shape of a value that a method carries, beginning with [B,N]. hidden [B,N,D]
 * @throws TpError TP_METHOD where the host cannot carry such a value
 */
export function carriedDims(method: Method, name: string, hidden: Tensor): readonly Dim[] {
  const [batch, tokens, width] = hidden.dims as [Dim, Dim, Dim]
  const form = formOf(method, name)
  if (form.each === 'number') return [batch, tokens]
  if (form.each === 'tokens') return [batch, tokens, tokens]
  return [batch, tokens, form.size ?? floorDivideDims(width, form.of ?? 1)]
}

/** @throws TpError TP_METHOD */
function formOf({ name: method, carry = {} }: Method, name: string): Carried {
  const { dims, init } = carry[name] as Spec
  const [first, second, ...others] = dims
  const [, of = '1'] = /^D(?:\/([1-9]\d*))?$/.exec(String(second)) ?? []
  const isFeatures = /^D(\/[1-9]\d*)?$/.test(String(second)) || (typeof second === 'number' && second > 0)
  const isKnown = first === 'N' && others.length === 0 && (second === undefined || second === 'N' || isFeatures)
  if (!isKnown) {
    const forms = '[N], [N,N], or [N,S] with a number, D or a part of it such as D/2 for S'
    throw new TpError('TP_METHOD', `plugin ${method}`, `carry.${name} has the axes [${dims}]; must be ${forms}`)
  }
  if (init === 'identity' && second !== 'N') {
    const reason = `carry.${name} begins as the identity, which only [N,N] can; give a number`
    throw new TpError('TP_METHOD', `plugin ${method}`, reason)
  }
  if (second === undefined) return { each: 'number' }
  if (second === 'N') return { each: 'tokens' }
  return { each: 'features', ...(typeof second === 'number' ? { size: second } : { of: Number(of) }) }
}

/**
 * State that no layer has written yet: one number everywhere, or each token its own row of the identity. hidden [B,N,D], which may be
 * absent where a value has one number for each token.
 */
export function initialCarry(method: Method, { ordinals }: TokenState, hidden: Tensor | undefined): Values {
  const initial = (name: string, { init }: Spec): Tensor => {
    const form = formOf(method, name)
    // x < x is 0 for every x, NaN included.
    const filled = (x: Tensor): Tensor => add(cast(less(x, x), 'float32'), init as number)
    if (form.each === 'number') return filled(ordinals)
    if (form.each === 'features') return filled(features(hidden ?? perTokenOnly(method.name, name), form))
    const [row, column] = [unsqueeze(ordinals, [1]), unsqueeze(ordinals, [2])]
    return init === 'identity' ? cast(equal(row, column), 'float32') : filled(add(row, column))
  }
  return Object.fromEntries(Object.entries(method.carry ?? {}).map(([name, spec]) => [name, initial(name, spec)]))
}

function perTokenOnly(method: string, name: string): never {
  const reason = `it carries ${name}, which does not have one number per token`
  throw new TpError('TP_METHOD', method, `its tokens cannot be restored between layers: ${reason}`)
}

/** Some value of the size of the features: [B,N,S] */
function features(hidden: Tensor, { of = 1, size }: { readonly of?: number; readonly size?: number }): Tensor {
  if (size !== undefined) {
    const some = slice(hidden, { axis: 2, start: 0, end: 1 })
    return add(cast(some, 'float32'), constant(new Float32Array(size), 'float32', [size]))
  }
  if (of === 1) return hidden
  const width = hidden.dims[2]
  return slice(hidden, {
    axis: 2,
    start: 0,
    end: typeof width === 'number' ? Math.floor(width / of) : div(axisSize(hidden, 2), of),
  })
}

/** Of the kept tokens: [B,N] → [B,K]; [B,N,N] → [B,K,K]; [B,N,S] → [B,K,S]. */
export function takeCarried(method: Method, name: string, x: Tensor, slots: Slots): Tensor {
  const taken = slots.take(x)
  const { each } = formOf(method, name)
  if (each === 'number') return assume(taken, ['B', 'N'])
  if (each === 'features') return assume(taken, ['B', 'N', x.dims[2] as Dim])
  return assume(transpose(slots.take(transpose(taken, [0, 2, 1])), [0, 2, 1]), ['B', 'N', 'N'])
}
