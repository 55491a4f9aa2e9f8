import type { Plan, QuantizeOptions } from '@tp/compiler'
import type { OutsideCase } from './cases.ts'
import type { SettingKind } from './evidence.ts'
import { settingText } from './setting-text.ts'

/** A setting of ours, as a plan. */
export interface PlannedSetting {
  readonly kind: SettingKind
  readonly setting: string
  /** One for each seed. */
  readonly plans: readonly [Plan, ...Plan[]]
}

/** The amounts for what `sdtp` has learned, which serves any. @param weights of 8 bits, as the processor takes them */
export function learnedSettings({ float32, learned, ...one }: OutsideCase, weights: QuantizeOptions): PlannedSetting[] {
  if (learned === undefined) return []
  const eight: Partial<Plan> = {
    ...(float32 && { quantize: weights }),
    ...(packs({ float32, ...one }) && { pack: true }),
  }
  return learned.keep.map((keep): PlannedSetting => {
    const plan: Plan = {
      format: 1,
      method: 'sdtp',
      layers: learned.layers,
      keep: learned.layers.map(() => keep),
      ...eight,
    }
    return { kind: 'learned', setting: settingText(plan), plans: [plan] }
  })
}

/** Whether its files run in our runtime: of texts, where padding can be left out, and in 8 bits, which have operators of their own there. */
export function packs({ batches, float32 }: Pick<OutsideCase, 'batches' | 'float32'>): boolean {
  return batches.length > 2 || float32
}

const SEEDS = 5
const NONE = { format: 1, method: 'none' } as const

/** Everything but what was learned, what `tp optimize` chose, and the rivals. @param weights of 8 bits, as the processor takes them */
export function plannedSettings(
  { float32, trainingFree, leaveOut, ...one }: OutsideCase,
  weights: QuantizeOptions,
): PlannedSetting[] {
  const isPacked = packs({ float32, ...one })
  const eight: Partial<Plan> = { ...(float32 && { quantize: weights }), ...(isPacked && { pack: true }) }
  const setting = (kind: SettingKind, plan: Plan): PlannedSetting => ({
    kind,
    setting: settingText(plan),
    plans: [plan],
  })
  const { params: _, ...schedule } = trainingFree[0]
  const seeds = Array.from({ length: SEEDS }, (_, seed): Plan => ({ ...schedule, method: 'random', params: { seed } }))
  const [first, ...others] = seeds as [Plan, ...Plan[]]
  return [
    ...(isPacked ? [setting(float32 ? '8-bit packed' : 'packed', { ...NONE, ...eight })] : []),
    ...(float32 ? [setting('8 bits', { ...NONE, quantize: weights })] : []),
    ...trainingFree.map((plan) => setting('training-free', plan)),
    setting('training-free packed', { ...trainingFree[0], ...eight }),
    setting('fewer layers', { ...NONE, leaveOut: [leaveOut], ...eight }),
    { kind: 'random', setting: `${settingText(first)}, ${SEEDS} seeds`, plans: [first, ...others] },
  ]
}
