import { inputKind } from '@tp/compare'
import type { MethodEntry, Recipe, RecipeAnswers, RecipeInputs } from '@tp/core'
import { findEntry, needsValues } from '@tp/core/host'
import type { TaskData } from '@tp/data'
import type { Model } from '@tp/onnx'
import type { Variant } from '../options.ts'

/** The kind of model that recipes are for: by its inputs, and by the answers that are made of its outputs. */
export interface ModelKind {
  readonly inputs: RecipeInputs | undefined
  readonly answers: RecipeAnswers
  /** All inputs have one length. */
  readonly isFixed?: boolean
}

const answersOf: Readonly<Record<TaskData['task'], RecipeAnswers>> = {
  classification: 'classes',
  'multi-label': 'classes',
  ranking: 'scores',
  regression: 'scores',
  embeddings: 'vectors',
  tokens: 'tags',
  asr: 'words',
}

/** @param length tokens of every input; undefined where any number is taken */
export function kindOf(model: Model, task: TaskData['task'], length?: number): ModelKind {
  const inputs = inputKind(model)
  return {
    inputs: inputs === 'data' ? undefined : inputs,
    answers: answersOf[task],
    ...(length !== undefined && { isFixed: true }),
  }
}

/**
 * The variants to try on a model: by the recipes of methods that are for its kind, in their order. Where words are written down, a method
 * that decides by itself how many tokens are kept also acts before each of the others.
 */
export function variantsFor(kind: ModelKind, methods: readonly MethodEntry[]): Variant[] {
  const variants = methods.flatMap((entry) => variantsOf(entry, kind)).filter((variant) => !learnsFirst(variant))
  if (kind.answers !== 'words') return variants
  const isOwn = ({ entry }: Variant): boolean => entry.create().unscheduled === true
  const after = variants.filter((variant) => !isOwn(variant) && entryIsPlain(variant))
  const both = variants.filter(isOwn).flatMap(({ entry }) =>
    after.flatMap((other) => {
      const sequence = findEntry(methods, `${entry.name}+${other.entry.name}`)
      return sequence === undefined ? [] : [{ ...other, entry: sequence }]
    }),
  )
  return [...variants, ...both]
}

/** Whether it decides by itself how many tokens are kept: it has no strength, and others can act after it. */
export function actsFirst({ entry, params }: Variant): boolean {
  const { unscheduled = false, site } = entry.create(params)
  return unscheduled && site === 'input' && params === undefined
}

/** Variants by recipes whose methods have something to learn before they can prune. */
export function learnableFor(kind: ModelKind, methods: readonly MethodEntry[]): Variant[] {
  return methods.flatMap((entry) => variantsOf(entry, kind)).filter(learnsFirst)
}

function learnsFirst({ entry, params }: Variant): boolean {
  return needsValues(entry.create(params))
}

/** Whether it drops tokens by count, so that it may act after another method. */
function entryIsPlain({ entry, params }: Variant): boolean {
  const { signed, reduces } = entry.create(params)
  return signed === undefined && reduces === undefined
}

function variantsOf(entry: MethodEntry, kind: ModelKind): Variant[] {
  const { recipes } = entry
  if (recipes === undefined) return []
  return recipes
    .filter((recipe) => isFor(recipe, kind))
    .map(({ layers, options }) => ({
      ...{ entry, optional: true },
      ...(options && { params: options }),
      ...(layers && { layers }),
    }))
}

function isFor({ inputs, answers, length }: Recipe, kind: ModelKind): boolean {
  if (length === 'fixed' && !kind.isFixed) return false
  return answers.includes(kind.answers) && (kind.inputs === undefined || inputs.includes(kind.inputs))
}
