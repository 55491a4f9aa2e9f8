import type { Recipe } from '@tp/core'

/** Models on which these methods lost least, by method. */
export const recipes: Readonly<Record<'tome' | 'aTome' | 'dropPadding' | 'thinPadding', readonly Recipe[]>> = {
  tome: [
    { inputs: ['texts'], answers: ['scores'], layers: ['middle', 'thirds'], evidence: 'docs/rerankers.md' },
    { inputs: ['texts'], answers: ['vectors'], layers: ['every', 'but-first'], evidence: 'docs/embeddings.md' },
    {
      inputs: ['images', 'recordings'],
      answers: ['classes'],
      layers: ['every', 'but-first', 'thirds', 'second-half'],
      evidence: 'docs/findings.md: images',
    },
  ],
  aTome: [{ inputs: ['recordings'], answers: ['words'], evidence: 'docs/speech.md' }],
  dropPadding: [
    {
      inputs: ['texts', 'recordings'],
      answers: ['classes', 'scores', 'vectors', 'tags'],
      length: 'fixed',
      evidence: 'docs/folders.md',
    },
  ],
  thinPadding: [{ inputs: ['recordings'], answers: ['words'], evidence: 'docs/speech.md' }],
}
