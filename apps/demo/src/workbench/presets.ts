import type { Preset } from './preset.ts'

/** Measured settings of the page's models, by the comparison of 2026-11-29 (`git show d98b7588:apps/benchmark/README.md`). */
export const presets: Readonly<Record<'mail' | 'digits-vit' | 'fashion-vit', readonly Preset[]>> = {
  mail: [
    {
      name: 'Safe',
      settings: { method: 'cls-attention', keep: 0.8, layers: [1, 2, 3, 4] },
      loss: { estimate: 0, low: -0.003, high: 0.003 },
      examples: '1,257',
    },
    {
      name: 'Balanced',
      settings: { method: 'cls-attention', keep: 0.5, layers: [1, 2, 3, 4] },
      loss: { estimate: 0.0016, low: -0.0015, high: 0.0058 },
      examples: '1,257',
    },
    {
      name: 'Fast',
      settings: { method: 'cls-attention', keep: 0.1, layers: [0] },
      loss: { estimate: 0, low: -0.0054, high: 0.0054 },
      examples: '1,257',
    },
  ],
  'digits-vit': [
    {
      name: 'Safe',
      settings: { method: 'value-aware', keep: 0.9, layers: [1, 2, 3, 4] },
      loss: { estimate: 0, low: -0.0068, high: 0.0068 },
      examples: '1,008',
    },
    {
      name: 'Balanced',
      settings: { method: 'cls-attention', keep: 0.5, layers: [1] },
      loss: { estimate: 0.002, low: -0.0066, high: 0.0109 },
      examples: '1,008',
    },
    {
      name: 'Fast',
      settings: { method: 'value-aware', keep: 0.3, layers: [1] },
      loss: { estimate: 0.0129, low: 0.0032, high: 0.024 },
      examples: '1,008',
    },
  ],
  'fashion-vit': [
    {
      name: 'Safe',
      settings: { method: 'quasi-random', keep: 0.9, layers: [1, 2, 3, 4] },
      loss: { estimate: 0.0015, low: -0.0054, high: 0.0084 },
      examples: '2,000',
    },
    {
      name: 'Balanced',
      settings: { method: 'quasi-random', keep: 0.5, layers: [1] },
      loss: { estimate: 0.0085, low: -0.002, high: 0.0192 },
      examples: '2,000',
    },
    {
      name: 'Fast',
      settings: { method: 'quasi-random', keep: 0.3, layers: [1] },
      loss: { estimate: 0.0215, low: 0.0106, high: 0.0328 },
      examples: '2,000',
    },
  ],
}
