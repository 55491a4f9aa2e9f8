import type { Recipe } from '../method/recipe.ts'

/** Models on which these lost least, by method. */
export const recipes: Readonly<Record<'stride' | 'quasiRandom', readonly Recipe[]>> = {
  stride: [{ inputs: ['recordings'], answers: ['words'], evidence: 'docs/speech.md' }],
  quasiRandom: [
    { inputs: ['images'], answers: ['classes'], layers: ['first', 'second'], evidence: 'docs/findings.md: images' },
  ],
}
