import { asError, isTpError, TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method, Reduction } from '../method/method.ts'
import type { Site } from '../method/site.ts'
import type { Softened } from '../method/training.ts'
import { carriedDims } from './carried.ts'
import { isTensor, shapeProblem } from './is-tensor.ts'
import type { SiteSource } from './site-source.ts'

/** Codes that a method may throw on purpose; any other error inside it is a mistake in the method. */
const sayings: ReadonlySet<string> = new Set(['TP_METHOD', 'TP_OPTION', 'TP_SCHEDULE', 'TP_WEIGHTS'])

/** Errors of the model that a method runs into: they pass through unchanged. */
export class ModelErrors {
  readonly #errors = new WeakSet<object>()

  /** The same source; what it throws is recorded as the model's. */
  watch(source: SiteSource): SiteSource {
    const watched = <Args extends readonly unknown[], T>(get: (...args: Args) => T) => {
      return (...args: Args): T => {
        try {
          return get(...args)
        } catch (error) {
          if (typeof error === 'object' && error !== null) this.#errors.add(error)
          throw error
        }
      }
    }
    return {
      ...source,
      query: watched(() => source.query()),
      key: watched(() => source.key()),
      value: watched(() => source.value()),
      attention: watched(() => source.attention()),
      attentionFrom: watched((rows: Tensor | number) => source.attentionFrom(rows)),
      classToken: watched(() => source.classToken()),
      ...(source.received && { received: watched(source.received.bind(source)) }),
      ...(source.requireMask && { requireMask: watched(source.requireMask.bind(source)) }),
      ...(source.signal && { signal: watched(source.signal.bind(source)) }),
    }
  }

  has(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#errors.has(error)
  }
}

/**
 * Calls into a method. A failure inside is attributed to the method, not to the model or the toolkit.
 * @throws TpError TP_METHOD, with the method's own error as `cause`; a refusal of the model or the method with a code passes unchanged
 */
export function callMethod<T>(method: string, what: string, call: () => T, model?: ModelErrors): T {
  try {
    return call()
  } catch (thrown) {
    if (model?.has(thrown)) throw thrown
    const cause = asError(thrown)
    if (isTpError(cause) && sayings.has(cause.code)) throw cause
    const reason = `${isTpError(cause) || cause !== thrown ? '' : `${cause.name}: `}${cause.message}`
    throw methodError(method, `${what} throws ${reason}`, cause)
  }
}

/** Runs `reduce`, and checks what it returns. The host calls a method's choice of tokens here only. */
export function callReduce(method: Method, site: Site, model: ModelErrors): Reduction {
  const reduction: unknown = callMethod(method.name, `reduce at layer ${site.layer}`, () => method.reduce(site), model)
  checkReduction(method, reduction, site)
  return reduction
}

/** @throws TpError TP_METHOD for a score that is not one number for each token */
export function checkScore(method: string, score: unknown, site: Pick<Site, 'attended'>): asserts score is Tensor {
  requireTensor(method, 'score', score, numberTypes, [site.attended.dims])
}

/** @throws TpError TP_METHOD for a soft form that does not say how much of each token is kept */
export function checkSoftened(
  method: string,
  softened: unknown,
  site: Pick<Site, 'attended'>,
): asserts softened is Softened {
  if (typeof softened !== 'object' || softened === null) {
    throw methodError(method, `soften returns ${describe(softened)}; it must return { kept }, float [B,N]`)
  }
  // It may compute with values of the graph, whose sizes have the graph's names.
  requireTensor(method, 'kept', (softened as Softened).kept, numberTypes, [site.attended.dims], true)
}

function checkReduction(method: Method, reduction: unknown, site: Site): asserts reduction is Reduction {
  const { name } = method
  if (reduction instanceof Promise) {
    throw methodError(name, 'reduce returns a promise; it must build its expressions at once')
  }
  if (typeof reduction !== 'object' || reduction === null) {
    throw methodError(name, `reduce returns ${describe(reduction)}; it must return { keep }, bool [B,N]`)
  }
  const { keep, into, merge, weight, mass, aside, order, final, context, carry } = reduction as Reduction
  const row = site.attended.dims
  requireTensor(name, 'keep', keep, ['bool'], [row])
  if (into !== undefined) requireTensor(name, 'into', into, numberTypes, [row, [...row, row[1] as string]])
  if (weight !== undefined) requireTensor(name, 'weight', weight, numberTypes, [row])
  if (mass !== undefined && mass !== 'none') requireTensor(name, 'mass', mass, numberTypes, [row])
  if (aside !== undefined) requireTensor(name, 'aside', aside, ['bool'], [row])
  if (order !== undefined) requireTensor(name, 'order', order, numberTypes, [row])
  if (final !== undefined) {
    if (!method.completes)
      throw methodError(name, 'returns final states, which it does not declare; add completes: true')
    requireTensor(name, 'final', final, ['float32', 'float16', 'float64'], [site.hidden.dims])
  }
  if (context !== undefined && (final === undefined || typeof context !== 'function')) {
    throw methodError(
      name,
      `context is ${describe(context)}; it must be a function, of a method that returns final states`,
    )
  }
  if (merge !== undefined && !['mean', 'sum', 'norm'].includes(merge)) {
    throw methodError(name, `merge is ${describe(merge)}; must be mean, sum or norm`)
  }
  for (const [key, value] of Object.entries(carry ?? {})) checkCarried(method, key, value, site.hidden)
}

function checkCarried(method: Method, key: string, value: unknown, hidden: Tensor): void {
  const { name, carry = {} } = method
  if (!Object.hasOwn(carry, key)) {
    throw methodError(name, `carries ${key}, which it does not declare; add it to the method's carry`)
  }
  requireTensor(name, `carry.${key}`, value, numberTypes, [carriedDims(method, key, hidden)])
}

const numberTypes = ['float32', 'float16', 'float64', 'int64', 'int32'] as const

function requireTensor(
  method: string,
  what: string,
  value: unknown,
  types: readonly string[],
  shapes: readonly Tensor['dims'][],
  anyName = false,
): asserts value is Tensor {
  const [first = ''] = types
  const form = `${first === 'bool' ? 'bool ' : ''}${shapes.map((dims) => `[${dims}]`).join(' or ')}`
  if (!isTensor(value)) throw methodError(method, `${what} is ${describe(value)}; must be a tensor, ${form}`)
  if (!types.includes(value.dtype)) {
    throw methodError(method, `${what} is ${value}; must be ${first === 'bool' ? form : `a number, ${form}`}`)
  }
  if (shapes.every((dims) => shapeProblem(value, dims, anyName))) {
    throw methodError(method, `${what} is ${value}; must be ${form}`)
  }
}

function describe(value: unknown): string {
  return typeof value === 'string'
    ? `"${value}"`
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value)
}

function methodError(method: string, message: string, cause?: unknown): TpError {
  return new TpError('TP_METHOD', `plugin ${method}`, message, cause === undefined ? undefined : { cause })
}
