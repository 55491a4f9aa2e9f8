import type { Recipe } from '@tp/core'

const texts = 'docs/results.md: classifiers of texts'
const images = 'docs/findings.md: images'

/** Models on which these methods lost least, by method. */
export const recipes: Readonly<
  Record<'receivedAttention' | 'valueAware' | 'clsAttention' | 'balanced', readonly Recipe[]>
> = {
  receivedAttention: [
    { inputs: ['texts'], answers: ['classes', 'vectors'], layers: ['every', 'but-first'], evidence: texts },
    { inputs: ['images', 'recordings'], answers: ['classes'], layers: ['every', 'but-first'], evidence: images },
  ],
  valueAware: [{ inputs: ['texts'], answers: ['classes', 'vectors'], layers: ['every', 'but-first'], evidence: texts }],
  clsAttention: [
    { inputs: ['texts'], answers: ['classes', 'vectors'], layers: ['every', 'but-first'], evidence: texts },
    {
      inputs: ['texts'],
      answers: ['scores'],
      layers: ['middle', 'thirds', 'but-first'],
      evidence: 'docs/rerankers.md',
    },
    { inputs: ['images', 'recordings'], answers: ['classes'], layers: ['every', 'but-first'], evidence: images },
  ],
  balanced: [{ inputs: ['texts'], answers: ['classes'], layers: ['every', 'but-first'], evidence: texts }],
}
