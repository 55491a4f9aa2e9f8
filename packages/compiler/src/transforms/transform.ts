import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import type { Model } from '@tp/onnx'
import { withEqualSizes } from '../program/program.ts'
import { isRefused, reasonOf, refusing } from '../program/refusal.ts'
import { requireModel } from '../program/require-model.ts'
import { order } from './order.ts'

/** A model at its turn in a transform. */
export interface Subject {
  readonly model: Model
  /** The model that all of the transforms began with. */
  readonly source: Model
  /** The result of a function, computed once for all conditions of a transform and for the transform itself. */
  once<T>(find: (subject: Subject) => T): T
}

/** A fact about a model, which its graph or its metadata show. */
export interface Condition {
  /** Completes "the model …": `is not packed`. */
  readonly name: string
  /** @throws Refused for a model of which it does not hold; TpError for an option that does not fit the model */
  check(subject: Subject): void
}

/** The report of a transform on its work: its name, and facts of its own. */
export interface TransformReport {
  readonly transform: string
}

/** A named function that changes a model. It does not edit the model that it is given. */
export interface Transform<Report extends TransformReport = TransformReport> {
  readonly name: Report['transform']
  /** Hold before it, or the model is refused. */
  readonly requires: readonly Condition[]
  /** Hold after it. They are looked up in the result's graph and metadata; analyzing all of it again would cost too much. */
  readonly ensures: readonly Condition[]
  /** @throws Refused for what can only be found out at work */
  apply(subject: Subject): { readonly model: Model; readonly report: Report }
}

/** The changed model, and the report of each transform, in their order. */
export interface Transformed<Transforms extends readonly Transform[]> {
  readonly model: Model
  /** The model after each transform, the last one is `model`. */
  readonly steps: readonly Model[]
  readonly reports: ReportsOf<Transforms>
}

type ReportsOf<Transforms extends readonly Transform[]> = {
  readonly [Index in keyof Transforms]: Transforms[Index] extends Transform<infer Report> ? Report : never
}

/**
 * Changes a model by transforms, one after the other. The model itself is not changed, and weights are shared with the result.
 *
 * Each transform's requirements are checked on the model that it is given, and what it ensures on the model that it returns.
 * @throws Refused for a model that one of them cannot change; TpError TP_ORDER for transforms in an order that does not fit, TP_NOT_ONNX for
 *   what is not a model, TP_OPTION for what is not a transform, and those of options that do not fit the model
 * @example
 * const dense = decodeModel(await readFile('model.onnx'))
 * const { model, reports } = transform(
 *   dense,
 *   leaveOut({ layers: [3] }),
 *   prune({ method: tome(), schedule: schedule(5, { keep: 0.7 }) }),
 *   quantize(),
 * )
 * await writeFile('small.onnx', encodeModel(model))
 * console.log(`${reports[1].cuts.length} cuts, ${reports[2].nodes.length} nodes in 8 bits`)
 */
export function transform<const Transforms extends readonly Transform[]>(
  model: Model,
  ...transforms: Transforms
): Transformed<Transforms> {
  requireModel(model)
  transforms.forEach(requireTransform)
  requireOrder(transforms)
  const reports: TransformReport[] = []
  const steps: Model[] = []
  for (const each of transforms) {
    const next = applied(each, subjectOf(steps.at(-1) ?? model, model))
    steps.push(next.model)
    reports.push(next.report)
  }
  return { model: steps.at(-1) ?? model, steps, reports: reports as unknown as ReportsOf<Transforms> }
}

/** The report of the transform of a name; undefined where no such transform was applied. */
export function reportOf<Report extends TransformReport, Name extends Report['transform']>(
  reports: readonly Report[],
  name: Name,
): Extract<Report, { readonly transform: Name }> | undefined {
  return reports.find(({ transform }) => transform === name) as
    | Extract<Report, { readonly transform: Name }>
    | undefined
}

/** @param source what the model was made from by earlier transforms */
function subjectOf(model: Model, source: Model): Subject {
  const found = new Map<unknown, unknown>()
  const subject: Subject = {
    model,
    source,
    once<T>(find: (subject: Subject) => T): T {
      if (!found.has(find)) found.set(find, find(subject))
      return found.get(find) as T
    },
  }
  return subject
}

function applied<Report extends TransformReport>(
  transform: Transform<Report>,
  subject: Subject,
): ReturnType<Transform<Report>['apply']> {
  return refusing(() =>
    withEqualSizes(() => {
      for (const condition of transform.requires) condition.check(subject)
      const result = transform.apply(subject)
      requireResult(transform, result)
      requireEnsured(transform, subjectOf(result.model, subject.source))
      return result
    }),
  )
}

/** @throws Error for a mistake in the transform, not in what it was given */
function requireResult({ name }: Transform, result: unknown): void {
  if (isRecord(result) && isRecord(result.model) && isRecord(result.report)) return
  throw new Error(`${name} must return a model and a report; it returns ${shown(result)}`)
}

/** @throws Error for a mistake in the transform, not in what it was given */
function requireEnsured({ name, ensures }: Transform, result: Subject): void {
  for (const condition of ensures) {
    try {
      condition.check(result)
    } catch (error) {
      if (!isRefused(error)) throw error
      throw new Error(`${name} must ensure that the model ${condition.name}: ${reasonOf(error)}`, { cause: error })
    }
  }
}

/** @throws TpError TP_OPTION for what is not made like a transform */
function requireTransform(value: unknown, index: number): void {
  const { name, requires, ensures, apply } = isRecord(value) ? value : {}
  const isWhole = Array.isArray(requires) && Array.isArray(ensures) && typeof apply === 'function'
  if (typeof name === 'string' && isWhole) return
  const seen = `transform ${index} is ${shown(value)}`
  const advice = 'give what a function such as prune() returns: name, requires, ensures and apply'
  throw new TpError('TP_OPTION', 'compiler', `${seen}; ${advice}`)
}

/** Transforms of others have no place in the order and fit anywhere. @throws TpError TP_ORDER */
function requireOrder(transforms: readonly Transform[]): void {
  const known = transforms.map(({ name }) => name).filter((name) => rankOf(name) >= 0)
  const late = known.findIndex((name, i) => i > 0 && rankOf(name) < rankOf(known[i - 1] as string))
  if (late < 0) return
  const fitting = [...known].sort((a, b) => rankOf(a) - rankOf(b)).join(', ')
  const seen = `${known[late]} comes after ${known[late - 1]}`
  throw new TpError('TP_ORDER', 'compiler', `${seen}; the order that fits is ${fitting}`)
}

function rankOf(name: string): number {
  return (order as readonly string[]).indexOf(name)
}
