import type { OptionValues } from './options.ts'

/** The inputs of a model. */
export type RecipeInputs = 'texts' | 'images' | 'recordings'

/** The answers that are made of a model's outputs: classes, scores that rank texts, vectors, tags of tokens, and words of a decoder. */
export type RecipeAnswers = 'classes' | 'scores' | 'vectors' | 'tags' | 'words'

/**
 * The layers of a model where tokens are pruned: every one; all but the first; the ends of the first and second third; the middle one;
 * the first; the second; all of the second half.
 */
export const recipeLayers = ['every', 'but-first', 'thirds', 'middle', 'first', 'second', 'second-half'] as const
export type RecipeLayers = (typeof recipeLayers)[number]

/** A way to use a method that is worth trying on models of a kind: `optimize` tries it there, at rising strength. */
export interface Recipe {
  /** Models that it is for. */
  readonly inputs: readonly RecipeInputs[]
  readonly answers: readonly RecipeAnswers[]
  /** `fixed`: for models all of whose inputs have one length, such as 512 tokens, so that shorter texts pay for padding. Default: for all. */
  readonly length?: 'fixed'
  /** Ways to divide pruning among layers; each is tried. Of no use to a method that needs no schedule. */
  readonly layers?: readonly RecipeLayers[]
  /** The method's own options. */
  readonly options?: OptionValues
  /** The measurements that it rests on: a page, with the table's heading, or a paper. */
  readonly evidence: string
}
