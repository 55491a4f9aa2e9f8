import { TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import { isSigned, paramsAt, reducesAt } from '../host/at-layer.ts'
import { add, mul } from '../ops/index.ts'
import type { Method, Reduction } from './method.ts'
import { type Scorer, scorer } from './scorer.ts'
import type { Budget, Site, Values } from './site.ts'
import type { LearnedSpec } from './training.ts'

/**
 * Scores tokens by a weighted sum of other scores: score_j = Σ_i w_i · score_i,j          [B,N]
 *
 * Scores are not normalized; choose weights accordingly (attention scores add up to 1 over a row).
 * @throws TpError TP_OPTION without parts, for one that is a `sequence`, or with a weight that is not finite
 */
export function weighted(name: string, parts: readonly (readonly [method: Scorer, weight: number])[]): Scorer {
  if (parts.length === 0) throw new TpError('TP_OPTION', 'core', `${name}: give at least one method and its weight`)
  for (const [method, weight] of parts) {
    if (Number.isFinite(weight)) continue
    throw new TpError(
      'TP_OPTION',
      'core',
      `${name}: the weight of ${method.name} is ${weight}; it must be a finite number`,
    )
  }
  refuseSequences(
    name,
    parts.map(([method]) => method),
  )
  const score = (site: Site): Tensor =>
    parts.map(([method, weight]) => mul(method.score(site), weight)).reduce((a, b) => add(a, b))
  const signed = parts.some(([method, weight]) => method.signed === true || weight < 0)
  const params = Object.assign({}, ...parts.map(([method]) => paramsAt(method, 0)))
  const learned = Object.keys(params).length > 0 && { params }
  return scorer({ name, family: parts[0]?.[0].family ?? 'attention', signed, ...learned, score })
}

/**
 * Different methods at different layers: those of `methods` at theirs, the last argument everywhere else. Methods that
 * carry state from layer to layer observe all layers, each its own.
 *
 * Trained values are those of the method at each layer, and of those that observe it.
 * @throws TpError TP_OPTION where two methods want a trained value of the same name at one layer, or one works at the
 * input of layers, or is a `sequence`
 */
export function byLayer(name: string, methods: ReadonlyMap<number, Method>, others: Method): Method {
  const at = (layer: number): Method => methods.get(layer) ?? others
  const all = [...new Set([...methods.values(), others])]
  refuseSequences(name, all)
  const elsewhere = all.find(({ site }) => site === 'input')
  if (elsewhere !== undefined) {
    const reason = `${elsewhere.name} works at the input of layers, and cannot share them with others`
    throw new TpError('TP_OPTION', 'core', `${name}: ${reason}; use it alone`)
  }
  const carriers = all.filter(({ carry }) => carry !== undefined)
  const own = (method: Method, key: string): string => `${carriers.indexOf(method)}.${key}`
  const carry = Object.fromEntries(
    carriers.flatMap((method) => Object.entries(method.carry ?? {}).map(([key, spec]) => [own(method, key), spec])),
  )
  /** The carried values of one method, by the names that it knows, or as they are carried here. */
  const unpack = (method: Method, carried: Values): Values =>
    Object.fromEntries(Object.keys(method.carry ?? {}).map((key) => [key, carried[own(method, key)] as Tensor]))
  const pack = (method: Method, { carry: written = {} }: Reduction): Values =>
    Object.fromEntries(Object.entries(written).map(([key, x]) => [own(method, key), x]))

  const params = (layer: number): Readonly<Record<string, LearnedSpec>> =>
    unite(name, layer, [...new Set([at(layer), ...carriers])])
  const completes = all.every((method) => method.completes)
  const hasParams = all.some((method) => method.params !== undefined)
  if (hasParams) for (const layer of [...methods.keys(), Number.POSITIVE_INFINITY]) params(layer)
  return Object.freeze<Method>({
    name,
    family: at(0).family,
    ...(hasParams && { params }),
    ...(carriers.length > 0 && { carry }),
    ...(completes && { completes }),
    signed: (layer) => isSigned(at(layer), layer),
    reduces: (layer) => reducesAt(at(layer), layer),
    reduce(site) {
      const chosen = at(site.layer)
      // Where other methods drop their tokens none are restored, so nobody reads what they would have become.
      const reduced = (method: Method, own: Site): Reduction => {
        const { final, context, ...rest } = method.reduce(own)
        return completes ? { ...rest, ...(final && { final }), ...(context && { context }) } : rest
      }
      // Not a spread copy: it would call getters that the method does not read, and the model might refuse them.
      const seenBy = (method: Method, budget: Budget | undefined): Site =>
        Object.create(site, { carried: { value: unpack(method, site.carried) }, budget: { value: budget } })
      const observed = carriers
        .filter((method) => method !== chosen || site.budget === undefined)
        .map((method) => pack(method, method.reduce(seenBy(method, undefined))))
      const reduction =
        site.budget === undefined ? { keep: site.attended } : reduced(chosen, seenBy(chosen, site.budget))
      const written: Values = Object.assign({}, ...observed, pack(chosen, reduction))
      return Object.keys(carry).length === 0 ? reduction : { ...reduction, carry: written }
    },
  })
}

/**
 * One method after another: `first` once, at the input of the first layer, and `second` by the schedule. Tokens that `first`
 * has set aside are kept, and no amount counts it.
 * @throws TpError TP_OPTION for a first method that needs amounts, or does not work at the input of a layer; for a second one that
 * acts after another itself, brings tokens back, or is `none`
 */
export function sequence(first: Method, second: Method): Method {
  const name = `${first.name}+${second.name}`
  const problem = (reason: string): TpError => new TpError('TP_OPTION', 'core', `${name}: ${reason}`)
  if (!first.unscheduled || first.site !== 'input' || first.carry !== undefined) {
    throw problem(
      `${first.name} cannot act before another method: only one can that needs no amount, at the input of a layer`,
    )
  }
  if (second.name === 'none') throw problem(`none prunes nothing; use ${first.name} alone`)
  if (second.before !== undefined) throw problem(`${second.name} acts after another method already`)
  if (second.returns)
    throw problem(`${second.name} brings tokens back, and those that ${first.name} has taken are not its own`)
  return Object.freeze<Method>({ ...second, name, before: first })
}

/** As a part of another method it would lose the one that acts before it. */
function refuseSequences(name: string, parts: readonly Method[]): void {
  const found = parts.find(({ before }) => before !== undefined)
  if (found === undefined) return
  const reason = `${found.name} acts after another method already; give the whole to sequence instead of a part`
  throw new TpError('TP_OPTION', 'core', `${name}: ${reason}`)
}

/** The trained values of several methods at one layer. */
function unite(name: string, layer: number, methods: readonly Method[]): Readonly<Record<string, LearnedSpec>> {
  const specs = methods.flatMap((method) =>
    Object.entries(paramsAt(method, layer)).map(([key, spec]) => ({ key, spec, method })),
  )
  for (const [i, { key, method }] of specs.entries()) {
    const other = specs.slice(0, i).find((before) => before.key === key)
    if (other === undefined) continue
    const both = `${other.method.name} and ${method.name} both take a trained value "${key}"`
    throw new TpError('TP_OPTION', 'core', `${name}: ${both} at layer ${layer}; they cannot share layers`)
  }
  return Object.fromEntries(specs.map(({ key, spec }) => [key, spec]))
}
