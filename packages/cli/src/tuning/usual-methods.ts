import type { TuneProgress } from '@tp/tune'

/** What tuning chooses from if no method is named: those without training that suit what the model reads and gives. */
export const usualMethods = {
  vectors: ['tome', 'received-attention', 'value-aware', 'cls-attention'],
  text: ['received-attention', 'value-aware', 'cls-attention', 'balanced'],
  speech: ['thin-padding', 'thin-padding+stride', 'stride', 'a-tome'],
  other: ['received-attention', 'cls-attention', 'quasi-random', 'tome'],
} as const

/** In the order in which they come first; choosing and looking may alternate. */
export const stageNames: readonly TuneProgress['stage'][] = [
  'latency',
  'sensitivity',
  'search',
  'verification',
  'regimes',
]

export const stages: Readonly<Record<TuneProgress['stage'], string>> = {
  latency: 'timing the model',
  sensitivity: 'looking how much each layer needs its tokens',
  search: 'choosing',
  verification: 'verifying',
  regimes: 'timing the plan',
}
