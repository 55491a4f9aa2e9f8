import type { Plan } from '@tp/compiler'

/** The settings of the other reports, which explain how they were chosen on calibration data. */
export const plans: Readonly<Record<'mail' | 'digits-vit' | 'minilm-sentiment', Plan>> = {
  mail: { format: 1, method: 'received-attention', layers: [0], keep: 0.1 },
  'digits-vit': { format: 1, method: 'received-attention', layers: [1], keep: 0.55 },
  'minilm-sentiment': {
    format: 1,
    method: 'balanced',
    params: { values: true },
    layers: [0, 1, 2, 3, 4, 5],
    keep: [0.85, 0.75, 0.7, 0.65, 0.6, 0.5],
  },
}
